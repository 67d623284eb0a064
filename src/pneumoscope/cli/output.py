"""Where results go: a document to stdout, files whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pneumoscope.errors import InputError

STDOUT = "-"


def check_targets(targets: Mapping[str, Path | None]) -> None:
    """Refuse files that could not be written, before any work is done.

    Parameters
    ----------
    targets : mapping of option to path or None
        Such as ``{"--overlay": Path("out.png")}``.

    Raises
    ------
    InputError
        A folder does not exist or cannot be written, a target is a folder, or two are the same.
    """
    seen: dict[Path, str] = {}
    for option, path in targets.items():
        if path is None:
            continue
        folder = path.parent
        if not folder.is_dir():
            raise InputError(f"{option} {path}: the folder {folder} does not exist; make it first")
        if path.is_dir():
            raise InputError(f"{option} {path}: is a folder; give a file's name")
        if not os.access(folder, os.W_OK):
            raise InputError(f"{option} {path}: the folder {folder} cannot be written")
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            raise InputError(f"{other} and {option} name the same file {path}")


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is there whole or not at all.

    Raises
    ------
    InputError
        A file cannot be written (a full disk, say); those before it are complete.
    """
    for path, content in files.items():
        temporary = None
        try:
            with tempfile.NamedTemporaryFile(
                dir=path.parent, prefix=f".{path.name}-", delete=False
            ) as stream:
                temporary = Path(stream.name)
                stream.write(content)
            # A temporary file is private; the result follows the user's own habits.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(path)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def json_target(option: str | None) -> tuple[bool, Path | None]:
    """Read ``--json -|FILE``: whether it goes to stdout, and the file if it goes to one."""
    if option is None:
        return False, None
    return (True, None) if option == STDOUT else (False, Path(option))


def write_stdout(text: str) -> None:
    """Write a document to stdout as UTF-8, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
