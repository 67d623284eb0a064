"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.errors import InputError

# The literal of `evaluation.PATIENT_COLUMN`, which is slow to import for `--help`.
PATIENTS = "patient_id"
# Of `severity.rule_bases`, for the same reason.
RULE_BASES = (
    "guideline, baral2025, or another reading of that: baral2025-or5, baral2025-drawn, "
    "baral2025-max, baral2025-average"
)

JsonTarget = Annotated[
    str | None,
    typer.Option(metavar="-|FILE", help="Write JSON; - for stdout and nothing else."),
]
Engine = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What runs the network, such as openvino; else onnxruntime."),
]
Precision = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of the network's arithmetic; else fp32.")
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Cores for the network; by default all there are.")
]
LabelledFolder = Annotated[
    Path, typer.Option(metavar="DIR", help="Holds labels.csv or one folder per class.")
]
Positive = Annotated[
    str | None, typer.Option(metavar="CLASS", help="The class to tell from the rest.")
]
AgeGroup = Annotated[
    str | None,
    typer.Option(
        metavar="children|adults",
        help="The age group of images whose age is not known; by default the image tells it.",
    ),
]
PatientColumn = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="The column of labels.csv that names the patients, or what stands for them.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE",
        help="Only images with this value in this column of labels.csv; again for each.",
    ),
]
SplitFile = Annotated[
    Path | None,
    typer.Option(
        metavar="SPLIT.json", help="A split of `pneumoscope split`; else the recipe's own."
    ),
]
FoldNumber = Annotated[
    int | None, typer.Option(min=1, help="Which fold of --split, from 1; by default 1.")
]


def check_fold(split: Path | None, fold: int | None) -> None:
    """Refuse a ``--fold`` of no split.

    Raises
    ------
    InputError
    """
    if fold is not None and split is None:
        raise InputError("--fold: is of a split file; give --split, too")


def chosen(where: Sequence[str] | None) -> dict[str, str]:
    """Read ``--where COLUMN=VALUE`` options.

    Raises
    ------
    InputError
        One is no such pair, or a column is named twice.
    """
    asked: dict[str, str] = {}
    for pair in where or ():
        column, sign, value = (part.strip() for part in pair.partition("="))
        if not (column and sign):
            raise InputError(f"--where {pair!r}: give a column and its value: COLUMN=VALUE")
        if column in asked:
            raise InputError(f"--where {pair!r}: {column!r} is given twice; keep one")
        asked[column] = value
    return asked
