"""`pneumoscope data`: what labelled folders hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import PATIENTS, JsonTarget, PatientColumn, Where, parse_where
from pneumoscope.cli.output import (
    check_targets,
    folder_data,
    json_target,
    reading_bar,
    write_result,
)

app = typer.Typer(help="Inspect labelled folders before training.")


@app.command("fingerprint")
def fingerprint(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A folder with labels.csv, or with one subfolder per class."
        ),
    ],
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
    json: JsonTarget = None,
) -> None:
    """Describe the images of a labelled folder.

    Counts labels, patients, formats and sizes; finds identical and nearly
    identical images, and properties that give the label away.
    """
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[folder])

    from pneumoscope.evaluation import fingerprint_folder
    from pneumoscope.evaluation.reports import fingerprint_to_text, to_fingerprint_document

    with reading_bar() as progress:
        result = fingerprint_folder(
            folder, patient_column=patient_column, where=parse_where(where), progress=progress
        )
    document = to_fingerprint_document(
        result.measured.as_dict(),
        data=folder_data(result),
        warnings=result.warnings,
    )
    write_result(document, fingerprint_to_text, to_stdout=to_stdout, json_file=json_file)
