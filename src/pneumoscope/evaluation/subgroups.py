"""The same figures for parts of the data: views, sexes, age bands, whatever a column says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pneumoscope.errors import DataError
from pneumoscope.evaluation.bootstrap import Estimate, bootstrap
from pneumoscope.evaluation.manifest import (
    AGE_COLUMN,
    LABELS_FILE,
    MAX_AGE,
    LabelledImage,
    Manifest,
)
from pneumoscope.evaluation.metrics import FloatArray, IntArray, auroc
from pneumoscope.evaluation.summary import class_metrics, with_exact_class_ends

NOT_STATED = "not stated"
FEW_IMAGES = 20
MAX_GROUPS = 50

# Youngest age of each band, in years: infants and young children, schoolchildren, then adults.
_BANDS = (0, 5, 18, 40, 65, 80)
_NO_AGE = "not a possible age"


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Figures over the images of one value of a column.

    Attributes
    ----------
    name : str
        The value, the age band such as "18 to 39", or `NOT_STATED`.
    n, patients : int
        Images and distinct patients.
    labels : mapping of str to int
        Images of each label.
    accuracy, balanced_accuracy : Estimate
        Over the images whose label is a class of the model, and over the classes of the group.
    auroc : Estimate
        Of the positive class, or the mean over the classes of the group.
    note : str or None
        Why the figures say little: few images, or one class.
    """

    name: str
    n: int
    patients: int
    labels: Mapping[str, int]
    accuracy: Estimate
    balanced_accuracy: Estimate
    auroc: Estimate
    note: str | None

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "group": self.name,
            "n": self.n,
            "patients": self.patients,
            "labels": dict(self.labels),
            "accuracy": self.accuracy.as_dict(),
            "balanced_accuracy": self.balanced_accuracy.as_dict(),
            "auroc": self.auroc.as_dict(),
            "note": self.note,
        }


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
        return _NO_AGE
    if not 0 <= years <= MAX_AGE:
        return _NO_AGE
    band = int(np.searchsorted(_BANDS, years, side="right")) - 1
    if band + 1 == len(_BANDS):
        return f"{_BANDS[band]} and over"
    return f"{_BANDS[band]} to {_BANDS[band + 1] - 1}"


def measure_subgroups(
    groups: Sequence[str],
    probabilities: FloatArray,
    true: IntArray,
    labels: Sequence[str],
    patients: Sequence[str],
    *,
    positive: int | None,
    resamples: int = 1000,
    seed: int = 42,
) -> tuple[Subgroup, ...]:
    """Measure each group by itself.

    Parameters
    ----------
    groups : sequence of str
        The group of each image.
    probabilities : ndarray of float, shape (images, classes)
        Calibrated.
    true : ndarray of int, shape (images,)
        Class indices; -1 for a label that is no class.
    labels, patients : sequence of str
        Of each image.
    positive : int or None
        The positive class's column.
    resamples, seed : int
        Of the patient-grouped bootstrap within each group.

    Returns
    -------
    tuple of Subgroup
        Age bands by age, other groups by name; `NOT_STATED` and impossible ages last.
    """
    names, named = np.asarray(groups, dtype=np.str_), np.asarray(labels, dtype=np.str_)
    owners = np.asarray(patients, dtype=np.str_)
    measured = []
    for name in sorted(set(groups), key=_order):
        rows = np.flatnonzero(names == name)
        mine = {str(label): int(n) for label, n in Counter(named[rows].tolist()).items()}
        figures = _figures(
            probabilities[rows], true[rows], owners[rows].tolist(), positive, resamples, seed
        )
        measured.append(
            Subgroup(
                name,
                rows.size,
                len(set(owners[rows])),
                dict(sorted(mine.items())),
                **figures,
                note=_note(rows.size, mine),
            )
        )
    return tuple(measured)


def _figures(
    probabilities: FloatArray,
    true: IntArray,
    patients: Sequence[str],
    positive: int | None,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    metrics = class_metrics(probabilities, true, probabilities.argmax(axis=1))
    area = metrics["auroc_macro"]
    if positive is not None:
        area = partial(auroc, probabilities[:, positive], true == positive)
    wanted = {name: metrics[name] for name in ("accuracy", "balanced_accuracy")}
    found = bootstrap({**wanted, "auroc": area}, patients, resamples, seed)
    return found | with_exact_class_ends(found, true, patients)


def _note(images: int, labels: Mapping[str, int]) -> str | None:
    notes = []
    if images < FEW_IMAGES:
        notes.append(f"fewer than {FEW_IMAGES} images")
    if len(labels) == 1:
        notes.append(f"only {next(iter(labels))}")
    return ", ".join(notes) or None


def _order(name: str) -> tuple[bool, int, str]:
    """Put what is not known last, and a name that begins with a number by that number."""
    first = name.split(" ")[0]
    return name in (NOT_STATED, _NO_AGE), int(first) if first.isdecimal() else -1, name
