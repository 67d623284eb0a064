"""Mann-Kendall and Theil-Sen over many figures at once.

scipy has both for one series at a time, at about a millisecond each; a course needs a dozen per
visit. The tests compare with scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class Trends:
    """Trends of several figures.

    Attributes
    ----------
    visits : ndarray of int64, shape (figures,)
        Values per figure.
    days : ndarray of float64, shape (figures,)
        From the first value to the last.
    slope, low, high : ndarray of float64, shape (figures,)
        Theil-Sen slope per day and its 95% interval (Sen 1968); NaN with fewer than two values.
    p_value : ndarray of float64, shape (figures,)
        Mann-Kendall, two-sided, normal approximation with the variance corrected for ties and the
        continuity correction (Kendall 1975).
    """

    visits: NDArray[np.int64]
    days: NDArray[np.float64]
    slope: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]


def trends(days: NDArray[np.float64], values: NDArray[np.float64]) -> Trends:
    """Test every column for a trend.

    Parameters
    ----------
    days : ndarray of float64, shape (visits,)
        Times, rising strictly.
    values : ndarray of float64, shape (visits, figures)
        NaN where a figure was not found.

    Returns
    -------
    Trends
        One entry per column.
    """
    from scipy.special import erfc  # slow to import, and no diagnosis needs it

    there = ~np.isnan(values)
    first, second = np.triu_indices(len(days), 1)
    difference = values[second] - values[first]
    count = there.sum(axis=0)
    statistic = np.nansum(np.sign(difference), axis=0)
    variance = _variance(values, count)
    sigma = np.sqrt(np.maximum(variance, 0))
    distance = np.maximum(np.abs(statistic) - 1, 0)
    score = np.divide(distance, sigma, out=np.zeros_like(sigma), where=sigma > 0)
    slopes = np.sort(difference / (days[second] - days[first])[:, None], axis=0)  # NaN goes last
    pairs = count * (count - 1) // 2
    centre = [_median(slopes[:n, k]) for k, n in enumerate(pairs)]
    ends = [_interval(slopes[:n, k], sigma[k]) for k, n in enumerate(pairs)]
    times = np.where(there, days[:, None], np.nan)
    return Trends(
        visits=count,
        days=np.array([_span(column) for column in times.T]),
        slope=np.array(centre),
        low=np.array([low for low, _ in ends]),
        high=np.array([high for _, high in ends]),
        p_value=erfc(score / np.sqrt(2)),
    )


def _variance(values: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the Mann-Kendall statistic under no trend, ties counted."""
    equal = (values[:, None] == values[None]).sum(axis=0)  # of each value, itself included
    ties = np.where(equal > 0, (equal - 1) * (2 * equal + 5), 0).sum(axis=0)
    return np.asarray((count * (count - 1) * (2 * count + 5) - ties) / 18)


def _median(slopes: NDArray[np.float64]) -> float:
    return float(np.median(slopes)) if len(slopes) else float("nan")


def _interval(slopes: NDArray[np.float64], sigma: float) -> tuple[float, float]:
    """Sen's interval: the slopes whose ranks are as far from the middle as chance may put them."""
    n = len(slopes)
    if n == 0:
        return float("nan"), float("nan")
    low = max(round((n - _Z95 * sigma) / 2) - 1, 0)
    high = min(round((n + _Z95 * sigma) / 2), n - 1)
    return float(slopes[low]), float(slopes[high])


def _span(times: NDArray[np.float64]) -> float:
    seen = times[~np.isnan(times)]
    return float(seen[-1] - seen[0]) if len(seen) else 0.0
