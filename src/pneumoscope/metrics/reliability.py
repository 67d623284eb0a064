"""Does 0.8 mean 0.8? The reliability curve, observed to expected, and an honest ECE.

The expected calibration error of a perfectly calibrated model is not 0 on a finite sample, since
shares scatter in every bin. It is therefore never given without what perfect calibration would
give on as many images with the same probabilities (Vaicenavicius et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumoscope.metrics.classification import (
    BoolArray,
    FloatArray,
    IntArray,
    as_weights,
    ratio,
)
from pneumoscope.metrics.json_numbers import number

BINS = 10
HISTOGRAM_BINS = 20

_IMAGES_PER_BIN = 10
_Z = 1.959963984540054  # 97.5th percentile of the standard normal distribution
_CELLS = 1_000_000  # random numbers drawn at once: bounds the memory


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Stated probability against observed share, in bins of about as many images each.

    Attributes
    ----------
    stated, observed : ndarray of float64, shape (bins,)
        Mean stated probability and share of positive images, 0..1.
    low, high : ndarray of float64, shape (bins,)
        95% interval of `observed`: Wilson's, its n the bin's effective number of patients.
    count : ndarray of int, shape (bins,)
        Images.
    ece : float
        Expected calibration error over these bins, 0..1.
    ece_calibrated, ece_calibrated_high : float
        Mean and 95th percentile of what it would be under perfect calibration.
    positives, others : ndarray of int, shape (20,)
        Histogram of the stated probabilities in steps of 0.05.
    """

    stated: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    count: IntArray
    ece: float
    ece_calibrated: float
    ece_calibrated_high: float
    positives: IntArray
    others: IntArray

    def as_dict(self) -> dict[str, Any]:
        """Give the curve as plain JSON values."""
        return {
            "bins": [
                {
                    "stated": number(self.stated[index]),
                    "observed": number(self.observed[index]),
                    "ci95": [number(self.low[index]), number(self.high[index])],
                    "count": int(self.count[index]),
                }
                for index in range(self.count.size)
            ],
            "ece": {
                "value": self.ece,
                "if_calibrated": self.ece_calibrated,
                "if_calibrated_p95": self.ece_calibrated_high,
            },
            "histogram": {"positives": self.positives.tolist(), "others": self.others.tolist()},
        }


def observed_to_expected(
    probability: FloatArray, outcome: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """O:E ratio: positive images over the sum of the stated probabilities.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Stated probability of the outcome, 0..1.
    outcome : ndarray of bool, shape (images,)
        Whether it came true.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights.

    Returns
    -------
    ndarray of float64, shape (...)
        0 or more; 1 is right, above 1 means probabilities that are too low on the whole. NaN where
        all probabilities are 0.
    """
    w = as_weights(weights, outcome.size)
    return ratio(w @ outcome.astype(np.float64), w @ probability)


def quantile_bins(probability: FloatArray, bins: int = BINS) -> IntArray:
    """Sort images into bins of about as many each; equal probabilities share a bin.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        At least one.
    bins : int
        At most so many; fewer where a bin would hold fewer than 10 images.

    Returns
    -------
    ndarray of int, shape (images,)
        The bin of each image, from 0, rising with the probability; none is empty.
    """
    wanted = int(np.clip(probability.size // _IMAGES_PER_BIN, 1, bins))
    edges = np.unique(np.quantile(probability, np.arange(1, wanted) / wanted))
    place = np.searchsorted(edges, probability, side="right")
    return np.unique(place, return_inverse=True)[1]


def reliability_curve(
    probability: FloatArray,
    outcome: BoolArray,
    patients: Sequence[str],
    simulations: int = 1000,
    seed: int = 42,
) -> Reliability:
    """Compare the stated probability with the observed share, bin by bin.

    A bin's interval is Wilson's (1927). Its n is the effective number of patients (Kish 1965), the
    square of the sum of their images over the sum of squares: a further image of a patient adds no
    certainty, and a patient with many images counts for less than as many patients. A bootstrap
    would have no width where a bin holds one outcome only.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Stated probability of the outcome, 0..1; at least one image.
    outcome : ndarray of bool, shape (images,)
        Whether it came true.
    patients : sequence of str
        The patient of each image.
    simulations : int
        How many times outcomes are drawn from the probabilities (together for a patient's images)
        for the error under perfect calibration, 1 or more.
    seed : int
        Of these draws.

    Returns
    -------
    Reliability
    """
    place = quantile_bins(probability)
    members = (place[:, None] == np.arange(place.max() + 1)).astype(np.float64)
    count = members.sum(axis=0)
    stated, observed = (probability @ members) / count, (outcome @ members) / count
    owner = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)[1]
    shares, images = np.unique(np.stack([place, owner]), axis=1, return_counts=True)
    effective = count**2 / np.bincount(shares[0], images.astype(np.float64) ** 2)
    low, high = wilson_interval(observed, effective)
    chance = _calibrated_errors(probability, members, owner, simulations, seed)
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    return Reliability(
        stated,
        observed,
        low,
        high,
        count.astype(np.intp),
        float(_calibration_error(outcome.astype(np.float64), probability, members)),
        float(chance.mean()),
        float(np.quantile(chance, 0.95)),
        np.histogram(probability[outcome], edges)[0],
        np.histogram(probability[~outcome], edges)[0],
    )


def wilson_interval(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """95% score interval of a share (Wilson 1927), 0..1, for n above 0, elementwise."""
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    # At 0 and at 1 the ends are these numbers, but for rounding.
    return np.clip(centre - reach, 0, share), np.clip(centre + reach, share, 1)


def _calibration_error(
    outcome: FloatArray, probability: FloatArray, members: FloatArray
) -> FloatArray:
    """Mean over the images of their bin's distance; `outcome` of shape (..., images)."""
    return np.asarray(abs((outcome - probability) @ members).sum(axis=-1) / probability.size)


def _calibrated_errors(
    probability: FloatArray, members: FloatArray, owner: IntArray, simulations: int, seed: int
) -> FloatArray:
    """Errors of outcomes drawn from the probabilities, one draw for all images of a patient."""
    generator, block = np.random.default_rng(seed), max(1, _CELLS // probability.size)
    errors = []
    for start in range(0, simulations, block):
        rows = min(block, simulations - start)
        drawn = generator.random((rows, owner.max() + 1))[:, owner] < probability
        errors.append(_calibration_error(drawn.astype(np.float64), probability, members))
    return np.concatenate(errors)
