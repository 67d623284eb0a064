"""Which images to diagnose, and what is known of each patient: a folder, a manifest, or files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.errors import DataError, InputError
from pneumoscope.findings import PatientContext
from pneumoscope.imaging import IMAGE_SUFFIXES, is_dicom
from pneumoscope.severity import GUIDELINE, INPUTS, check_case, check_inputs, parse_symptoms
from pneumoscope.tables import read_rows
from pneumoscope.workflow.case import Case

MANIFEST_SUFFIX = ".csv"
_FILE, _AGE, _SEX = "file", "age", "sex"
_FIRST_LINE = "file[,age][,sex][,SYMPTOM...]"
_INDEX = "DICOMDIR"  # of a medium (PS3.10 section 8.6): lists images, and is none


@dataclass(frozen=True, slots=True)
class Cases:
    """Images to diagnose.

    Attributes
    ----------
    cases : tuple of Case
        At least one; no two of one `file`. A folder's are sorted by their path.
    unread : tuple of str
        Files of the folder that are no images by their ending or their first bytes; hidden ones
        left out.
    """

    cases: tuple[Case, ...]
    unread: tuple[str, ...] = ()


def list_cases(places: Sequence[Path], *, rule_base: str = GUIDELINE) -> Cases:
    """List the images of a folder, of a manifest, or those that are given; no image is decoded.

    Parameters
    ----------
    places : sequence of Path
        One folder: its images at any depth, by their ending (.jpg, .jpeg, .png, .tif, .tiff, .dcm)
        or by the first bytes of a DICOM file; links to folders are not followed.
        Or one manifest: a CSV file (UTF-8, at most 64 MiB, its name ends in .csv) with the column
        `file`, relative to the manifest's folder, and if wanted `age` (years), `sex` (M or F) and
        columns called as in `severity.INPUTS`; an empty cell is not known.
        Or image files.
    rule_base : str
        What the symptoms are checked for; one of `severity.rule_bases()`.

    Raises
    ------
    DataError
        No image, a folder or a manifest beside others or not readable, a file that is named twice,
        a column or a value of the manifest that cannot be used.
    InputError
        See `severity.check_case`; the manifest's line is named.
    """
    if len(places) == 1 and places[0].is_dir():
        return _in_folder(places[0])
    if len(places) == 1 and _is_manifest(places[0]):
        return Cases(_distinct(places[0], _in_manifest(places[0], rule_base)))
    for place in places:
        if place.is_dir() or _is_manifest(place):
            raise DataError(
                f"{place}: is a {'folder' if place.is_dir() else 'manifest'} among other places; "
                "give one folder, one manifest, or image files"
            )
        if not place.exists():
            raise DataError(f"{place}: no such file or folder; check the name")
    if not places:
        raise DataError("no image: give a folder, a manifest, or image files")
    return Cases(_distinct(None, [Case(_text(path.as_posix()), path) for path in places]))


def _is_manifest(path: Path) -> bool:
    return path.suffix.lower() == MANIFEST_SUFFIX


def _in_folder(folder: Path) -> Cases:
    cases, unread = [], []
    try:
        for file in sorted(_files(folder)):
            path = folder / file
            name = _text(Path(file).as_posix())
            if path.suffix.lower() in IMAGE_SUFFIXES or _begins_as_dicom(path):
                cases.append(Case(name, path))
            else:
                unread.append(name)
    except OSError as error:
        raise DataError(
            f"{error.filename or folder}: cannot be read ({error.strerror}); check its rights"
        ) from None
    if not cases:
        raise DataError(
            f"{folder}: no image in it ({', '.join(IMAGE_SUFFIXES)}, or DICOM); give another folder"
        )
    return Cases(_distinct(folder, cases), tuple(unread))


def _files(folder: Path) -> Iterable[str]:
    """Name the plain files below a folder, relative to it; hidden files and folders left out."""
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file():
                yield str(path.relative_to(folder))


def _raise(error: OSError) -> None:
    raise error


def _begins_as_dicom(path: Path) -> bool:
    try:
        return path.name != _INDEX and is_dicom(path)
    except OSError:  # it may be an image: its row will say why it cannot be read
        return True


def _in_manifest(table: Path, rule_base: str) -> list[Case]:
    try:
        header, rows = read_rows(table, _FIRST_LINE)
    except OSError as error:
        raise DataError(
            f"{table}: cannot be read ({error.strerror}); give a CSV file with the column {_FILE!r}"
        ) from None
    _check_header(table, header)
    cases = []
    for line, cells in rows:
        try:
            cases.append(_case(table.parent, dict(zip(header, cells, strict=True)), rule_base))
        except InputError as error:
            raise InputError(f"{table}, line {line}: {error}") from None
    if not cases:
        raise DataError(f"{table}: lists no image; add one line per image")
    return cases


def _check_header(table: Path, header: Sequence[str]) -> None:
    if _FILE not in header:
        raise DataError(
            f"{table}: no column {_FILE!r}; the first line must be {_FIRST_LINE}, separated by "
            "commas"
        )
    for column in header:
        if header.count(column) > 1:
            raise DataError(f"{table}: two columns are named {column!r}; rename one")
        if column not in (_FILE, _AGE, _SEX, *INPUTS):
            try:
                check_inputs({column: 0.0})  # knows which symptom may be meant
            except InputError as error:
                raise DataError(
                    f"{table}: a column is neither {_FILE}, {_AGE} nor {_SEX} nor a symptom "
                    f"({error}); rename it or take it out"
                ) from None


def _case(folder: Path, row: Mapping[str, str], rule_base: str) -> Case:
    """Read one line of a manifest."""
    file = row[_FILE]
    if not file:
        raise DataError(f"{_FILE} is empty; fill it in")
    given = [f"{name}={row[name]}" for name in INPUTS if row.get(name)]
    symptoms = parse_symptoms(given)
    if symptoms:
        check_case(symptoms, rule_base=rule_base)
    return Case(_text(file), folder / file, _patient(row), symptoms)


def _patient(row: Mapping[str, str]) -> PatientContext:
    age = row.get(_AGE)
    try:
        years = float(age) if age else None
    except ValueError:
        raise DataError(
            f"age {age!r} is no number of years; correct it or empty the cell"
        ) from None
    try:
        return PatientContext(years, row.get(_SEX) or None)
    except ValueError as error:
        raise DataError(f"{error}; correct it or empty the cell") from None


def _distinct(place: Path | None, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Refuse a file that is named twice, in whatever way it is written."""
    files, paths = set(), set()
    for case in cases:
        path = os.path.abspath(case.path)  # noqa: PTH100
        # Two names of bytes that are no Unicode can be one text.
        if case.file in files or path in paths:
            where = "" if place is None else f"{place}: "
            raise DataError(f"{where}{case.file!r} is listed twice; name it once")
        files.add(case.file)
        paths.add(path)
    return tuple(cases)


def _text(name: str) -> str:
    """Make a file's name text that JSON can hold: bytes that are no Unicode become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
