"""`pneumoscope train` and `export`: the laboratory, imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.output import need_lab


def train(
    recipe: Annotated[Path, typer.Option(metavar="R.yaml", help="The training recipe.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="The run folder.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.")] = False,
) -> None:
    """Train a network from a recipe into a run folder."""
    need_lab("training")
    from pneumoscope.lab.training import train as run

    best = run(recipe, out, resume=resume)
    typer.echo(f"Best checkpoint: {best}\nNext: pneumoscope export {out} --out BUNDLE")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The bundle's folder; must not exist.")],
    split_comparison: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="RUN RUN",
            help="Runs of one recipe split by patient and by image, compared in the card.",
        ),
    ] = None,
) -> None:
    """Turn a run into a bundle: calibrated, measured, checked against the network."""
    need_lab("training")
    from pneumoscope.lab.training import export as write

    bundle = write(run, out, split_comparison=split_comparison)
    typer.echo(f"Bundle {bundle.description.name} written to {out}; its card: {out / 'card.md'}")
