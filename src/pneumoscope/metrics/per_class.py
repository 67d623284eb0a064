"""Precision, recall, F1 and specificity of each class and their averages, from the confusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.metrics.bootstrap import Estimate, bootstrap_band
from pneumoscope.metrics.classification import BoolArray, FloatArray, IntArray, as_weights, ratio
from pneumoscope.metrics.exact_ends import exact_end, f1_of_share, with_end

RATES = ("precision", "recall", "f1", "specificity")
AVERAGES = ("micro", "macro", "weighted")
_F1 = RATES.index("f1")


@dataclass(frozen=True, slots=True)
class ClassRates:
    """The rates of one class against the rest, or an average of them.

    Attributes
    ----------
    name : str
        The class, or one of `AVERAGES`.
    images : int
        Images of the class; all of them for an average.
    precision, recall, f1, specificity : Estimate
        0..1; undefined where nothing could be counted.
    """

    name: str
    images: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    specificity: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Give the rates as plain JSON values."""
        rates = {rate: getattr(self, rate).as_dict() for rate in RATES}
        return {"images": self.images, **rates}


def confusion_counts(
    true: IntArray, predicted: IntArray, classes: int, weights: FloatArray | None = None
) -> FloatArray:
    """Count images by true and predicted class.

    Parameters
    ----------
    true, predicted : ndarray of int, shape (images,)
        Class indices, 0 to classes - 1.
    classes : int
        How many there are.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights.

    Returns
    -------
    ndarray of float64, shape (..., classes, classes)
        Rows are the true classes.
    """
    w = as_weights(weights, true.size)
    cell = (true * classes + predicted)[:, None] == np.arange(classes**2)
    return np.asarray((w @ cell.astype(np.float64)).reshape(*w.shape[:-1], classes, classes))


def rates_of_confusion(confusion: FloatArray, present: BoolArray) -> FloatArray:
    """Precision, recall, F1 and specificity per class, then micro, macro and weighted.

    Micro: over the yes-or-no answers of all classes pooled, so that precision, recall and F1 equal
    the accuracy. Macro: mean over the classes that are present. Weighted: the same, weighted by
    their images.

    Parameters
    ----------
    confusion : ndarray of float, shape (..., classes, classes)
        Rows are the true classes.
    present : ndarray of bool, shape (classes,)
        Classes that occur in the data, whether or not in a resample of them.

    Returns
    -------
    ndarray of float64, shape (..., classes + 3, 4)
        0..1; rows as said, columns as `RATES`. NaN where nothing could be counted: precision of a
        class that is never predicted, recall and F1 of one that does not occur, and an average over
        any of these.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    images, called = confusion.sum(axis=-1), confusion.sum(axis=-2)
    everything = images.sum(axis=-1, keepdims=True)
    each = _rates(hits, images, called, np.broadcast_to(everything, hits.shape))
    right = hits.sum(axis=-1, keepdims=True)
    micro = _rates(right, everything, everything, everything * hits.shape[-1])
    among, share = each[..., present, :], images[..., present, None]
    macro = among.mean(axis=-2, keepdims=True) if present.any() else np.full_like(micro, np.nan)
    total = np.broadcast_to(share.sum(axis=-2, keepdims=True), micro.shape)
    # A class that a resample lacks has no weight there, whatever its rate.
    parts = np.where(share > 0, among * share, 0)
    weighted = ratio(parts.sum(axis=-2, keepdims=True), total)
    return np.concatenate([each, micro, macro, weighted], axis=-2)


def class_rates(
    true: IntArray,
    predicted: IntArray,
    classes: Sequence[str],
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 42,
) -> tuple[ClassRates, ...]:
    """Rates of every class and their averages, with 95% intervals over the patients.

    Parameters
    ----------
    true, predicted : ndarray of int, shape (images,)
        Class indices; -1 is true for a label that is no class, whose images do not count.
    classes : sequence of str
        Their names.
    patients : sequence of str
        The patient of each image, at least one.
    resamples, seed : int
        Of the patient-grouped bootstrap.

    Returns
    -------
    tuple of ClassRates
        The classes in their order, then `AVERAGES`. Where all rates that count are 0, or all 1, the
        far end of the interval is exact; see `exact_ends`.
    """
    known = np.flatnonzero(true >= 0)
    true, predicted = true[known], predicted[known]
    images = np.bincount(true, minlength=len(classes))

    def statistic(weights: FloatArray) -> FloatArray:
        counts = confusion_counts(true, predicted, len(classes), weights[:, known])
        return rates_of_confusion(counts, images > 0).reshape(len(weights), -1)

    band = bootstrap_band(statistic, patients, resamples, seed)
    sizes = [*images.tolist(), *(true.size for _ in AVERAGES)]
    owners = np.asarray(patients, dtype=np.str_)[known]

    @cache
    def ends(value: float) -> FloatArray:
        return _far_ends(true, predicted, owners, images, value)

    def rate(row: int, column: int) -> Estimate:
        found = band.estimate(len(RATES) * row + column)
        return with_end(found, lambda value: float(ends(value)[row, column]))

    return tuple(
        ClassRates(
            name,
            sizes[row],
            *(rate(row, column) for column in range(len(RATES))),
        )
        for row, name in enumerate([*classes, *AVERAGES])
    )


def _far_ends(
    true: IntArray, predicted: IntArray, owners: NDArray[np.str_], images: IntArray, value: float
) -> FloatArray:
    """Give the far ends of rates that are all 0 or all 1, as `rates_of_confusion` orders them."""

    def patients(chosen: BoolArray) -> int:
        return len(set(owners[chosen].tolist()))

    counts = np.array(
        [
            [patients(called), patients(own), patients(own | called), patients(~own)]
            for own, called in ((true == c, predicted == c) for c in range(images.size))
        ]
    )

    def each(shares: int) -> FloatArray:
        ends = exact_end(value, counts, shares)
        ends[:, _F1] = f1_of_share(ends[:, _F1])
        return ends

    accuracy = exact_end(value, patients(true >= 0))
    # A wrong image is wrong for two classes, but as one that is not of the class for one alone.
    micro = np.array([accuracy, accuracy, accuracy, 1 - (1 - accuracy) / (images.size - 1)])
    present = images > 0
    among = each(int(present.sum()))[present]
    weighted = np.average(among, axis=0, weights=images[present])
    return np.vstack([each(1), micro, among.mean(axis=0), weighted])


def _rates(
    hits: FloatArray, images: FloatArray, called: FloatArray, everything: FloatArray
) -> FloatArray:
    score = np.where(images > 0, ratio(2 * hits, images + called), np.nan)
    specificity = ratio(everything - images - called + hits, everything - images)
    return np.stack([ratio(hits, called), ratio(hits, images), score, specificity], axis=-1)
