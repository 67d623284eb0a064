"""What is gained by answering only the surer images: error against the share that is answered.

The risk-coverage curve (El-Yaniv, Wiener 2010): images are taken in the order of their confidence,
the surest first; the risk is the error among those taken so far, the coverage their share. An order
that says nothing has the overall error at every coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumoscope.metrics.bootstrap import Band, Estimate, bootstrap_band
from pneumoscope.metrics.classification import BoolArray, FloatArray, as_weights, ratio

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """A risk-coverage curve with 95% intervals.

    Attributes
    ----------
    coverages : tuple of float
        Shares of the images that are answered, 0..1.
    risk : Band
        Error among those answered, 0..1, at each coverage.
    area : Estimate
        Under the curve, 0..1, lower is better (Geifman, El-Yaniv 2018).
    """

    coverages: tuple[float, ...]
    risk: Band
    area: Estimate


def risk_at_coverage(
    confidence: FloatArray,
    correct: BoolArray,
    coverage: float,
    weights: FloatArray | None = None,
) -> FloatArray:
    """Error among the surest images that make up at least a stated share.

    Parameters
    ----------
    confidence : ndarray of float, shape (images,)
        Higher is surer; images of equal confidence are taken together.
    correct : ndarray of bool, shape (images,)
        Whether the answer is right.
    coverage : float
        Above 0 and at most 1.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN without images.
    """
    taken, risk = _curve(confidence, correct, as_weights(weights, confidence.size))
    # Sums of weights fall a little short of the share that they make up.
    place = (taken < coverage - 1e-9).sum(axis=-1, keepdims=True)
    place = np.minimum(place, risk.shape[-1] - 1)
    return np.asarray(np.take_along_axis(risk, place, axis=-1)[..., 0])


def area_under_risk_coverage(
    confidence: FloatArray, correct: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """Mean of the risk over all coverages: the error if the share answered is left to chance.

    Parameters
    ----------
    confidence, correct, weights
        As for `risk_at_coverage`.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN without images.
    """
    taken, risk = _curve(confidence, correct, as_weights(weights, confidence.size))
    steps = np.diff(taken, axis=-1, prepend=0.0)
    # A first stretch without weight has no risk, and takes no part.
    area = np.where(steps > 0, steps * risk, 0).sum(axis=-1)
    return np.where(np.isnan(taken[..., -1]), np.nan, area)


def measure_risk_coverage(
    confidence: FloatArray,
    correct: BoolArray,
    patients: Sequence[str],
    coverages: Sequence[float] = COVERAGES,
    resamples: int = 1000,
    seed: int = 42,
) -> RiskCoverage:
    """Measure the curve and its area, with 95% intervals over the patients.

    Parameters
    ----------
    confidence, correct
        As for `risk_at_coverage`.
    patients : sequence of str
        The patient of each image, at least one.
    coverages : sequence of float
        Where the curve is given.
    resamples, seed : int
        Of the patient-grouped bootstrap.
    """

    def points(weights: FloatArray) -> FloatArray:
        risks = [risk_at_coverage(confidence, correct, each, weights) for each in coverages]
        return np.stack([*risks, area_under_risk_coverage(confidence, correct, weights)], axis=-1)

    band = bootstrap_band(points, patients, resamples, seed)
    curve = Band(band.value[:-1], band.low[:-1], band.high[:-1], band.dropped[:-1])
    return RiskCoverage(tuple(coverages), curve, band.estimate(len(coverages)))


def _curve(
    confidence: FloatArray, correct: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share taken and error among them after each distinct confidence, each (..., steps)."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    taken = np.cumsum(weights[..., order], axis=-1)[..., ends]
    wrong = np.cumsum(weights[..., order] * ~correct[order], axis=-1)[..., ends]
    return ratio(taken, np.broadcast_to(taken[..., -1:], taken.shape)), ratio(wrong, taken)
