"""Operating points: a threshold on one class's probability."""

from __future__ import annotations

import numpy as np

from pneumoscope.errors import DataError
from pneumoscope.metrics.classification import BoolArray, FloatArray


def threshold_for_sensitivity(
    probability: FloatArray, positive: BoolArray, sensitivity: float
) -> float:
    """Find the highest threshold that still finds the stated share of the positive images.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Calibrated probability of the positive class, 0..1.
    positive : ndarray of bool, shape (images,)
        The truth.
    sensitivity : float
        The share to reach, above 0 and at most 1.

    Returns
    -------
    float
        A positive image's probability: at or above it an image is called positive, as in
        `pneumoscope.findings.OperatingPoint`.

    Raises
    ------
    DataError
        If no image is positive.
    ValueError
        If `sensitivity` is outside 0..1, or 0.
    """
    if not 0 < sensitivity <= 1:
        raise ValueError(f"sensitivity {sensitivity} is outside 0..1")
    found = np.sort(probability[positive])[::-1]
    if found.size == 0:
        raise DataError(
            "no positive image to choose an operating point on: add images of the positive class"
        )
    # Counting shares up avoids ceil(sensitivity * n), which rounding errors push one too far.
    shares = np.arange(1, found.size + 1) / found.size
    return float(found[np.searchsorted(shares, sensitivity)])


def threshold_for_specificity(
    probability: FloatArray, positive: BoolArray, specificity: float
) -> float:
    """Find the lowest threshold that leaves the stated share of the negative images below it.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Calibrated probability of the positive class, 0..1.
    positive : ndarray of bool, shape (images,)
        The truth.
    specificity : float
        The share to reach, above 0 and at most 1.

    Returns
    -------
    float
        The next number above a negative image's probability: at or above it an image is called
        positive. 1 where even that does not reach the share, as too many negative images have the
        probability 1.

    Raises
    ------
    DataError
        If no image is negative.
    ValueError
        If `specificity` is outside 0..1, or 0.
    """
    if not 0 < specificity <= 1:
        raise ValueError(f"specificity {specificity} is outside 0..1")
    spared = np.sort(probability[~positive])
    if spared.size == 0:
        raise DataError(
            "no negative image to choose an operating point on: add images of the other classes"
        )
    shares = np.arange(1, spared.size + 1) / spared.size
    last = spared[np.searchsorted(shares, specificity)]
    return min(float(np.nextafter(last, np.inf)), 1.0)
