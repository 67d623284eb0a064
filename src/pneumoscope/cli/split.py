"""`pneumoscope split`: the laboratory, imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import PATIENTS, PatientColumn, Where, chosen
from pneumoscope.cli.output import check_targets, need_lab


def split(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Labelled folders, split together.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="SPLIT.json", help="The split; its certificate goes beside it.")
    ],
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
        typer.Option(help="Share held out by holdout and monte-carlo; 0.2 by default."),
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
    from pneumoscope.lab.datasets import certificate_path, scheme_settings, split_folders

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
