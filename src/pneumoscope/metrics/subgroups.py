"""The same figures for parts of the data: views, sexes, age bands, whatever a column says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pneumoscope.metrics.bootstrap import Estimate, bootstrap
from pneumoscope.metrics.classification import FloatArray, IntArray, auroc
from pneumoscope.metrics.summary import class_metrics, with_exact_class_ends

NOT_STATED = "not stated"
NO_AGE = "not a possible age"
FEW_IMAGES = 20


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
    return name in (NOT_STATED, NO_AGE), int(first) if first.isdecimal() else -1, name
