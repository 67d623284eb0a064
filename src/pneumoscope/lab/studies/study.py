"""A published experiment that is run again, its figures beside the measured ones."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from pneumoscope.errors import InputError
from pneumoscope.files import told
from pneumoscope.lab.studies.page import Page

Scale = Literal["full", "smoke"]
SCALES: tuple[str, ...] = get_args(Scale)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a study finds its data and leaves its work.

    Attributes
    ----------
    scale : {"full", "smoke"}
        `smoke` proves the machinery in minutes; its figures mean nothing, and its page shows no
        published ones (`Page.published`).
    data : Path
        Holds the data sets' folders.
    work : Path
        Of this study and scale: finished experiments are kept there and not run again.
    commits : set of str
        Of the program that made the experiments used so far. Those that were kept may be of an
        earlier one than the page.
    """

    scale: Scale
    data: Path
    work: Path
    commits: set[str] = field(default_factory=set, compare=False)

    @property
    def smoke(self) -> bool:
        """Whether only the machinery is to be proved."""
        return self.scale == "smoke"


@dataclass(frozen=True, slots=True)
class Study:
    """One published experiment.

    Attributes
    ----------
    name : str
        As the command line takes it.
    title : str
        Of its page.
    reaches : str
        Which published table or figure it runs again, and on what.
    cost : str
        What the full scale takes, and on which machine.
    run : callable
        Runs it and fills the page.
    needs : tuple of str
        The data sets' folders that it reads, by name; empty for a study of made-up numbers.
    """

    name: str
    title: str
    reaches: str
    cost: str
    run: Callable[[Context, Page], None]
    needs: tuple[str, ...] = ()


def studies() -> dict[str, Study]:
    """All studies by name: every module of this folder that has a `STUDY`."""
    package = importlib.import_module("pneumoscope.lab.studies")
    modules = (
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    )
    listed = [module.STUDY for module in modules if hasattr(module, "STUDY")]
    return {study.name: study for study in sorted(listed, key=lambda study: study.name)}


def run_study(name: str, *, scale: str, data: Path, work: Path, out: Path | None) -> Path:
    """Run a study and write its page.

    Parameters
    ----------
    name : str
        One of `studies`.
    scale : {"full", "smoke"}
    data : Path
        Holds the data sets' folders.
    work : Path
        Where runs and finished experiments are kept; a study that was interrupted goes on there.
    out : Path or None
        Folder of the page, by default `work`. A smoke page always stays in `work`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        No such study or scale, a data set that is missing or cannot be used, or a page that cannot
        be written.
    """
    known = studies()
    if name not in known:
        raise InputError(f"study {name!r} does not exist; there are: {', '.join(known)}")
    if scale not in SCALES:
        raise InputError(f"--scale {scale!r}: give {' or '.join(SCALES)}")
    study = known[name]
    missing = [needed for needed in study.needs if not (data / needed).is_dir()]
    if missing:
        raise InputError(
            f"study {name!r} needs the data sets {', '.join(study.needs)}: no folder "
            f"{', '.join(missing)} in {data}; set PNEUMOSCOPE_DATA to the folder that holds them, "
            "or give --data"
        )
    context = Context("smoke" if scale == "smoke" else "full", data, work / f"{name}-{scale}")
    target = context.work if out is None or context.smoke else out
    for folder in (context.work, target):
        with told(str(folder)):  # before hours of work
            folder.mkdir(parents=True, exist_ok=True)
    command = f"pneumoscope study {name} --scale {scale}"
    page = Page(name, study.title, command=command, smoke=context.smoke)
    study.run(context, page)
    if context.commits:
        page.source("commits of the experiments", ", ".join(sorted(context.commits)))
    return page.write(target)
