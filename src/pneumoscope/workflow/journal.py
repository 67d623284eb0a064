"""The rows of a run as they are made, on the disk, so that a run that was cut off goes on.

JSON lines: one of what the run is, then one per row. A line is whole when its newline is there, so
that a process may be killed at any moment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from pneumoscope.errors import InputError
from pneumoscope.files import told

if sys.platform != "win32":
    import fcntl


class Journal:
    """The rows that a run has so far. A context manager: it is locked and closed again.

    Parameters
    ----------
    path : Path
        Made where it is not there; its folder must be.
    header : mapping of str to JSON value
        What the rows depend on; its keys are named where another run's differ.
    files : sequence of str
        What the rows are called, each once, in the order of the input.

    Raises
    ------
    InputError
        It cannot be read or written, is no journal, is that of another run, or another process
        writes it.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], files: Sequence[str]) -> None:
        self.path = path
        self._places: list[int | None] = [None] * len(files)
        with ExitStack() as cleanup:
            self._stream = _open(path)
            cleanup.callback(self._close)
            self._lock()
            whole = self._read(header, {file: index for index, file in enumerate(files)})
            with told(str(path)):
                self._stream.truncate(whole)
                self._stream.seek(whole)
                if whole == 0:
                    self._stream.write(_line(header))
                    self._stream.flush()
            cleanup.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # a full disk was told before
            self._stream.close()

    @property
    def missing(self) -> list[int]:
        """Indices of the rows that are not there yet."""
        return [index for index, place in enumerate(self._places) if place is None]

    def append(self, index: int, row: bytes) -> None:
        """Add a row, so that it outlives this process.

        Parameters
        ----------
        index : int
            Its place in the input.
        row : bytes
            One JSON object whose `file` is that of the index, without a newline.

        Raises
        ------
        InputError
            The disk is full, say.
        """
        with told(str(self.path)):
            place = self._stream.tell()
            self._stream.write(row + b"\n")
            self._stream.flush()
        self._places[index] = place

    def rows(self) -> Iterator[bytes]:
        """Give the rows one by one, in the order of the input, without their newlines."""
        for place in self._places:
            if place is not None:
                self._stream.seek(place)
                yield self._stream.readline().rstrip(b"\n")

    def remove(self) -> None:
        """Delete it: its rows are kept elsewhere now."""
        with told(str(self.path)):
            self.path.unlink()

    def _lock(self) -> None:
        """Refuse a second writer; the system lets go of the lock when this process dies."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self.path}: another run is writing it; wait for its end, or give the results "
                "another name"
            ) from None
        except OSError:
            pass  # a file system without locks

    def _read(self, header: Mapping[str, Any], indices: Mapping[str, int]) -> int:
        """Find the rows that are there; returns where the last whole one ends."""
        first = self._stream.readline()
        if not first.endswith(b"\n"):
            # Killed while it began, unless it is a file of another kind.
            if not _line(header).startswith(first):
                raise self._damaged("is no journal of a run")
            return 0
        self._check_header(first, header)
        end = len(first)
        for line in self._stream:
            row = _parsed(line)
            if row is None:  # torn: it and what follows is made again
                break
            index = indices.get(row.get("file", ""))
            if index is None or self._places[index] is not None:
                raise self._damaged("has a row that is not of this run, or a row twice")
            self._places[index] = end
            end += len(line)
        return end

    def _check_header(self, line: bytes, header: Mapping[str, Any]) -> None:
        stored = _parsed(line)
        if stored is None or stored.keys() != header.keys():
            raise self._damaged("is no journal of a run")
        differing = [name for name in header if stored[name] != header[name]]
        if differing:
            raise self._damaged(f"is of a run with another {' and '.join(differing)}")

    def _damaged(self, what: str) -> InputError:
        return InputError(
            f"{self.path}: {what}; give the same command to go on with that run, or delete the "
            "file to begin again"
        )


def _open(path: Path) -> BinaryIO:
    """Open for reading and writing; made where it is not there, and never emptied."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no plain file; move it away")
    with told(str(path)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        return os.fdopen(descriptor, "r+b")


def _line(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, allow_nan=False) + "\n").encode()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Read a line; None where it is not whole."""
    if line.endswith(b"\n"):
        with suppress(ValueError, RecursionError):
            values = json.loads(line)
            if isinstance(values, dict):
                return values
    return None
