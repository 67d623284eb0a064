"""`pneumoscope study`: the laboratory, imported only when called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.output import need_lab


def study(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The study; without it, all are listed.")
    ] = None,
    scale: Annotated[
        str,
        typer.Option(
            help="full; reduced, an hour or more on two cores, where a study has it; or smoke, "
            "minutes that prove the machinery only."
        ),
    ] = "full",
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Holds the data sets; by default $PNEUMOSCOPE_DATA."),
    ] = None,
    data_set: Annotated[
        str,
        typer.Option(
            "--set", metavar="NAME", help="Run on this set instead, where the list names one."
        ),
    ] = "",
    work: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where runs are kept; an interrupted one continues there."
        ),
    ] = Path("runs/studies"),
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the page goes; by default beside the runs."),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Trainings at the same time: one per core.")
    ] = 1,
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute", help="Write the page again from the answers kept beside it; no training."
        ),
    ] = False,
) -> None:
    """Run a published experiment again and write its page."""
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
