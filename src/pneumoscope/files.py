"""Files read within limits, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from pneumoscope.errors import InputError


def read_limited(path: Path, limit: int) -> bytes:
    """Read a plain file of at most `limit` bytes.

    A pipe or a device is not opened, as it could block for ever or never end.

    Parameters
    ----------
    path : Path
        Links are followed.
    limit : int
        In bytes.

    Raises
    ------
    OSError
        Also for what is no plain file or is larger; `strerror` says which in a few words.
    """
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, "no such file")
    if not path.is_file():
        raise OSError(errno.EINVAL, "not a plain file")
    with path.open("rb") as stream:
        # Not simply `limit + 1`, which is allocated whatever the file's size.
        data = stream.read(min(os.fstat(stream.fileno()).st_size, limit) + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {_size(limit)}")
    return data


def _size(count: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is there whole or not at all.

    None gets its name before the content of all is on the disk. A link is followed.

    Raises
    ------
    InputError
        A file cannot be written (a full disk, say).
    """
    with ExitStack() as cleanup:
        written = []
        for path, content in files.items():
            target = Path(os.path.realpath(path))
            with told(str(path)):
                written.append((path, _write_beside(target, content, cleanup), target))
        for path, temporary, target in written:
            with told(str(path)):
                temporary.replace(target)


@contextmanager
def write_stream(path: Path) -> Iterator[BinaryIO]:
    """Write a file that may be too large for memory, so that it is there whole or not at all.

    It gets its name when the context ends without an error. A link is followed.

    Parameters
    ----------
    path : Path

    Yields
    ------
    binary stream
        To be written to, and left open.

    Raises
    ------
    InputError
        It cannot be written (a full disk, say).
    """
    target = Path(os.path.realpath(path))
    with ExitStack() as cleanup, told(str(path)):
        descriptor, temporary = _make_beside(target, cleanup)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        temporary.chmod(_mode(target))
        temporary.replace(target)


def _write_beside(target: Path, content: bytes, cleanup: ExitStack) -> Path:
    descriptor, temporary = _make_beside(target, cleanup)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    temporary.chmod(_mode(target))
    return temporary


def _make_beside(target: Path, cleanup: ExitStack) -> tuple[int, Path]:
    """Open a temporary file in the target's folder; `cleanup` removes what is left of it."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".pneumoscope-")
    temporary = Path(name)
    cleanup.callback(temporary.unlink, missing_ok=True)
    return descriptor, temporary


def _mode(target: Path) -> int:
    """Rights of the file that is replaced; of a new one, as the user's own habits have it."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def told(name: str) -> Iterator[None]:
    """Say in one line what could not be written; a reader that went away is left to the caller.

    Parameters
    ----------
    name : str
        What is written inside the context.

    Raises
    ------
    InputError
        For every `OSError` but a broken pipe.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(
            f"{name}: cannot be written ({error.strerror}); give another place or make room"
        ) from None
