"""What commands share: checked targets, progress, and where results go."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pneumoscope.errors import InputError, SymptomError
from pneumoscope.files import told, write_files

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pneumoscope.documents import Document
    from pneumoscope.evaluation import TrainingOverlap
    from pneumoscope.evaluation.reports import EvaluationData, Overlap

_Result = TypeVar("_Result", bound="Document | Mapping[str, Any]")

STDOUT = "-"
# What each option's file is, whatever its name says.
_ENDINGS = {"--report": (".html", ".htm"), "--overlay": (".png",)}


def check_targets(targets: Mapping[str, Path | None], *, sources: Collection[Path] = ()) -> None:
    """Refuse files that could not be written, before any work is done.

    Parameters
    ----------
    targets : mapping of option to path or None
        Such as ``{"--overlay": Path("out.png")}``.
    sources : collection of Path
        Files that the command reads, and folders of images; none of them, and no file that is in
        such a folder, may be a target. A new file may be put into one.

    Raises
    ------
    InputError
        A folder does not exist or cannot be written, a target is a folder or a device, it is a
        file that is read, two are the same, or the name of a report or an overlay ends as another
        kind of file.
    """
    read = {Path(os.path.realpath(source)) for source in sources}
    seen: dict[str, str] = {}
    for option, path in targets.items():
        if path is None:
            continue
        try:
            _check_target(option, path)
        except OSError as error:
            raise InputError(f"{option} {path}: cannot be written ({error.strerror})") from None
        real = Path(os.path.realpath(path))
        if real in read:
            raise InputError(f"{option} {path}: is a file that is read; give another name")
        # Which of its files are read is known later; a lost label or image could not be got back.
        if real.exists() and not read.isdisjoint(real.parents):
            raise InputError(
                f"{option} {path}: would overwrite a file in the input folder; give another name "
                "or place"
            )
        other = seen.setdefault(str(real), option)
        if other != option:
            raise InputError(f"{other} and {option} name the same file {path}; give two names")
        endings = _ENDINGS.get(option)
        if endings is not None and path.suffix.lower() not in endings:
            written = endings[0].removeprefix(".").upper()
            raise InputError(
                f"{option} {path}: the file will be {written}; give a name that ends in "
                f"{' or '.join(endings)}"
            )


def _check_target(option: str, path: Path) -> None:
    target = Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise InputError(f"{option} {path}: the folder {folder} does not exist; make it first")
    if target.is_dir():
        raise InputError(f"{option} {path}: is a folder; give a file's name")
    # A device or a pipe would be replaced by a file, /dev/null for the whole machine.
    if target.exists() and not target.is_file():
        raise InputError(f"{option} {path}: is a device or a pipe; give a file's name")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{option} {path}: the folder {folder} cannot be written; give another")


def json_target(option: str | None) -> tuple[bool, Path | None]:
    """Read ``--json -|FILE``: whether it goes to stdout, and the file if it goes to one."""
    if option is None:
        return False, None
    return (True, None) if option == STDOUT else (False, Path(option))


def given_symptoms(pairs: list[str], file: Path | None) -> dict[str, float]:
    """Join the symptoms of the options with those of the file.

    Raises
    ------
    SymptomError
        One is given twice or is no number, or the file cannot be read or is empty.
    """
    from pneumoscope.severity import parse_symptoms, read_symptoms

    given = parse_symptoms(pairs)
    if file is None:
        return given
    from_file = read_symptoms(file)
    twice = sorted(set(given) & set(from_file))
    if twice:
        raise SymptomError(f"symptom {twice[0]!r} is given in {file} and as an option; keep one")
    if not from_file and not given:
        raise SymptomError(f"{file}: holds no symptom; leave --symptoms out for none")
    return from_file | given


def need_lab(what: str) -> None:
    """Refuse to go on where the laboratory's libraries are not installed.

    Parameters
    ----------
    what : str
        What needs them, the start of a sentence.

    Raises
    ------
    InputError
        They are not there.
    """
    if importlib.util.find_spec("lightning") is None:
        # Not by the package's name: no index has a release, and whoever took the name would be run.
        raise InputError(
            f"{what} needs the laboratory, which is not installed: in the checkout, "
            "python -m pip install '.[lab]' (docs/how-to/train-a-bundle.md)"
        )


@contextmanager
def reading_bar() -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how many images are read, where it is a terminal and not quiet.

    Yields
    ------
    callable
        To be called with (done, all).
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("Reading", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    stderr = Console(stderr=True)
    shown = stderr.is_terminal and logging.getLogger("pneumoscope").isEnabledFor(logging.INFO)
    with Progress(*columns, console=stderr, transient=True, disable=not shown) as bar:
        task = bar.add_task("Reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def write_stdout(text: str) -> None:
    """Write a document to stdout as UTF-8, whatever the terminal's encoding.

    Raises
    ------
    InputError
        Stdout is closed or cannot be written (a full disk, say).
    """
    if sys.stdout is None:
        raise InputError("stdout is closed; give --json a file's name")
    with told("stdout"):
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


class FolderResult(Protocol):
    """What the evaluation says of any labelled folder that it went through."""

    @property
    def folder(self) -> str: ...  # noqa: D102
    @property
    def images(self) -> int: ...  # noqa: D102
    @property
    def unreadable(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def patient_column(self) -> str | None: ...  # noqa: D102
    @property
    def where(self) -> Mapping[str, str]: ...  # noqa: D102


def folder_data(result: FolderResult) -> EvaluationData:
    """Give the `data` part of a document on a labelled folder."""
    return {
        "folder": result.folder,
        "images": result.images,
        "unreadable": list(result.unreadable),
        "has_patients": result.patient_column is not None,
        "patient_column": result.patient_column,
        "where": dict(result.where),
    }


def overlap_data(overlap: TrainingOverlap) -> Overlap:
    """Give the `overlap` part of a document on a model and a labelled folder."""
    near = overlap.near
    return {
        "identical": list(overlap.identical),
        "near": None if near is None else list(near),
    }


def write_result(
    document: _Result,
    show: Callable[[_Result], RenderableType],
    *,
    to_stdout: bool,
    json_file: Path | None,
    others: Mapping[Path, bytes] | None = None,
) -> None:
    """End a command: write its files, then its document, or else its text, to stdout.

    Parameters
    ----------
    document : Document or mapping
        The result, or its JSON values.
    show : callable
        Makes the text for people out of the document.
    to_stdout : bool
        Whether stdout gets the document, and nothing else.
    json_file : Path or None
        Where to write the document.
    others : mapping of path to bytes, optional
        Further files.

    Raises
    ------
    InputError
        A file or stdout cannot be written.
    """
    from pneumoscope.documents import dump
    from pneumoscope.reports import plain

    files = {} if json_file is None else {json_file: dump(document).encode()}
    files |= others or {}
    write_files(files)
    if to_stdout:
        write_stdout(dump(document))
    else:
        print_text(show(document), *(plain(f"Written: {path}") for path in files))


def print_text(*parts: RenderableType) -> None:
    """Show a result to people on stdout.

    Raises
    ------
    InputError
        Stdout cannot be written (a full disk, say).
    """
    from rich.console import Console

    console = Console()
    with told("stdout"):
        for part in parts:
            console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))
