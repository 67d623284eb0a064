"""Readers' boxes round the findings of a labelled folder's images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pneumoscope.errors import DataError
from pneumoscope.evaluation.manifest import LABELS_FILE, Manifest
from pneumoscope.metrics import Box
from pneumoscope.tables import read_rows

COLUMNS = ("x", "y", "width", "height")
_FIRST_LINE = "file,x,y,width,height"


def read_boxes(
    path: Path, manifest: Manifest, *, others_listed: bool = False
) -> dict[str, tuple[Box, ...]]:
    """Read the boxes of a folder's images.

    A CSV file (as `read_manifest` reads `labels.csv`) with one line per box. Its columns `x`, `y`
    (upper left corner), `width` and `height` are fractions of the image's width and height. The
    image is named by a column `file`, or else by the one further column that `labels.csv` has too
    (such as `rsna_id`), whose value must be that of one image alone. Other columns do not count.

    Parameters
    ----------
    path : Path
        The file.
    manifest : Manifest
        Of the folder; boxes of images that it leaves out are checked, and not returned.
    others_listed : bool
        Whether the file may list images that the folder does not hold, as one that several sets
        share does; their boxes are left out.

    Returns
    -------
    dict of str to tuple of Box
        By `LabelledImage.file`, in the order of the manifest; only images that have a box.

    Raises
    ------
    DataError
        The file cannot be read or used: a column is missing, an image is not in `labels.csv`, a
        number is none or outside 0..1, a box has no area or reaches out of the image (a thousandth
        is let pass as rounding), there is no box, or all are of one patient, so that there are no
        others to compare with.
    """
    try:
        header, rows = read_rows(path, _FIRST_LINE)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); give a CSV file of boxes"
        ) from error
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise DataError(f"{path}: no column {missing[0]!r}; its first line must be {_FIRST_LINE}")
    if len(set(header)) < len(header):
        raise DataError(f"{path}: two columns have the same name; rename one")
    key = _key(path, header, manifest)
    files = _files(key, manifest)
    boxes: dict[str, list[Box]] = {}
    for line, cells in rows:
        row = dict(zip(header, cells, strict=True))
        file = files.get(row[key])
        if file is None:
            if others_listed:
                continue
            raise DataError(
                f"{path}, line {line}: its {key} is not that of exactly one image of "
                f"{LABELS_FILE}; correct or remove it"
            )
        boxes.setdefault(file, []).append(_box(path, line, row))
    if not boxes:
        raise DataError(f"{path}: lists no box; add one line per box")
    if len({image.patient_id for image in manifest.images if image.file in boxes}) < 2:
        raise DataError(
            f"{path}: all boxes are of one patient (or of images that were not chosen); give those "
            "of two or more, to compare them"
        )
    return {i.file: tuple(boxes[i.file]) for i in manifest.images if i.file in boxes}


def _key(path: Path, header: Sequence[str], manifest: Manifest) -> str:
    """Choose the column that names the image."""
    if "file" in header:
        return "file"
    shared = [c for c in header if c not in COLUMNS and c in manifest.images[0].extra]
    if len(shared) != 1:
        raise DataError(
            f"{path}: which column names the image? Name it by 'file', or by one column that "
            f"{LABELS_FILE} has too"
        )
    return shared[0]


def _files(key: str, manifest: Manifest) -> dict[str, str]:
    """Map what names an image to its file; values that several images share name none."""
    listed = (*manifest.images, *manifest.others)
    if key == "file":
        return {image.file: image.file for image in listed}
    times = Counter(image.extra[key] for image in listed)
    return {image.extra[key]: image.file for image in listed if times[image.extra[key]] == 1}


def _box(path: Path, line: int, row: Mapping[str, str]) -> Box:
    try:
        numbers = [float(row[column]) for column in COLUMNS]
    except ValueError:
        raise DataError(
            f"{path}, line {line}: {', '.join(COLUMNS)} must be numbers; correct the line"
        ) from None
    try:
        return Box(*numbers)
    except ValueError as error:
        raise DataError(f"{path}, line {line}: {error}; correct the line") from None
