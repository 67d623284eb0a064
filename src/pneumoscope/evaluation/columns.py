"""Groups of images by a column of `labels.csv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pneumoscope.errors import DataError
from pneumoscope.evaluation.manifest import (
    AGE_COLUMN,
    LABELS_FILE,
    MAX_AGE,
    LabelledImage,
    Manifest,
)
from pneumoscope.metrics import NO_AGE, NOT_STATED

MAX_GROUPS = 50

# Youngest age of each band, in years: infants and young children, schoolchildren, then adults.
_BANDS = (0, 5, 18, 40, 65, 80)


def check_columns(manifest: Manifest, columns: Sequence[str]) -> None:
    """Refuse columns that cannot part the images into groups.

    Raises
    ------
    DataError
        A column is not one of the further columns of ``labels.csv``, is named twice, or has more
        than `MAX_GROUPS` values (such as one of identifiers).
    """
    known = list(manifest.images[0].extra)
    for column, times in Counter(columns).items():
        if column not in known:
            there = (
                f"its further columns are: {', '.join(known)}"
                if known
                else "it has no further column"
            )
            raise DataError(f"{LABELS_FILE} has no column {column!r} to group by; {there}")
        if times > 1:
            raise DataError(f"column {column!r} is named twice to group by; name it once")
        groups = len(set(group_names(manifest.images, column)))
        if groups > MAX_GROUPS:
            raise DataError(
                f"column {column!r} has {groups} values; group by one of at most {MAX_GROUPS}"
            )


def group_names(images: Sequence[LabelledImage], column: str) -> list[str]:
    """Tell the group of each image by a column of ``labels.csv``; age in years becomes bands."""
    values = [image.extra[column] for image in images]
    return [
        NOT_STATED if not value else age_band(value) if column == AGE_COLUMN else value
        for value in values
    ]


def age_band(age: str) -> str:
    """Name the age band of an age in years, such as "18 to 39"; ages outside 0..130 are told."""
    try:
        years = float(age)
    except ValueError:
        return NO_AGE
    if not 0 <= years <= MAX_AGE:
        return NO_AGE
    band = int(np.searchsorted(_BANDS, years, side="right")) - 1
    if band + 1 == len(_BANDS):
        return f"{_BANDS[band]} and over"
    return f"{_BANDS[band]} to {_BANDS[band + 1] - 1}"
