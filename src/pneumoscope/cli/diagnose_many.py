"""`pneumoscope diagnose --out`: a row for each of many images."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pneumoscope.cli.output import check_targets, print_text
from pneumoscope.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

SOME_FAILED = 3
"""Exit code: everything is written, but some rows have an error."""

_JOURNAL = ".part"
_EVERY = 60.0  # seconds between two lines where there is no terminal
_log = logging.getLogger("pneumoscope.cli")


def is_list(path: Path) -> bool:
    """Whether a path stands for many images: a folder, or a manifest by its name."""
    return path.is_dir() or path.suffix.lower() == ".csv"


def diagnose_many(
    places: Sequence[Path],
    out: Path,
    *,
    bundle: str | None,
    engine: str | None,
    precision: str | None,
    rule_base: str,
    with_identity: bool,
    workers: int | None,
) -> None:
    """Diagnose a folder, a manifest or files into `out`, or go on with a run that was cut off.

    Raises
    ------
    InputError
        See `workflow.list_cases`, `workflow.diagnose_many`, `reports.write_rows`.
    typer.Exit
        Of `SOME_FAILED`, after everything was written.
    """
    from pneumoscope.findings import NOTICE
    from pneumoscope.reports import check_rows_file, plain, to_row, write_rows
    from pneumoscope.severity import check_rule_base
    from pneumoscope.workflow import diagnose_many as run
    from pneumoscope.workflow import list_cases

    check_rows_file(out)
    if with_identity and out.suffix.lower() != ".jsonl":
        raise InputError(f"--with-identity: a table names no patient; give --out {out.stem}.jsonl")
    check_targets({"--out": out}, sources=places)
    check_rule_base(rule_base)
    listed = list_cases(places, rule_base=rule_base)
    with (
        _progress() as progress,
        run(
            listed.cases,
            out.with_name(out.name + _JOURNAL),
            to_row=to_row,
            bundle=bundle,
            engine=engine,
            precision=precision,
            rule_base=rule_base,
            with_identity=with_identity,
            workers=workers,
            progress=progress,
        ) as rows,
    ):
        counts = write_rows(out, rows, classes=rows.classes)
    print_text(
        NOTICE,
        f"{len(listed.cases):,} images: {counts.answered:,} answered, {counts.abstained:,} without "
        f"an answer (abstained), {counts.failed:,} with an error.",
        plain(f"Written: {out}"),
        *_unread(listed.unread),
    )
    if counts.failed:
        raise typer.Exit(SOME_FAILED)


def _unread(files: Sequence[str]) -> list[str]:
    from pneumoscope.reports import plain

    if not files:
        return []
    one, many = "1 file is no image and was", f"{len(files):,} files are no images and were"
    told = one if len(files) == 1 else many
    return [plain(f"{told} left out (first: {files[0]}).")]


class _Pace:
    """How fast images are read in this sitting, and how long the others will take."""

    def __init__(self) -> None:
        self._began: tuple[int, float] | None = None
        self.done = self.total = 0

    def update(self, done: int, total: int) -> None:
        """Take note of how many of all are done."""
        self.done, self.total = done, total
        if self._began is None:
            self._began = done, time.monotonic()

    def __str__(self) -> str:
        if self._began is None or self.done == self._began[0]:
            return ""
        rate = (self.done - self._began[0]) / max(time.monotonic() - self._began[1], 1e-3)
        left = timedelta(seconds=round((self.total - self.done) / rate))
        return f"{rate:.3g} per second, {left} left"


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show how far a run is: a bar on a terminal, else a line a minute; nothing where quiet."""
    from rich.console import Console

    pace = _Pace()
    stderr = Console(stderr=True)
    try:
        if stderr.is_terminal and _log.isEnabledFor(logging.INFO):
            with _bar(stderr, pace) as update:
                yield update
        else:
            yield _lines(pace)
    except KeyboardInterrupt:
        _log.warning(
            "%s of %s images are done; the same command goes on from there",
            f"{pace.done:,}",
            f"{pace.total:,}",
        )
        raise


@contextmanager
def _bar(stderr: Console, pace: _Pace) -> Iterator[Callable[[int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = ("Reading", BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task("Reading", total=None, pace="")

        def update(done: int, total: int) -> None:
            pace.update(done, total)
            bar.update(task, completed=done, total=total, pace=str(pace))

        yield update


def _lines(pace: _Pace) -> Callable[[int, int], None]:
    last = time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal last
        begins = pace.total == 0
        pace.update(done, total)
        if begins and done:
            _log.info("going on: %s of %s images are done already", f"{done:,}", f"{total:,}")
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            _log.info("%s of %s images, %s", f"{done:,}", f"{total:,}", pace)

    return update
