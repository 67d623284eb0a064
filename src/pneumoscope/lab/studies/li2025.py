"""Li 2025, Tables 1 and 2: the four-convolution CNN on five random hold-outs, and by patient."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pneumoscope.errors import InputError
from pneumoscope.files import write_files
from pneumoscope.lab.datasets import (
    By,
    DataIdentity,
    SchemeSettings,
    Split,
    draw,
    identify,
    linked_groups,
    units_of,
)
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.binary_metrics import two_class_metrics
from pneumoscope.lab.studies.experiment import recipe_contents, run_experiment
from pneumoscope.lab.studies.folds import one_by_one
from pneumoscope.lab.studies.li2025_page import Arm, Measured, write
from pneumoscope.lab.studies.page import Page, provenance
from pneumoscope.lab.studies.study import Context, Study

HELD_OUT = 485 / 5216
# A training takes 35 minutes of a core: the spread is measured where something was published, and
# `leak-tax` repeats both at a smaller size.
SPLITS: dict[By, int] = {"image": 5, "patient": 1}


def _run(context: Context, page: Page) -> None:
    data = identify([context.data / "guangzhou"])
    page.source("guangzhou", f"sha256 {data.sha256[:16]}, {len(data.files)} images")
    changes: dict[str, Any] = {}
    splits = SPLITS
    if context.smoke:
        splits = {"image": 2, "patient": 2}
        changes = {"training.epochs": 2, "input.size": 64}
    recipe = recipe_contents("li2025", changes)
    arms = []
    for by, count in splits.items():
        results = []
        for number, split in enumerate(_splits(data, by)[:count]):
            name = f"{by}-{number + 1}"
            results.append(run_experiment(context, name, recipe, split, data, accept_leak=True))
            page.source(f"split {name}", f"certificate {results[-1].certificate[:16]}")
        arms.append(Arm(by, tuple(map(_measured, results))))
    write(page, recipe, arms)


def _splits(data: DataIdentity, by: By) -> list[Split]:
    """Draw five random hold-outs, each as a split of its own.

    By image the training is stopped on the reported images, as published; by patient on a tenth of
    the patients that train.
    """
    groups = linked_groups(data.patients, data.fingerprints)
    settings = SchemeSettings(
        scheme="holdout",
        folds=5,
        holdout=HELD_OUT,
        stop=0.0 if by == "image" else 0.1,
        calibrate=0.0,
    )
    return one_by_one(draw(units_of(data.strata, groups, by), settings))


def _measured(result: Result) -> Measured:
    return Measured(
        certificate=result.certificate,
        leaks=result.leaks,
        images={label: result.labels.count(label) for label in result.classes},
        epochs=result.epochs,
        metrics=two_class_metrics(result),
    )


def write_again(numbers: Path) -> Path:
    """Write the page again from the numbers kept beside it, without a training.

    The page keeps the command, commit and machine of the measurement, and names the commit that
    wrote it again. The numbers stay as they are.

    Parameters
    ----------
    numbers : Path
        ``li2025.json``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        The numbers cannot be read or are not this study's, or the page cannot be written.
    """
    try:
        kept = json.loads(numbers.read_bytes())
        command, recipe = kept["command"], kept["recipe"]
        measurement = kept["made_with"] | kept["sources"]
        arms = [Arm(by, tuple(Measured(**each) for each in kept["results"][by])) for by in SPLITS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{numbers}: not the numbers of study {STUDY.name!r} ({error}); run the study"
        ) from None
    page = Page(STUDY.name, STUDY.title, command=command)
    write(page, recipe, arms)
    for name, value in measurement.items():
        page.source(name, value)  # a row of the same name is in place of what writes the page now
    page.source("page", f"written again from {numbers.name} at commit {provenance()['commit']}")
    with TemporaryDirectory() as folder:
        page.write(Path(folder))
        written = [path for path in Path(folder).iterdir() if path.suffix != numbers.suffix]
        write_files({numbers.parent / path.name: path.read_bytes() for path in written})
    return numbers.with_suffix(".md")


STUDY = Study(
    name="li2025",
    title="Li 2025: a four-convolution CNN on children's radiographs",
    reaches="Tables 1 and 2, Figures 5 and 6; the same by patient",
    cost="six trainings of 30 epochs: about two hours on two cores",
    run=_run,
    needs=("guangzhou",),
)
