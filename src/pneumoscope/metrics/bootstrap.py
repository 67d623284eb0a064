"""Intervals from resampled patients.

A patient's images resemble each other, so the patient is what is drawn: all images of a drawn
patient come along, as often as the patient was drawn. With images for patients the intervals come
out too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pneumoscope.metrics.classification import FloatArray, IntArray

# Weights handled at once: bounds the memory (8 MB per array) and fits a processor's cache.
_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95% interval.

    Attributes
    ----------
    value : float or None
        On the data themselves; None where the metric is undefined on them.
    low, high : float or None
        2.5th and 97.5th percentile over the resamples; None where there is no interval.
    dropped : int
        Resamples in which the metric was undefined (such as a class that was not drawn); they have
        no part in the interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    dropped: int = 0

    def as_dict(self) -> dict[str, float | list[float] | None]:
        """Give `{"value": ..., "ci95": [low, high]}`; None (JSON null) for what is undefined."""
        interval = None if self.low is None or self.high is None else [self.low, self.high]
        return {"value": self.value, "ci95": interval}


def patient_weights(patients: Sequence[str], resamples: int, seed: int) -> Iterator[FloatArray]:
    """Draw as many patients as there are, with replacement, again and again.

    Parameters
    ----------
    patients : sequence of str
        The patient of each image. Only who shares a patient matters, not the order of the images.
    resamples : int
        How many times to draw, 0 or more.
    seed : int
        Of numpy's default generator; the same seed gives the same draws.

    Yields
    ------
    ndarray of float64, shape (some resamples, images)
        How often each image counts: whole numbers, equal for all images of a patient. The blocks
        together hold `resamples` rows.
    """
    unique, owner = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    count, block = len(unique), max(1, _CELLS // max(1, len(patients)))
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield times.astype(np.float64)[:, owner]


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Several values with their 95% intervals, such as the points of a curve.

    Attributes
    ----------
    value : ndarray of float64, shape (points,)
        On the data themselves; NaN where undefined.
    low, high : ndarray of float64, shape (points,)
        2.5th and 97.5th percentile over the resamples; NaN where there is no interval.
    dropped : ndarray of int, shape (points,)
        Resamples in which the value was undefined; they have no part in its interval.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    dropped: IntArray

    def estimate(self, index: int) -> Estimate:
        """Give one of the values as an `Estimate`."""
        value, low, high = (float(part[index]) for part in (self.value, self.low, self.high))
        dropped = int(self.dropped[index])
        if np.isnan(value):
            return Estimate(None, dropped=dropped)
        if np.isnan(low):
            return Estimate(value, dropped=dropped)
        return Estimate(value, low, high, dropped)


def bootstrap(
    metrics: Mapping[str, Callable[[FloatArray], FloatArray]],
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 42,
) -> dict[str, Estimate]:
    """Estimate metrics and their 95% percentile intervals on the same resampled patients.

    Parameters
    ----------
    metrics : mapping of str to callable
        Each takes weights of shape (sets, images) and gives one value per set, NaN where undefined.
        A difference between two models is a metric too, and its interval is then a paired one.
    patients : sequence of str
        The patient of each image, at least one.
    resamples : int
        How many times to draw the patients.
    seed : int
        The same seed gives the same intervals.

    Returns
    -------
    dict of str to Estimate
        In the order of `metrics`. There is no interval where the value is undefined, with fewer
        than two patients, or where fewer than half of the resamples define the metric. A
        percentile interval cannot reach past the data: where no error was seen its width is 0
        (`with_exact_end` mends that for a rate).

    Raises
    ------
    ValueError
        If there is no image.
    """

    def together(weights: FloatArray) -> FloatArray:
        return np.stack([metric(weights) for metric in metrics.values()], axis=-1)

    band = bootstrap_band(together, patients, resamples, seed)
    return {name: band.estimate(index) for index, name in enumerate(metrics)}


def bootstrap_band(
    statistic: Callable[[FloatArray], FloatArray],
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 42,
) -> Band:
    """Estimate many values at once, each with its own 95% interval (not a simultaneous band).

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (sets, images) and gives (sets, points), NaN where undefined.
    patients : sequence of str
        The patient of each image, at least one.
    resamples, seed : int
        As for `bootstrap`: the same two draw the same patients.

    Returns
    -------
    Band
        There is no interval where `bootstrap` gives none.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if len(patients) == 0:
        raise ValueError("no image to resample")
    value = statistic(np.ones((1, len(patients))))[0]
    draws = [np.empty((0, value.size))]
    if len(set(patients)) > 1:
        draws += [statistic(weights) for weights in patient_weights(patients, resamples, seed)]
    drawn = np.concatenate(draws)
    dropped = np.isnan(drawn).sum(axis=0)
    defined = len(drawn) - dropped
    shown = ~np.isnan(value) & (defined > 0) & (defined >= dropped)
    low, high = np.full((2, value.size), np.nan)
    if shown.any():
        low[shown], high[shown] = np.nanquantile(drawn[:, shown], [0.025, 0.975], axis=0)
    return Band(value, low, high, dropped)
