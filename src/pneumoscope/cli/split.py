"""`pneumoscope split`: the laboratory, imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pneumoscope.cli.options import PATIENTS, PatientColumn, Where, parse_where
from pneumoscope.cli.output import check_targets, need_lab
from pneumoscope.errors import InputError

# The literals of `lab.datasets`, which `--help` must not import.
Scheme = Literal["holdout", "kfold", "stratified-kfold", "monte-carlo", "bootstrap"]
Unit = Literal["patient", "image"]


def split(
    out: Annotated[
        Path,
        typer.Option(
            metavar="SPLIT.json", help="Write the split here, and its certificate beside it."
        ),
    ],
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR", help="Labelled folders, split together; or give --recipe."),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="RECIPE.yaml",
            help="Split the sources of this recipe, by its own settings, instead of folders.",
        ),
    ] = None,
    scheme: Annotated[Scheme, typer.Option(help="How folds are formed.")] = "stratified-kfold",
    by: Annotated[
        Unit,
        typer.Option(
            help="What is kept together: all images of a patient; or only each image, as in many "
            "publications, which leaks patients between the parts."
        ),
    ] = "patient",
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Folds or repetitions. If not given: 1 for holdout, else 5."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Random seed; the same seed gives the same split.")
    ] = 0,
    holdout: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share held out by holdout and monte-carlo; bootstrap draws 1 minus this share. "
            "0.2 if not given.",
        ),
    ] = None,
    test: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of a test set that is the same for all folds."),
    ] = 0.0,
    stop: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the training side for validation, which stops the training. Not "
            "together with --test. 0.1 if not given.",
        ),
    ] = None,
    calibrate: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the training side for calibration."),
    ] = 0.1,
    max_unreadable_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.999,
            metavar="SHARE",
            help="Share of each folder's images that may be unreadable; they are left out.",
        ),
    ] = 0.0,
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
) -> None:
    """Split labelled folders for training.

    The certificate, SPLIT.certificate.json, states which patients or copies of
    a picture are in two parts. Each such leak is printed on stderr.
    """
    need_lab("splitting")
    from pneumoscope.lab.datasets import (
        certificate_path,
        scheme_settings,
        split_folders,
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
        certificate = split_recipe(read_recipe(recipe), recipe, settings, by=by, out=out)
    else:
        certificate = split_folders(
            folders,
            settings,
            by=by,
            out=out,
            max_unreadable_share=max_unreadable_share,
            patient_column=patient_column,
            where=parse_where(where),
        )
    for number, fold in enumerate(certificate["folds"], start=1):
        counts = ", ".join(f"{part} {sum(c.values())}" for part, c in fold["counts"].items())
        typer.echo(f"Fold {number}: {counts}")
        for leak in fold["leaks"]:
            typer.echo(f"  LEAK: {leak}", err=True)
    typer.echo(f"Split: {out}\nCertificate: {certificate_path(out)}")
