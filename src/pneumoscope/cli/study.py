"""`pneumoscope study`: the laboratory, imported only when called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from pneumoscope.cli.output import need_lab

# The literal of `lab.studies`, which `--help` must not import.
Scale = Literal["full", "reduced", "smoke"]


def study(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The study. If not given, all studies are listed."),
    ] = None,
    scale: Annotated[
        Scale,
        typer.Option(
            help="full: as published. reduced: an hour or more on two cores, where a study has it. "
            "smoke: minutes, to test the program only."
        ),
    ] = "full",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with the data sets. If not given: $PNEUMOSCOPE_DATA, or data.",
        ),
    ] = None,
    data_set: Annotated[
        str,
        typer.Option(
            "--set",
            metavar="NAME",
            help="Use this data set instead, where the list of studies names one.",
        ),
    ] = "",
    work: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for runs; an interrupted study resumes from it."),
    ] = Path("runs/studies"),
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the page. If not given: beside the runs."),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of trainings at the same time, for studies that keep their answers.",
        ),
    ] = 1,
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="Write the page again from the answers kept beside it, without training.",
        ),
    ] = False,
) -> None:
    """Run a published experiment again.

    Writes a page with the published and the measured numbers. Without NAME, the
    studies are listed: what each runs again, its cost and its data sets.
    """
    need_lab("a study")
    from pneumoscope.lab.studies import run_study, studies

    if name is None:
        for known in studies().values():
            needs = ", ".join(known.needs) or "no data set"
            needs += "".join(f"; or --set {other}" for other in known.sets)
            typer.echo(
                f"{known.name}: {known.title}\n    {known.reaches}; {known.cost}\n"
                f"    scales {', '.join(known.scales)}; needs {needs}"
            )
        return
    folder = data or Path(os.environ.get("PNEUMOSCOPE_DATA", "data"))
    page = run_study(
        name,
        scale=scale,
        data=folder,
        work=work,
        out=out,
        jobs=jobs,
        recompute=recompute,
        data_set=data_set,
    )
    typer.echo(f"Page: {page}")
