"""Diagnose many images in worker processes, and go on after whatever ended the last try."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import cv2

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.errors import BundleError, InputError
from pneumoscope.findings import About, Diagnosis, EngineInfo, Message
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import available_cores
from pneumoscope.severity import GUIDELINE, check_rule_base, identify_rule_base
from pneumoscope.version import VERSION
from pneumoscope.workflow.case import Case
from pneumoscope.workflow.diagnose import Reader
from pneumoscope.workflow.journal import Journal
from pneumoscope.workflow.workers import Lost, answer_all

PATIENCE = 300.0
"""Seconds for one image: the largest that is read takes less than a tenth of it."""

Progress = Callable[[int, int], None]
ToRow = Callable[[str, Diagnosis | Message], Mapping[str, object]]


class Rows:
    """The rows of a finished run, one JSON object (bytes, one line) per image.

    Iterating reads them from the disk one by one, in the order of the images.

    Attributes
    ----------
    classes : tuple of str
        The bundle's, in its order.
    """

    def __init__(self, journal: Journal, classes: Sequence[str]) -> None:
        self._journal = journal
        self.classes = tuple(classes)

    def __iter__(self) -> Iterator[bytes]:
        return self._journal.rows()


@dataclass(frozen=True, slots=True)
class _Setup:
    """What a worker process needs to know once."""

    bundle: str | None
    sha256: str
    engine: str | None
    precision: str | None
    rule_base: str
    with_identity: bool
    to_row: ToRow

    def reader(self, model: Bundle) -> Reader:
        """Make the bundle ready, as every worker does."""
        return Reader(model, engine=self.engine, precision=self.precision, threads=1)


@contextmanager
def diagnose_many(
    cases: Sequence[Case],
    journal: Path,
    *,
    to_row: ToRow,
    bundle: str | None = None,
    engine: str | None = None,
    precision: str | None = None,
    rule_base: str = GUIDELINE,
    with_identity: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Rows]:
    """Diagnose images in worker processes, each with one core, and hand over the rows.

    Every row is kept in a file, the journal, as soon as it is made. Where one is left of an
    interrupted or killed run with the same images and options, only the missing rows are made: the
    images by their place, size and time of change. It is removed when the context ends without an
    error, so write the rows elsewhere inside it.

    The calling program is imported again by the worker processes: a script needs the usual
    ``if __name__ == "__main__":``.

    Parameters
    ----------
    cases : sequence of Case
        See `list_cases`.
    journal : Path
        A name beside the results, such as ``results.jsonl.part``; its folder must be there.
    to_row : callable
        Makes JSON values of a case's `file` and its diagnosis, or the message why there is none;
        they must have that `file`. A function of a module, such as `pneumoscope.reports.to_row`.
    bundle, engine, precision, rule_base, with_identity
        See `diagnose`.
    workers : int, optional
        Processes; by default one for each core that may be used.
    progress : callable, optional
        Called with (done, all) before the first image and after every one.

    Yields
    ------
    Rows
        One for each case. An image that cannot be read has the message ``image_unreadable``; one
        whose process died ``reading_ended``; one that took more than 5 minutes
        ``reading_too_long``; an error of ours is ``reading_failed``.

    Raises
    ------
    InputError
        The rule base, the bundle or the engine cannot be used, or the journal: it is of another
        run, say, or the disk is full.
    WorkerError
        No worker process can be started.
    """
    check_rule_base(rule_base)
    model = find_bundle(bundle)
    # A graph that does not run is told once and here, and so are the terms.
    setup = _Setup(bundle, model.sha256, engine, precision, rule_base, with_identity, to_row)
    header = _header(model, setup, setup.reader(model).engine, cases)
    with Journal(journal, header, [case.file for case in cases]) as kept:
        _make_missing(kept, cases, setup, workers or available_cores(), progress)
        yield Rows(kept, model.description.classes)
        kept.remove()


def _header(
    model: Bundle, setup: _Setup, engine: EngineInfo, cases: Sequence[Case]
) -> dict[str, object]:
    """Say what the rows depend on, by names that read well behind "another"."""
    listed, images = hashlib.sha256(), hashlib.sha256()
    for case in cases:
        known = [case.file, case.patient.age, case.patient.sex, dict(case.symptoms)]
        listed.update(json.dumps(known).encode() + b"\n")
        images.update(_state(case.path) + b"\0")
    return {
        "version of Pneumoscope": VERSION,
        "bundle": f"{model.description.name} {model.description.version} {model.sha256}",
        "engine": f"{engine.name} {engine.version} {engine.precision}",
        "rule base": identify_rule_base(setup.rule_base),
        "choice of identity": setup.with_identity,
        "list of images and symptoms": listed.hexdigest(),
        "place, size or time of an image": images.hexdigest(),
    }


def _state(image: Path) -> bytes:
    """Tell a file from one of the same name elsewhere, and from what replaces it, unread."""
    place = os.fsencode(os.path.abspath(image))  # noqa: PTH100
    try:
        status = image.stat()
    except OSError:  # its row will say why it cannot be read
        return place
    return b"%b\0%d\0%d" % (place, status.st_size, status.st_mtime_ns)


def _make_missing(
    kept: Journal,
    cases: Sequence[Case],
    setup: _Setup,
    workers: int,
    progress: Progress | None,
) -> None:
    missing = kept.missing
    done = len(cases) - len(missing)
    if progress is not None:
        progress(done, len(cases))
    if not missing:
        return
    answers = answer_all(
        partial(_prepare, setup),
        ((index, cases[index]) for index in missing),
        workers=min(workers, len(missing)),
        patience=PATIENCE,
    )
    with closing(answers):
        for (index, case), row in answers:
            kept.append(index, _lost_row(setup, case, row) if isinstance(row, Lost) else row)
            done += 1
            if progress is not None:
                progress(done, len(cases))


def _prepare(setup: _Setup) -> Callable[[tuple[int, Case]], bytes]:
    """Make a worker process ready."""
    # One core for each process: threads of its own would only wait for those of the others.
    cv2.setNumThreads(1)
    model = find_bundle(setup.bundle)
    if model.sha256 != setup.sha256:
        raise BundleError(f"{model.folder}: the bundle was changed during the run; begin again")
    return partial(_row, setup.reader(model), setup)


def _row(reader: Reader, setup: _Setup, task: tuple[int, Case]) -> bytes:
    """Answer one case, whatever happens short of the process's death."""
    _, case = task
    try:
        return _encoded(setup.to_row(case.file, _diagnosed(reader, setup, case)))
    except InputError as error:
        why = Message("image_unreadable", About.IMAGE, {"reason": str(error)})
    except Exception as error:
        # Its text can quote the patient's data.
        why = Message("reading_failed", About.IMAGE, {"kind": type(error).__name__})
    return _encoded(setup.to_row(case.file, why))


def _diagnosed(reader: Reader, setup: _Setup, case: Case) -> Diagnosis:
    return reader.diagnose(
        read_radiograph(case.path, with_identity=setup.with_identity),
        symptoms=case.symptoms,
        patient=case.patient,
        rule_base=setup.rule_base,
        now=datetime.now(UTC),
    )


def _lost_row(setup: _Setup, case: Case, lost: Lost) -> bytes:
    if lost.exit_code is None:
        why = Message("reading_too_long", About.IMAGE, {"seconds": PATIENCE})
    else:
        why = Message("reading_ended", About.IMAGE, {"how": _how_it_ended(lost.exit_code)})
    return _encoded(setup.to_row(case.file, why))


def _how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        try:
            return signal.Signals(-exit_code).name
        except ValueError:  # a real-time signal has no name
            return f"signal {-exit_code}"
    return f"code {exit_code}"


def _encoded(row: Mapping[str, object]) -> bytes:
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
