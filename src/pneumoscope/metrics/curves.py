"""ROC and precision-recall curves of one class against the rest, with their intervals.

An image is called positive when its score is at or above a threshold; images of equal scores are
called together, so that no order among them is made up. The area under the ROC curve is
`metrics.auroc`; that under the precision-recall curve is the average precision, a sum over steps:
a straight line between two of its points is too optimistic (Davis and Goadrich 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pneumoscope.metrics.bootstrap import Estimate, bootstrap_band
from pneumoscope.metrics.classification import BoolArray, FloatArray, as_weights, auroc, ratio
from pneumoscope.metrics.json_numbers import numbers

MAX_POINTS = 200
GRID = np.linspace(0, 1, 101)


class _Counts(NamedTuple):
    """Images called positive, per threshold (highest first), of the weights' leading shape."""

    thresholds: FloatArray
    hits: FloatArray
    alarms: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve through at most `MAX_POINTS` of its corners, with intervals at fixed places.

    Attributes
    ----------
    area : Estimate
        AUROC or average precision, 0..1, from all points.
    x, y : ndarray of float64, shape (points,)
        False positive rate and sensitivity, or recall and precision; 0..1, x rising.
    threshold : ndarray of float64, shape (points,)
        At or above it an image is called positive; NaN for the point where none is.
    low, high : ndarray of float64, shape (101,)
        95% interval of y at x = 0, 0.01, ..., 1; NaN where there is none.
    """

    area: Estimate
    x: FloatArray
    y: FloatArray
    threshold: FloatArray
    low: FloatArray
    high: FloatArray

    def as_dict(self, area: str, x: str, y: str) -> dict[str, Any]:
        """Give the curve as plain JSON values, under the names of its area and its axes."""
        return {
            area: self.area.as_dict(),
            x: numbers(self.x),
            y: numbers(self.y),
            "threshold": numbers(self.threshold),
            "band": {x: numbers(GRID), "low": numbers(self.low), "high": numbers(self.high)},
        }


def average_precision(
    scores: FloatArray, positive: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """Area under the precision-recall curve: precision, averaged over the steps of recall.

    Parameters
    ----------
    scores : ndarray of float, shape (images,)
        Finite; higher means more positive.
    positive : ndarray of bool, shape (images,)
        The truth.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; a worthless score has the share of positive images. NaN without positive images.

    Raises
    ------
    ValueError
        If a score is not finite.
    """
    return _average_precision(_counts(scores, positive, weights))


def roc_curve(
    scores: FloatArray,
    positive: BoolArray,
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 42,
) -> Curve | None:
    """Sensitivity against the false positive rate, over all thresholds.

    Parameters
    ----------
    scores : ndarray of float, shape (images,)
        Finite; higher means more positive.
    positive : ndarray of bool, shape (images,)
        The truth.
    patients : sequence of str
        The patient of each image.
    resamples, seed : int
        Of the patient-grouped bootstrap; the interval of the sensitivity is that at a fixed false
        positive rate ("vertical averaging", Fawcett 2006).

    Returns
    -------
    Curve or None
        From (0, 0) to (1, 1); None unless there are positive and other images.
    """
    if positive.all() or not positive.any():
        return None

    def statistic(weights: FloatArray) -> FloatArray:
        area = auroc(scores, positive, weights)
        return np.column_stack([area, _sensitivity_at_grid(_counts(scores, positive, weights))])

    band = bootstrap_band(statistic, patients, resamples, seed)
    counts = _counts(scores, positive, None)
    x = np.r_[0, counts.alarms / counts.alarms[-1]]
    y = np.r_[0, counts.hits / counts.hits[-1]]
    kept = thin(x, y)
    threshold = np.r_[np.nan, counts.thresholds]
    return Curve(band.estimate(0), x[kept], y[kept], threshold[kept], band.low[1:], band.high[1:])


def precision_recall_curve(
    scores: FloatArray,
    positive: BoolArray,
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 42,
) -> Curve | None:
    """Precision against recall, over all thresholds.

    Parameters
    ----------
    scores, positive, patients, resamples, seed
        As for `roc_curve`; the interval is that of the precision at the highest threshold that
        reaches the recall.

    Returns
    -------
    Curve or None
        To be drawn in steps, each precision holding back to the recall before it. None without
        positive images.
    """
    if not positive.any():
        return None

    def statistic(weights: FloatArray) -> FloatArray:
        counts = _counts(scores, positive, weights)
        return np.column_stack([_average_precision(counts), _precision_at_grid(counts)])

    band = bootstrap_band(statistic, patients, resamples, seed)
    counts = _counts(scores, positive, None)
    x = counts.hits / counts.hits[-1]
    y = counts.hits / (counts.hits + counts.alarms)
    kept = thin(x, y)
    return Curve(
        band.estimate(0), x[kept], y[kept], counts.thresholds[kept], band.low[1:], band.high[1:]
    )


def thin(x: FloatArray, y: FloatArray, points: int = MAX_POINTS) -> np.ndarray:
    """Choose points that keep a curve's look: its corners, evenly along its length if too many.

    Parameters
    ----------
    x, y : ndarray of float, shape (any,)
        The curve, in order; at least one point.
    points : int
        At most so many are kept, 2 or more.

    Returns
    -------
    ndarray of int
        Indices, rising; the first and the last are among them.
    """
    dx, dy = np.diff(x), np.diff(y)
    corner = np.ones(x.size, dtype=np.bool_)
    corner[1:-1] = abs(dx[:-1] * dy[1:] - dx[1:] * dy[:-1]) > 1e-15
    kept = np.flatnonzero(corner)
    if kept.size <= points:
        return kept
    length = np.r_[0, np.cumsum(abs(np.diff(x[kept])) + abs(np.diff(y[kept])))]
    nearest = np.searchsorted(length, np.linspace(0, length[-1], points))
    nearest[-1] = kept.size - 1
    return kept[np.unique(nearest)]


def _counts(scores: FloatArray, positive: BoolArray, weights: FloatArray | None) -> _Counts:
    w = as_weights(weights, scores.size)
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    order = np.argsort(-scores, kind="stable")
    ranked, w = scores[order], w[..., order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], np.ones(min(1, ranked.size), bool)])
    hits = np.cumsum(w * positive[order], axis=-1)[..., last]
    return _Counts(ranked[last], hits, np.cumsum(w, axis=-1)[..., last] - hits)


def _average_precision(counts: _Counts) -> FloatArray:
    precision = ratio(counts.hits, counts.hits + counts.alarms)
    steps = np.diff(counts.hits, axis=-1, prepend=0)
    # Before the first image that counts there is neither a precision nor a step.
    gained = np.where(steps > 0, steps * precision, 0).sum(axis=-1)
    return ratio(gained, steps.sum(axis=-1))


def _sensitivity_at_grid(counts: _Counts) -> FloatArray:
    """Sensitivity at each false positive rate of the grid, by straight lines, as the area has."""
    rows = np.full((len(counts.hits), GRID.size), np.nan)
    for row, hits, alarms in zip(rows, counts.hits, counts.alarms, strict=True):
        if hits[-1] > 0 and alarms[-1] > 0:
            row[:] = np.interp(GRID, np.r_[0, alarms] / alarms[-1], np.r_[0, hits] / hits[-1])
    return rows


def _precision_at_grid(counts: _Counts) -> FloatArray:
    """Precision at the highest threshold that reaches each recall of the grid."""
    rows = np.full((len(counts.hits), GRID.size), np.nan)
    for row, hits, alarms in zip(rows, counts.hits, counts.alarms, strict=True):
        if hits[-1] > 0:
            # A recall of 0 is that of the first hit; the small part undoes rounding of the grid.
            wanted = np.maximum(GRID * hits[-1] - 1e-9, np.finfo(float).tiny)
            reached = np.searchsorted(hits, wanted)
            row[:] = hits[reached] / (hits[reached] + alarms[reached])
    return rows
