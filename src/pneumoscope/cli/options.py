"""Options that commands on labelled folders share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from pneumoscope.errors import InputError

# The literal of `evaluation.PATIENT_COLUMN`, which is slow to import for `--help`.
PATIENTS = "patient_id"

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
