"""`pneumoscope tune-dropout`: the laboratory, imported only when called."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pneumoscope.cli.options import FoldNumber, JsonTarget, SplitFile, check_fold
from pneumoscope.cli.output import (
    check_targets,
    json_target,
    need_lab,
    print_text,
    write_stdout,
)
from pneumoscope.files import write_files

if TYPE_CHECKING:
    from pneumoscope.lab.tuning import Step, TuningResult

_log = logging.getLogger(__name__)


# The choices of `lab.tuning`, which `--help` must not import.
Method = Literal["ga", "random", "grid", "bayes"]
Scaling = Literal["published", "rank", "sigma"]
Objective = Literal["evaluation", "training"]


def tune_dropout(
    recipe: Annotated[Path, typer.Option(metavar="R.yaml", help="The training recipe.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder for the search; must not hold one, unless --resume."
        ),
    ],
    method: Annotated[
        Method,
        typer.Option(
            help="ga: the genetic algorithm of Zeng 2020, over masks. random: random masks. grid, "
            "bayes: over rates."
        ),
    ] = "ga",
    rate: Annotated[
        float, typer.Option(metavar="P", help="Dropout rate to start from, above 0 and below 1.")
    ] = 0.5,
    population: Annotated[
        int, typer.Option(metavar="N", help="Masks per generation, or per rate; at least 2.")
    ] = 40,
    generations: Annotated[
        int, typer.Option(metavar="N", help="Generations (or steps) after the first.")
    ] = 30,
    evaluations: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after this number of masks.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Stop after this number of minutes.")
    ] = None,
    crossover: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of pairs that exchange genes, 0 to 1.")
    ] = 0.8,
    mutation: Annotated[
        float | None,
        typer.Option(
            metavar="P", help="Probability that a bit flips, 0 to 1. If not given: 1 / units."
        ),
    ] = None,
    elite: Annotated[
        int, typer.Option(metavar="N", help="Number of best masks that are kept unchanged.")
    ] = 1,
    scaling: Annotated[
        Scaling, typer.Option(help="How fitness becomes a share of the roulette wheel.")
    ] = "published",
    objective: Annotated[
        Objective,
        typer.Option(
            help="The loss of a mask. evaluation: of the network with the mask. training: of a "
            "short training of the last layer with it, which costs more."
        ),
    ] = "evaluation",
    batches: Annotated[
        int, typer.Option(metavar="N", help="Number of training batches that masks are tried on.")
    ] = 4,
    seed: Annotated[int, typer.Option(metavar="S", help="Random seed.")] = 0,
    warm_up_epochs: Annotated[
        int,
        typer.Option(
            metavar="N", help="Epochs of training before the search, with the dropout of --rate."
        ),
    ] = 3,
    from_run: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Search in this finished run instead of training a warm-up.",
        ),
    ] = None,
    split: SplitFile = None,
    fold: FoldNumber = None,
    accept_leak: Annotated[
        bool,
        typer.Option(
            "--accept-leak", help="Accept a split that leaks or has no valid certificate."
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the interrupted search in DIR.")
    ] = False,
    json: JsonTarget = None,
) -> None:
    """Search a network's dropout rate.

    By the genetic algorithm of Zeng 2020, or by a plain method with the same
    budget. The search stops at the first limit: generations, evaluations or
    minutes.
    """
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[recipe])
    need_lab("the search")
    from pneumoscope.documents import dump
    from pneumoscope.lab.training import SplitChoice
    from pneumoscope.lab.tuning import SearchSettings, WarmUp
    from pneumoscope.lab.tuning import tune_dropout as run

    settings = SearchSettings(
        method=method,
        rate=rate,
        population=population,
        generations=generations,
        evaluations=evaluations,
        minutes=minutes,
        crossover=crossover,
        mutation=mutation,
        elite=elite,
        scaling=scaling,
        objective=objective,
        batches=batches,
        seed=seed,
    )
    check_fold(split, fold)
    choice = None if split is None else SplitChoice(split, fold or 1)
    warm_up = WarmUp(warm_up_epochs, choice, accept_leak, from_run)
    with _search_shown("generation" if method == "ga" else "step") as progress:
        result = run(recipe, out, settings, warm_up=warm_up, resume=resume, progress=progress)
    if json_file is not None:
        write_files({json_file: dump(result.as_dict()).encode()})
    if to_stdout:
        write_stdout(dump(result.as_dict()))
    else:
        print_text(_result_to_text(result, out))


@contextmanager
def _search_shown(name: str) -> Iterator[Callable[[Step], None]]:
    """Show each step on stderr: on one line that changes in a terminal, else line by line."""
    from rich.console import Console
    from rich.status import Status

    stderr = Console(stderr=True)
    if not (stderr.is_terminal and _log.isEnabledFor(logging.INFO)):
        yield lambda step: _log.info("%s", _progress_line(name, step))
        return
    # Begun by the first step: the warm-up before it shows a bar of its own.
    status = Status("", console=stderr)

    def show(step: Step) -> None:
        status.update(_progress_line(name, step))
        status.start()

    try:
        yield show
    finally:
        status.stop()


def _progress_line(name: str, step: Step) -> str:
    return (
        f"{name} {step.number}: best {step.best:.4f} (drops {step.best_drop_share:.1%}), "
        f"mean {step.mean:.4f}, spread {step.spread:.4f}, {step.seconds:.0f} s"
    )


def _result_to_text(result: TuningResult, out: Path) -> str:
    """Say what was found, and what it is worth."""
    warm_up = result.warm_up_seconds
    after = "" if warm_up is None else f", after a warm-up of {warm_up:.1f} s"
    return (
        f"p* = {result.rate:.3f} by {result.search['method']}, from {result.evaluations:,} masks "
        f"over {result.units:,} units in {result.seconds:.1f} s{after}\n"
        f"Objective {result.objective:.4f}; with nothing dropped "
        f"{result.objective_without_dropout:.4f} (of training images: no measure of a better "
        "network)\n"
        f"Picture: {out / 'search.svg'}\n"
        f"Next: pneumoscope train --recipe {out / 'tuned.yaml'} --out RUN, beside rates of 0.2 "
        "and 0.5"
    )
