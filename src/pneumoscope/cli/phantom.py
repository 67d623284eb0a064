"""`pneumoscope phantom`: radiographs of made-up patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def phantom(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder; made if absent.")],
    count: Annotated[int, typer.Option(help="How many, by turns without and with opacity.")] = 1,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write DICOM files, else PNG.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the first.")] = 0,
    upside_down: Annotated[
        bool, typer.Option("--upside-down", help="Turned by 180 degrees, to try a refusal.")
    ] = False,
) -> None:
    """Draw synthetic chest radiographs with their labels.csv. They show no patient."""
    from pneumoscope.synthetic import LABELS_FILE, make_phantoms

    paths = make_phantoms(out, count, dicom=dicom, seed=seed, turned=upside_down)
    typer.echo(f"Drew {len(paths)} phantoms (no patient) into {out}, labels in {out / LABELS_FILE}")
