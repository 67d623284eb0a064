"""`pneumoscope compare`: two bundles against the same labelled folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.output import (
    check_targets,
    json_target,
    print_text,
    reading_bar,
    write_stdout,
)
from pneumoscope.files import write_files


def compare(
    a: Annotated[str, typer.Option("--a", metavar="NAME|PATH", help="The first bundle.")],
    b: Annotated[str, typer.Option("--b", metavar="NAME|PATH", help="The second bundle.")],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Holds labels.csv or one folder per class.")
    ],
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The class to tell from the rest.")
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="A label that the bundles lack, counted as the rest."),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="-|FILE", help="Write JSON; - for stdout and nothing else."),
    ] = None,
) -> None:
    """Compare two bundles on the same images: a minus b, with paired intervals and tests."""
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[data / "labels.csv"])

    from pneumoscope.reports import dump, to_comparison_document
    from pneumoscope.workflow import compare_folder

    with reading_bar() as progress:
        result = compare_folder(
            data, a, b, positive=positive, negatives=tuple(negative or ()), progress=progress
        )
    document = to_comparison_document(
        result.summary.as_dict(),
        bundles=(result.a, result.b),
        in_training=result.in_training,
        abstained=result.abstained,
        data={
            "folder": result.folder,
            "images": result.images,
            "unreadable": list(result.unreadable),
            "has_patients": result.has_patients,
        },
        warnings=result.warnings,
    )
    if json_file is not None:
        write_files({json_file: dump(document).encode()})
    if to_stdout:
        write_stdout(dump(document))
        return

    from pneumoscope.reports import comparison_to_text

    print_text(comparison_to_text(document))
