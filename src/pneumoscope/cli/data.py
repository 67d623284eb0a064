"""`pneumoscope data`: what labelled folders hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import PATIENTS, JsonTarget, PatientColumn, Where, chosen
from pneumoscope.cli.output import (
    check_targets,
    deliver,
    folder_data,
    json_target,
    reading_bar,
)

app = typer.Typer(help="Look at labelled folders before training on them.")


@app.command("fingerprint")
def fingerprint(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Holds labels.csv or one folder per class.")
    ],
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
    json: JsonTarget = None,
) -> None:
    """Count what a labelled folder holds: patients, sizes, copies, and what tells the label."""
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[folder])

    from pneumoscope.evaluation import fingerprint_folder
    from pneumoscope.evaluation.reports import fingerprint_to_text, to_fingerprint_document

    with reading_bar() as progress:
        result = fingerprint_folder(
            folder, patient_column=patient_column, where=chosen(where), progress=progress
        )
    document = to_fingerprint_document(
        result.measured.as_dict(),
        data=folder_data(result),
        warnings=result.warnings,
    )
    deliver(document, fingerprint_to_text, to_stdout=to_stdout, json_file=json_file)
