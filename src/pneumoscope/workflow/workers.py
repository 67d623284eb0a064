"""Worker processes that may die: each has a pipe of its own, and is replaced when it ends.

A pool of the standard library gives up as a whole when one process is killed. Here only the task is
lost that the process had.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar, cast

from pneumoscope.errors import PneumoscopeError

if sys.platform != "win32":
    import resource

Task = TypeVar("Task")
Answer = TypeVar("Answer")

TICK = 1.0
"""Seconds after which a quiet pool looks at its clock."""
_READY = "ready"
_NOTHING = object()
_FAREWELL = 5.0


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands for the answer of a task whose process ended before it gave one.

    Attributes
    ----------
    exit_code : int or None
        Of the process, minus the signal's number where one killed it; None where the task took too
        long, and the process was stopped for it.
    """

    exit_code: int | None


class WorkerError(PneumoscopeError):
    """A worker process cannot be started at all."""


def answer_all(
    make: Callable[[], Callable[[Task], Answer]],
    tasks: Iterable[Task],
    *,
    workers: int,
    patience: float,
) -> Generator[tuple[Task, Answer | Lost], None, None]:
    """Answer tasks in worker processes, and go on where one of these dies.

    Parameters
    ----------
    make : callable
        Called once in each process: gives the function that answers a task. It, the tasks and the
        answers must be picklable; the function is expected to raise nothing.
    tasks : iterable
        Taken one by one, when a process is free.
    workers : int
        Processes at the same time, at least 1.
    patience : float
        Seconds for one task, or for a process to get ready. One that takes longer is killed. Time
        in which this process itself did not run, such as after Ctrl-Z, hardly counts.

    Yields
    ------
    task
    answer or Lost
        As they come, not in the order of the tasks.

    Raises
    ------
    WorkerError
        A process ends before it is ready.
    Exception
        Whatever `make` raises there.
    """
    waiting = iter(tasks)
    pool: list[_Worker[Task, Answer]] = []
    try:
        pool.extend(_Worker(make, patience) for _ in range(workers))
        while pool:
            for worker in _stirring(pool):
                outcome = worker.outcome()
                if outcome is None or not isinstance(outcome[1], Lost):
                    _employ(pool, worker, waiting)
                else:
                    pool[pool.index(worker)] = _Worker(make, patience)
                if outcome is not None:
                    yield outcome
    finally:
        for worker in pool:
            worker.stop()


def _stirring(pool: list[_Worker[Task, Answer]]) -> list[_Worker[Task, Answer]]:
    """Wait until a process has something to say, has ended or is out of time."""
    began = time.monotonic()
    ready = set(wait([worker.connection for worker in pool], timeout=TICK))
    passed = min(time.monotonic() - began, TICK)
    for worker in pool:
        worker.waited += passed
    return [worker for worker in pool if worker.connection in ready or worker.is_late]


def _employ(
    pool: list[_Worker[Task, Answer]], worker: _Worker[Task, Answer], waiting: Iterator[Task]
) -> None:
    """Give a free process the next task, or let it go where none is left."""
    for task in waiting:
        worker.begin(task)
        return
    pool.remove(worker)
    worker.stop()


class _Worker(Generic[Task, Answer]):
    """One process, its pipe, and the task that it has."""

    def __init__(self, make: Callable[[], Callable[[Task], Answer]], patience: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        self._patience = patience
        self._tasks: list[Task] = []
        self.waited = 0.0
        with _deaf_to_interrupts():
            self._process.start()
        # Only the process holds its end now, so that its death closes the pipe.
        theirs.close()

    @property
    def is_late(self) -> bool:
        """Whether it has had more time than a task may take."""
        return self.waited > self._patience

    def begin(self, task: Task) -> None:
        """Hand over a task."""
        self._tasks, self.waited = [task], 0.0
        with suppress(OSError):  # it died meanwhile: the next look at its pipe tells
            self.connection.send(task)

    def outcome(self) -> tuple[Task, Answer | Lost] | None:
        """Say what became of its task; None where it has become ready for one."""
        late = self.is_late and not self.connection.poll()
        try:
            said = _NOTHING if late else self.connection.recv()
        except (EOFError, OSError):  # it died, perhaps in the middle of its answer
            said = _NOTHING
        code = self._end(kill=late) if said is _NOTHING else None
        if self._tasks:
            lost = Lost(None if late else code)
            return self._tasks.pop(), lost if said is _NOTHING else cast(Answer, said)
        if isinstance(said, Exception):
            raise said
        if said is _NOTHING:
            told = "took too long to begin" if late else f"ended with code {code}"
            raise WorkerError(f"a worker process {told} before it could read an image")
        return None

    def stop(self) -> None:
        """End the process, whatever it does: it holds nothing that could be lost."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> int | None:
        self.connection.close()
        if kill:
            self._process.kill()
        self._process.join(_FAREWELL)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        return self._process.exitcode


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let a process that is started here ignore Ctrl-C from its first moment on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(connection: Connection, make: Callable[[], Callable[[Task], Answer]]) -> None:
    """Be a worker: answer tasks until the pipe is closed, also by the other side's death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_silent()
    with suppress(EOFError, OSError):
        try:
            answer = make()
        except Exception as error:
            connection.send(error)
            return
        connection.send(_READY)
        while True:
            connection.send(answer(connection.recv()))


def _be_silent() -> None:
    """Leave no output and no core file: either can hold a patient's data."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
