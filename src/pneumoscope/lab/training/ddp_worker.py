"""The command that a run with several devices starts for each further one; not for users."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from pneumoscope.errors import PneumoscopeError
from pneumoscope.lab.training.processes import READY, Process
from pneumoscope.lab.training.run import join


def main() -> int:
    """Join the run that the arguments name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("rank", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args()
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    process = Process(given.rank, given.count, given.port)
    try:
        join(given.recipe, given.out, process, resume=given.resume, ready=_tell_ready)
    except PneumoscopeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _tell_ready() -> None:
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()


def _end_with_the_starter() -> None:
    """Wait for the end of the standard input, which is that of the process that started this."""
    # Not through `sys.stdin`, whose lock Python wants when it ends.
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
