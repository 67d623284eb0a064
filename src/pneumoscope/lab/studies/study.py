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
from pneumoscope.lab.studies.answers import (
    FOLDER,
    Answers,
    answers_path,
    read_answers,
    write_answers,
)
from pneumoscope.lab.studies.page import SMOKE_NOTICE, Page

Scale = Literal["full", "reduced", "smoke"]
SCALES: tuple[str, ...] = get_args(Scale)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a study finds its data and leaves its work.

    Attributes
    ----------
    scale : {"full", "reduced", "smoke"}
        `reduced` is what two cores can train in one or two hours: the rows of its page may be
        compared with each other alone. `smoke` proves the machinery in minutes; its figures mean
        nothing, and its page shows no published ones (`Page.published`).
    data : Path
        Holds the data sets' folders.
    work : Path
        Of this study and scale: finished experiments are kept there and not run again.
    page : Path
        What the page will be, without its suffix. Answers that were kept beside it are not measured
        again.
    jobs : int
        Trainings at the same time, each in a process of its own.
    data_set : str
        One of the study's `sets`, or empty for what it `needs`.
    commits : set of str
        Of the program that made the experiments used so far. Those that were kept may be of an
        earlier one than the page.
    """

    scale: Scale
    data: Path
    work: Path
    page: Path = Path("page")
    jobs: int = 1
    data_set: str = ""
    commits: set[str] = field(default_factory=set, compare=False)

    @property
    def smoke(self) -> bool:
        """Whether only the machinery is to be proved."""
        return self.scale == "smoke"


@dataclass(frozen=True, slots=True)
class FromAnswers:
    """A study that keeps its answers, so that its page can be written again without a training.

    Attributes
    ----------
    measure : callable
        Trains what is not yet trained.
    write : callable
        Fills the page from the answers alone; of the context it may use the scale and the data set.
    """

    measure: Callable[[Context], Answers]
    write: Callable[[Context, Answers, Page], None]


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
    run : callable, or FromAnswers
        Runs it and fills the page.
    reduced : str
        What the reduced scale trains instead, in sentences for its page; empty where there is none.
    needs : tuple of str
        The data sets' folders that it reads, by name; empty for a study of made-up numbers.
    sets : tuple of str
        Other data sets, each a folder, that it runs on in place of `needs` when asked.
    """

    name: str
    title: str
    reaches: str
    cost: str
    run: Callable[[Context, Page], None] | FromAnswers
    needs: tuple[str, ...] = ()
    reduced: str = ""
    sets: tuple[str, ...] = ()

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales that it can be run at."""
        return SCALES if self.reduced else tuple(s for s in SCALES if s != "reduced")


def studies() -> dict[str, Study]:
    """All studies by name: every module of this folder that has a `STUDY`."""
    package = importlib.import_module("pneumoscope.lab.studies")
    modules = (
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    )
    listed = [module.STUDY for module in modules if hasattr(module, "STUDY")]
    return {study.name: study for study in sorted(listed, key=lambda study: study.name)}


def run_study(
    name: str,
    *,
    scale: str,
    data: Path,
    work: Path,
    out: Path | None,
    jobs: int = 1,
    recompute: bool = False,
    data_set: str = "",
) -> Path:
    """Run a study and write its page.

    Parameters
    ----------
    name : str
        One of `studies`.
    scale : {"full", "reduced", "smoke"}
    data : Path
        Holds the data sets' folders.
    work : Path
        Where runs and finished experiments are kept; a study that was interrupted goes on there.
    out : Path or None
        Folder of the page, by default the study's own in `work`, where a smoke page always stays.
    jobs : int
        Trainings at the same time, at least 1.
    recompute : bool
        Write the page again from the answers that are kept beside it: no data, no training.
    data_set : str
        One of the study's `sets`; empty for what it needs.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        No such study, scale or set, a data set that is missing or cannot be used, no kept answers
        to recompute from, or a page that cannot be written.
    """
    study = _known(name, scale, data_set)
    if not recompute:
        _check_data(name, (data_set,) if data_set else study.needs, data)
    elif not isinstance(study.run, FromAnswers):
        raise InputError(f"study {name!r} keeps no answers; run it without --recompute")
    label = f"{name}-{data_set}" if data_set else name
    folder = work / f"{label}-{scale}"
    target = folder if out is None or scale == "smoke" else out
    stem = target / (f"{label}-reduced" if scale == "reduced" else label)
    context = Context(_scale(scale), data, folder, stem, jobs, data_set)
    for place in () if recompute else (folder, target):
        with told(str(place)):  # before hours of work
            place.mkdir(parents=True, exist_ok=True)
    page = _page(study, context)
    if isinstance(study.run, FromAnswers):
        _from_answers(study.run, context, page, recompute=recompute)
    else:
        study.run(context, page)
    if context.commits:
        page.source("commits of the experiments", ", ".join(sorted(context.commits)))
    return page.write(target)


def _known(name: str, scale: str, data_set: str) -> Study:
    known = studies()
    if name not in known:
        raise InputError(f"study {name!r} does not exist; there are: {', '.join(known)}")
    scales, sets = known[name].scales, known[name].sets
    if scale not in scales:
        raise InputError(f"--scale {scale!r}: study {name!r} has {', '.join(scales)}")
    if data_set and data_set not in sets:
        there = f"has {', '.join(sets)}" if sets else "has no other set"
        raise InputError(f"--set {data_set!r}: study {name!r} {there}; or leave --set out")
    return known[name]


def _check_data(name: str, needs: tuple[str, ...], data: Path) -> None:
    missing = [needed for needed in needs if not (data / needed).is_dir()]
    if missing:
        raise InputError(
            f"study {name!r} needs the data sets {', '.join(needs)}: no folder "
            f"{', '.join(missing)} in {data}; set PNEUMOSCOPE_DATA to the folder that holds them, "
            "or give --data"
        )


def _scale(given: str) -> Scale:
    return next(scale for scale in get_args(Scale) if scale == given)


def _page(study: Study, context: Context) -> Page:
    """Begin the page, with what its scale means."""
    title, notice = study.title, ""
    command = f"pneumoscope study {study.name} --scale {context.scale}"
    if context.data_set:
        title += f", on the set {context.data_set}"
        command += f" --set {context.data_set}"
    if context.smoke:
        notice = SMOKE_NOTICE
    elif context.scale == "reduced":
        title += ", at reduced scale"
        notice = (
            f"**Reduced scale.** {study.reduced} So the published figures are no target here: only "
            "**differences between the rows of this page** mean something."
        )
    return Page(context.page.name, title, command=command, notice=notice, smoke=context.smoke)


def _from_answers(run: FromAnswers, context: Context, page: Page, *, recompute: bool) -> None:
    """Measure, or take what is kept; then write."""
    if recompute:
        answers = read_answers(context.page)
        context.commits.update(answers.made_with("commit"))
    else:
        answers = run.measure(context)
        write_answers(context.page, answers)
    run.write(context, answers, page)
    for source, checksum in answers.sources.items():
        page.source(source, checksum)
    page.source("answers, image by image", f"[kept]({FOLDER}/{answers_path(context.page).name})")
    page.source("machines of the experiments", "; ".join(answers.made_with("machine")))
    if answers.seconds():
        page.source(
            "time of the trainings", f"{answers.seconds() / 3600:.1f} hours, one after another"
        )
