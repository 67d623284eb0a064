"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from pneumoscope.errors import InputError

# The literal of `evaluation.PATIENT_COLUMN`, which is slow to import for `--help`.
PATIENTS = "patient_id"
# The names of `severity.rule_bases`, for the same reason.
RuleBaseName = Literal[
    "guideline",
    "baral2025",
    "baral2025-or5",
    "baral2025-drawn",
    "baral2025-max",
    "baral2025-average",
]

RuleBase = Annotated[
    RuleBaseName,
    typer.Option(
        help="Rules for the severity: guideline, from published guidelines; baral2025, as "
        "published; baral2025-*, other readings of that paper."
    ),
]
SymptomPairs = Annotated[
    list[str] | None,
    typer.Option(
        "--symptom",
        metavar="NAME=VALUE",
        help="One symptom, such as oxygen_level=92. Repeat the option for each symptom.",
    ),
]
SymptomFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A JSON file with symptoms: an object of names and values."),
]
Sex = Literal["M", "F"]
BundleName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="The model bundle, by name or folder; chest if not given."
    ),
]
JsonTarget = Annotated[
    str | None,
    typer.Option(
        metavar="-|FILE",
        help="Write the result as JSON to FILE; - prints only the JSON on stdout.",
    ),
]
ReportTarget = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", help="Write an HTML page with the result, in one file."),
]
EngineName = Literal["onnxruntime", "openvino"]
Engine = Annotated[
    EngineName | None,
    typer.Option(help="What runs the network. If not given: onnxruntime."),
]
Precision = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Precision of the network's arithmetic. If not given: fp32."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Cores for the network. If not given: all."),
]
LabelledFolder = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        help="The labelled images: a folder with labels.csv, or with one subfolder per class.",
    ),
]
Positive = Annotated[
    str | None, typer.Option(metavar="CLASS", help="The class to tell from all others.")
]
Negative = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL",
        help="Count images of this label as negative, though the bundle has no such class. "
        "Needs --positive. Repeat the option for each label.",
    ),
]
AgeGroup = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Age group (children or adults) of images without a known age. If not given, the "
        "image decides.",
    ),
]
PatientColumn = Annotated[
    str,
    typer.Option(metavar="COLUMN", help="Column of labels.csv that identifies the patient."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE",
        help="Use only images with this value in this column of labels.csv. Repeat the option "
        "for each column.",
    ),
]
SplitFile = Annotated[
    Path | None,
    typer.Option(
        metavar="SPLIT.json",
        help="A split made by pneumoscope split. If not given, the recipe's own split is used.",
    ),
]
FoldNumber = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Fold of --split, counted from 1; 1 if not given."),
]


def check_fold(split: Path | None, fold: int | None) -> None:
    """Refuse a ``--fold`` without a ``--split``.

    Raises
    ------
    InputError
    """
    if fold is not None and split is None:
        raise InputError("--fold needs --split")


def parse_where(where: Sequence[str] | None) -> dict[str, str]:
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
