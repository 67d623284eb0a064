"""`pneumoscope split`: the laboratory, imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import PATIENTS, PatientColumn, Where, chosen
from pneumoscope.cli.output import check_targets, need_lab
from pneumoscope.errors import InputError


def split(
    out: Annotated[
        Path, typer.Option(metavar="SPLIT.json", help="The split; its certificate goes beside it.")
    ],
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR...]", help="Labelled folders, split together."),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="RECIPE.yaml",
            help="Split this recipe's sources, with all that it says of them, instead of folders.",
        ),
    ] = None,
    scheme: Annotated[
        str,
        typer.Option(help="holdout, kfold, stratified-kfold, monte-carlo or bootstrap."),
    ] = "stratified-kfold",
    by: Annotated[
        str, typer.Option(help="patient; or image, as published, which leaks patients.")
    ] = "patient",
    folds: Annotated[
        int | None, typer.Option(help="Folds or repetitions; 1 for holdout, else 5.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same split.")] = 0,
    holdout: Annotated[
        float | None,
        typer.Option(
            help="Share held out by holdout and monte-carlo; bootstrap draws 1 minus it; 0.2 by "
            "default."
        ),
    ] = None,
    test: Annotated[
        float, typer.Option(help="Share of a test set that is fixed for all folds.")
    ] = 0.0,
    stop: Annotated[
        float | None,
        typer.Option(
            help="Share of the training side that stops the training, without a test set; 0.1 by "
            "default."
        ),
    ] = None,
    calibrate: Annotated[
        float, typer.Option(help="Share of the training side that calibrates.")
    ] = 0.1,
    max_unreadable_share: Annotated[
        float,
        typer.Option(
            min=0, max=0.999, help="Share of each folder that may be unreadable, and is left out."
        ),
    ] = 0.0,
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
) -> None:
    """Split labelled folders for training, and certify what crosses the borders."""
    need_lab("splitting")
    from pneumoscope.lab.datasets import (
        certificate_path,
        scheme_settings,
        split_folders,
        unit_named,
    )
    from pneumoscope.lab.training import read_recipe, split_recipe

    folders = folders or []
    if (recipe is None) == (not folders):
        raise InputError("split: give folders, or --recipe with a recipe of them")
    if recipe is not None and (where or patient_column != PATIENTS or max_unreadable_share):
        raise InputError(
            "--recipe: says itself what its sources are; leave out --where, --patient-column and "
            "--max-unreadable-share"
        )
    check_targets(
        {"--out": out}, sources=folders
    )  # first: a folder's path may have no name to derive one from
    check_targets(
        {"--out": out, "the certificate of --out": certificate_path(out)}, sources=folders
    )
    settings = scheme_settings(
        scheme=scheme,
        folds=folds,
        seed=seed,
        holdout=holdout,
        test=test,
        stop=stop,
        calibrate=calibrate,
    )
    if recipe is not None:
        certificate = split_recipe(
            read_recipe(recipe), recipe, settings, by=unit_named(by), out=out
        )
    else:
        certificate = split_folders(
            folders,
            settings,
            by=by,
            out=out,
            max_unreadable_share=max_unreadable_share,
            patient_column=patient_column,
            where=chosen(where),
        )
    for number, fold in enumerate(certificate["folds"], start=1):
        counts = ", ".join(f"{part} {sum(c.values())}" for part, c in fold["counts"].items())
        typer.echo(f"Fold {number}: {counts}")
        for leak in fold["leaks"]:
            typer.echo(f"  LEAK: {leak}", err=True)
    typer.echo(f"Split: {out}\nCertificate: {certificate_path(out)}")
