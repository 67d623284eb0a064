"""`pneumoscope evaluate`: a bundle against a labelled folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.cli.output import (
    check_targets,
    json_target,
    print_text,
    reading_bar,
    write_stdout,
)
from pneumoscope.files import write_files

if TYPE_CHECKING:
    from pneumoscope.workflow import FolderEvaluation


def evaluate(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Holds labels.csv or one folder per class.")
    ],
    bundle: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model bundle.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The class to tell from the rest.")
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="A label that the bundle lacks, counted as the rest."),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="-|FILE", help="Write JSON; - for stdout and nothing else."),
    ] = None,
) -> None:
    """Score every readable image of a labelled folder, with 95% intervals over the patients."""
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[data / "labels.csv"])

    from pneumoscope.reports import dump
    from pneumoscope.workflow import evaluate_folder

    with reading_bar() as progress:
        result = evaluate_folder(
            data,
            bundle=bundle,
            positive=positive,
            negatives=tuple(negative or ()),
            progress=progress,
        )
    document = _document(result)
    if json_file is not None:
        write_files({json_file: dump(document).encode()})
    if to_stdout:
        write_stdout(dump(document))
        return

    from pneumoscope.reports import evaluation_to_text

    print_text(evaluation_to_text(document))


def _document(result: FolderEvaluation) -> dict[str, object]:
    from pneumoscope.reports import to_evaluation_document

    measured = result.operating_point
    return to_evaluation_document(
        result.summary.as_dict(),
        bundle=result.bundle,
        data={
            "folder": result.folder,
            "images": result.images,
            "unreadable": list(result.unreadable),
            "has_patients": result.has_patients,
        },
        operating_point=None
        if measured is None
        else {
            "class": measured[0].label,
            "threshold": measured[0].threshold,
            "sensitivity": float(measured[1].sensitivity),
            "specificity": float(measured[1].specificity),
        },
        warnings=result.warnings,
    )
