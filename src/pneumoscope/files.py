"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pneumoscope.errors import InputError


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


def _write_beside(target: Path, content: bytes, cleanup: ExitStack) -> Path:
    """Write a temporary file into the target's folder; `cleanup` removes what is left of it."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".pneumoscope-")
    temporary = Path(name)
    cleanup.callback(temporary.unlink, missing_ok=True)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    # A temporary file is private; the result follows the user's own habits.
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    return temporary


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
