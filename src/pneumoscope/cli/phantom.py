"""`pneumoscope phantom`: radiographs of made-up patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def phantom(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Output folder; made if it does not exist.")
    ],
    count: Annotated[
        int, typer.Option(metavar="N", help="Number of phantoms; every second one has an opacity.")
    ] = 1,
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Write DICOM files instead of PNG.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option(metavar="S", help="Random seed of the first phantom; the next ones count up."),
    ] = 0,
    upside_down: Annotated[
        bool,
        typer.Option(
            "--upside-down",
            help="Turn the images by 180 degrees, to see how diagnose refuses them.",
        ),
    ] = False,
) -> None:
    """Draw synthetic chest radiographs.

    They show no patient. Their labels.csv is written beside them.
    """
    from pneumoscope.synthetic import LABELS_FILE, make_phantoms

    paths = make_phantoms(out, count, dicom=dicom, seed=seed, turned=upside_down)
    typer.echo(f"Drew {len(paths)} phantoms (no patient) into {out}, labels in {out / LABELS_FILE}")
