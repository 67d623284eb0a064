"""The processes of this machine that train one network together, one per device.

Lightning would run the caller's script again for each device. These are started by a command of
our own (`pneumoscope.lab.training.ddp_worker`), so that it does not matter who trains: the command
line, a study or a notebook.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch
from lightning.fabric.plugins.environments.lightning import (
    LightningEnvironment,
    find_free_network_port,
)

from pneumoscope.errors import PneumoscopeError, RecipeError

READY = b"ready\n"
_GRACE = 60.0  # seconds from the end of the training to that of a helper


@dataclass(frozen=True, slots=True)
class Process:
    """Which process of a run this is.

    Attributes
    ----------
    rank : int
        0 is the one that writes and speaks.
    count : int
        How many there are.
    port : int
        Where they meet, on this machine.
    """

    rank: int = 0
    count: int = 1
    port: int = 0


ALONE = Process()


class Started(LightningEnvironment):
    """Tells Lightning that the processes of a run have been started, and which one this is."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process

    @property
    def creates_processes_externally(self) -> bool:
        """Whether someone else starts the processes."""
        return True

    @property
    def main_address(self) -> str:
        """Where they meet: on this machine only."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """The port of it."""
        return self._process.port

    def local_rank(self) -> int:
        """Which one this is."""
        return self._process.rank

    def node_rank(self) -> int:
        """Which machine this is: the only one."""
        return 0


def check_devices(wanted: int) -> None:
    """Refuse more accelerators than there are; a CPU is as many devices as are wanted.

    Raises
    ------
    RecipeError
        There are fewer.
    """
    if torch.accelerator.is_available() and wanted > torch.accelerator.device_count():
        raise RecipeError(
            f"training.devices: {wanted} are wanted, {torch.accelerator.device_count()} are there; "
            "lower it"
        )


@contextmanager
def together(recipe_path: Path, out: Path, count: int, *, resume: bool) -> Iterator[Process]:
    """Start the other processes of a run for as long as the context lasts.

    Parameters
    ----------
    recipe_path, out : Path
        As `train` was given them; the run folder has its record by now.
    count : int
        Of processes, with this one.
    resume : bool
        Whether they go on from the last checkpoint.

    Yields
    ------
    Process
        This one.

    Raises
    ------
    PneumoscopeError
        One of them ended too early.
    """
    if count == 1:
        yield ALONE
        return
    port = find_free_network_port()
    with ExitStack() as stack:
        helpers = [
            stack.enter_context(_Helper(recipe_path, out, Process(rank, count, port), resume))
            for rank in range(1, count)
        ]
        for helper in helpers:
            helper.expect_ready()
        try:
            yield Process(0, count, port)
        except RuntimeError:  # the connection to one that ended is lost
            for helper in helpers:
                helper.blame()
            raise
        finally:
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
        for helper in helpers:
            helper.expect_end()


class _Helper(contextlib.AbstractContextManager["_Helper"]):
    """One other process; it never outlives the context."""

    def __init__(self, recipe_path: Path, out: Path, process: Process, resume: bool) -> None:
        self._rank = process.rank
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        numbers = map(str, (process.rank, process.count, process.port))
        # "-P": what lies in the user's working folder must not be taken for a module.
        command = [sys.executable, "-P", "-m", "pneumoscope.lab.training.ddp_worker"]
        command += [str(recipe_path), str(out), *numbers, *(["--resume"] if resume else [])]
        self._running = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,  # ends with this process, which tells the helper to end
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            start_new_session=True,  # a Ctrl-C is for this process, which ends the others
        )

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        self._running.communicate()
        self._complaints.close()

    def expect_ready(self) -> None:
        """Wait until its data are read."""
        assert self._running.stdout is not None  # noqa: S101
        if self._running.stdout.readline() != READY:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.wait(_GRACE)
            self._fail()

    def expect_end(self) -> None:
        """Wait for its end, which must be a good one."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._running.wait(_GRACE) == 0:
                return
        self._fail()

    def blame(self) -> None:
        """Say so if it is this one that ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._running.wait(5) != 0:
                self._fail()

    def _fail(self) -> None:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "nothing")
        raise PneumoscopeError(
            f"process {self._rank + 1} of the training ended (status {self._running.returncode}), "
            f"saying: {said.strip()}; the last checkpoint stays, go on with --resume"
        ) from None
