"""The seven steps from one symptom's history to its personal range (Baral 2025, 3.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pneumoscope.tracking.options import TrackingOptions

RECENT = 10
BASE_FACTOR = 0.3
GRID = 0.1
# Of the tracking signal: how fast it forgets, and between what the factor stays.
_SIGNAL_FACTOR = 0.2
_LEAST_FACTOR, _MOST_FACTOR = 0.1, 0.6
# 1.4826 times the median absolute deviation estimates a normal standard deviation. Where most
# ratings are equal it is 0, so it is never taken below the finest step of a bedside rating.
_MAD_SCALE, _MAD_LIMIT, _MAD_FLOOR = 1.4826, 3.5, 0.05
# The mean of equal values may differ from them in its last digit.
_ROUNDING = 1e-9

_Values = NDArray[np.float64]


def adjusted_range(values: _Values, options: TrackingOptions) -> _Values:
    """Run the seven steps.

    Parameters
    ----------
    values : ndarray of float64, shape (values,)
        One symptom's history on the 0..1 scale of its clinical range, oldest first; not empty.
    options : TrackingOptions
        Of these `minimum_values` and `minimum_width` play no part here.

    Returns
    -------
    ndarray of float64, shape (steps,)
        From the lower percentile to the upper one in steps of 0.1, the last one shorter; within
        0..1. One value where both percentiles are the same.
    """
    if options.window is not None:
        values = values[-options.window :]
    kept = without_outliers(values, options.outliers)
    recent = kept[-RECENT:]
    mean, variance = float(recent.mean()), float(recent.var())
    if options.smoothing == "variance":
        smoothed = exponential(kept, BASE_FACTOR + variance / 100)
    else:
        smoothed = trigg_leach(kept)
    outer = 10 if mean < 0.5 else 15
    source = smoothed if options.percentiles_of == "smoothed" else kept
    low, high = np.percentile(source, [outer, 100 - outer])
    # The article's grid would step over the upper percentile; it ends there.
    steps = np.append(np.arange(low, high, GRID), high)
    return np.asarray(np.clip(steps, 0.0, 1.0))


def without_outliers(values: _Values, rule: str) -> _Values:
    """Step 1: drop the values that lie far from the others; at least half always stay.

    Parameters
    ----------
    values : ndarray of float64, shape (values,)
    rule : {"mad", "zscore"}
        See `TrackingOptions`.
    """
    if rule == "zscore":
        distance = np.abs(values - values.mean())
        limit = 3.0 * values.std() + _ROUNDING
    else:
        distance = np.abs(values - np.median(values))
        limit = _MAD_LIMIT * max(_MAD_SCALE * float(np.median(distance)), _MAD_FLOOR)
    return np.asarray(values[distance <= limit])


def exponential(values: _Values, factor: float) -> _Values:
    """Step 4: z_1 = x_1, z_i = S x_i + (1 - S) z_(i-1), with one factor S."""
    smoothed = values.copy()
    for i in range(1, len(values)):
        smoothed[i] = factor * values[i] + (1 - factor) * smoothed[i - 1]
    return smoothed


def trigg_leach(values: _Values) -> _Values:
    """Steps 3 and 4 with a factor that follows the data (Trigg and Leach 1967).

    The factor is the size of the smoothed error over the smoothed size of the error, within
    0.1..0.6: near its top while the values keep drifting to one side, near its bottom while they
    only scatter. The article's factor grows with the variance, so scatter weakens its smoothing.
    """
    smoothed = values.copy()
    error = size = 0.0
    for i in range(1, len(values)):
        miss = float(values[i] - smoothed[i - 1])
        error += _SIGNAL_FACTOR * (miss - error)
        size += _SIGNAL_FACTOR * (abs(miss) - size)
        signal = abs(error) / size if size > 0 else 0.0
        factor = min(max(signal, _LEAST_FACTOR), _MOST_FACTOR)
        smoothed[i] = smoothed[i - 1] + factor * miss
    return smoothed


def widen(low: float, high: float, width: float) -> tuple[float, float]:
    """Widen a range on the 0..1 scale to at least `width`, the usual value keeping its place.

    Of the room to both sides as much is taken as leaves the middle of the range where it is on the
    population's scale: (middle - new low) / width = middle. So what is usual counts as what it is,
    healthy or ill, and only a departure from it counts for more. A range that is wide enough stays
    as it is.

    Parameters
    ----------
    low, high : float
        0 <= low <= high <= 1.
    width : float
        0..1.

    Returns
    -------
    (float, float)
        It holds low..high and lies within 0..1.

    Examples
    --------
    >>> from pneumoscope.tracking import widen
    >>> low, high = widen(0.4, 0.6, 0.5)
    >>> round(low, 3), round(high, 3)
    (0.25, 0.75)
    """
    width = max(width, high - low)
    middle = (low + high) / 2
    start = min(max(middle * (1 - width), high - width), low)
    return start, min(max(start + width, high), 1.0)
