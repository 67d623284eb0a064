"""`pneumoscope train` and `export`: the laboratory, imported only when called."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import FoldNumber, SplitFile, check_fold
from pneumoscope.cli.output import need_lab
from pneumoscope.errors import InputError

_log = logging.getLogger(__name__)


def train(
    recipe: Annotated[Path, typer.Option(metavar="R.yaml", help="The training recipe.")],
    out: Annotated[
        Path,
        typer.Option(metavar="RUN", help="The run folder; must not hold a run, unless --resume."),
    ],
    split: SplitFile = None,
    fold: FoldNumber = None,
    accept_leak: Annotated[
        bool,
        typer.Option(
            "--accept-leak",
            help="Train on a split that leaks or has no valid certificate. Every report of the "
            "bundle then says so.",
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the interrupted run in RUN, to the same result."),
    ] = False,
) -> None:
    """Train a network from a recipe.

    The result is a run folder, which pneumoscope export turns into a bundle.
    """
    need_lab("training")
    from pneumoscope.lab.training import LAST, SplitChoice
    from pneumoscope.lab.training import train as run

    if resume and split is not None:
        raise InputError("--split: a resumed run keeps its own split; leave it out")
    check_fold(split, fold)
    choice = None if split is None else SplitChoice(split, fold or 1)
    try:
        best = run(recipe, out, split=choice, accept_leak=accept_leak, resume=resume)
    except KeyboardInterrupt:
        if (out / LAST).is_file():
            _log.info("Go on: pneumoscope train --recipe %s --out %s --resume", recipe, out)
        raise
    typer.echo(f"Best checkpoint: {best}\nNext: pneumoscope export {out} --out BUNDLE")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the bundle; must not exist.")
    ],
    split_comparison: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="RUN RUN",
            help="Two runs of one recipe, split by patient and by image, for the card to compare.",
        ),
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Try int8 and bf16; keep those that are as good.")
    ] = False,
) -> None:
    """Turn a training run into a bundle.

    The bundle is calibrated, measured on the test part, and checked against the
    trained network.
    """
    need_lab("training")
    from pneumoscope.lab.training import export as write

    bundle = write(run, out, split_comparison=split_comparison, variants=variants)
    typer.echo(f"Bundle {bundle.description.name} written to {out}; its card: {out / 'card.md'}")
