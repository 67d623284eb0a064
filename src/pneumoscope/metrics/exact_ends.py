"""Exact ends of the intervals of rates that are 0 or 1, which resampling cannot reach past.

Where no image is wrong, none is in any resample: the bootstrap's interval has the width 0. The far
end is then that of the exact interval of as many patients (Clopper and Pearson 1934).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta

from pneumoscope.metrics.bootstrap import Estimate
from pneumoscope.metrics.classification import FloatArray

_TAIL = 0.025


def exact_end(value: float, patients: ArrayLike, shares: int = 1) -> FloatArray:
    """Give the far end of the exact 95% interval of a share that is 0 or 1.

    Parameters
    ----------
    value : float
        0 or 1, of every share.
    patients : int or array of int
        How many each share is of, at least 1.
    shares : int
        How many shares must lie within their ends at once: each end then has its part of the 2.5%
        (Bonferroni), so that it holds for any mean of them.

    Returns
    -------
    ndarray of float64, shape of `patients`
        The upper end for 0, the lower for 1.
    """
    tail = _TAIL / shares
    ends = beta.ppf(tail, patients, 1) if value == 1 else beta.ppf(1 - tail, 1, patients)
    return np.asarray(ends, np.float64)


def f1_of_share(share: FloatArray) -> FloatArray:
    """Give the F1 score of a class of whose images, true or called, this share is both.

    Parameters
    ----------
    share : ndarray of float, any shape
        Hits among the images that are of the class or called it, 0..1.
    """
    return 2 * share / (1 + share)


def with_end(rate: Estimate, end: Callable[[float], float]) -> Estimate:
    """Widen the interval of a rate that is exactly 0 or 1.

    Parameters
    ----------
    rate : Estimate
        0..1.
    end : callable
        Gives the far end for the value, 0 or 1.

    Returns
    -------
    Estimate
        Any other rate, and one without an interval, stays as it is.
    """
    if rate.low is None or rate.high is None:
        return rate
    if rate.value == 0:
        return replace(rate, high=end(0.0))
    if rate.value == 1:
        return replace(rate, low=end(1.0))
    return rate


def with_exact_end(share: Estimate, patients: int) -> Estimate:
    """Widen the interval of a share that is 0 or 1, which resampling cannot reach past.

    Parameters
    ----------
    share : Estimate
        Of images, 0..1, with its interval over the patients.
    patients : int
        How many it is of, at least 1 where it has a value.

    Returns
    -------
    Estimate
        A share of exactly 0 or 1 gets the far end of the exact interval of as many patients; any
        other, and one without an interval, stays as it is.
    """
    return with_end(share, lambda value: float(exact_end(value, patients)))


def with_exact_f1_end(score: Estimate, patients: int) -> Estimate:
    """Widen the interval of an F1 score that is 0 or 1, as `with_exact_end` does.

    Parameters
    ----------
    score : Estimate
        0..1, with its interval over the patients.
    patients : int
        How many have an image that is of the class or called it; at least 1 where it has a value.
    """
    return with_end(score, lambda value: float(f1_of_share(exact_end(value, patients))))


def with_exact_mean_end(mean: Estimate, patients: Sequence[int]) -> Estimate:
    """Widen the interval of a mean of shares that are all 0 or all 1, as `with_exact_end` does.

    Parameters
    ----------
    mean : Estimate
        0..1, with its interval over the patients.
    patients : sequence of int
        How many each share is of, at least 1.
    """
    return with_end(mean, lambda value: float(exact_end(value, patients, len(patients)).mean()))
