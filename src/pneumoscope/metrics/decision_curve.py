"""Is it worth acting on the model? Net benefit over thresholds (Vickers and Elkin 2006).

The threshold at which one would act says how many needless actions one needed action is worth. The
net benefit is the share of needed actions, less the needless ones at that price, per image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumoscope.metrics.bootstrap import Band, bootstrap_band
from pneumoscope.metrics.classification import BoolArray, FloatArray, as_weights, ratio
from pneumoscope.metrics.json_numbers import numbers

THRESHOLDS = np.arange(1, 100) / 100


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCurve:
    """Net benefit of acting on the model, on everyone, or on no one (which is always 0).

    Attributes
    ----------
    threshold : ndarray of float64, shape (99,)
        0.01 to 0.99.
    model : Band
        Per image; at most the share of positive images, and below 0 where the model does harm.
    treat_all : ndarray of float64, shape (99,)
        When every image is called positive.
    """

    threshold: FloatArray
    model: Band
    treat_all: FloatArray

    def as_dict(self) -> dict[str, Any]:
        """Give the curve as plain JSON values."""
        return {
            "threshold": numbers(self.threshold),
            "net_benefit": numbers(self.model.value),
            "low": numbers(self.model.low),
            "high": numbers(self.model.high),
            "treat_all": numbers(self.treat_all),
        }


def net_benefit(
    probability: FloatArray,
    outcome: BoolArray,
    thresholds: FloatArray,
    weights: FloatArray | None = None,
) -> FloatArray:
    """TP / n - FP / n * t / (1 - t) when images of probability t or more are called positive.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Calibrated, 0..1.
    outcome : ndarray of bool, shape (images,)
        The truth.
    thresholds : ndarray of float, shape (thresholds,)
        Each t, 0 or more and below 1.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights.

    Returns
    -------
    ndarray of float64, shape (..., thresholds)
        NaN without images.
    """
    w = as_weights(weights, outcome.size)
    called = probability[:, None] >= thresholds
    worth = np.where(outcome[:, None], 1.0, -thresholds / (1 - thresholds)) * called
    gained = w @ worth
    return ratio(gained, np.broadcast_to(w.sum(axis=-1)[..., None], gained.shape))


def decision_curve(
    probability: FloatArray,
    outcome: BoolArray,
    patients: Sequence[str],
    resamples: int = 1000,
    seed: int = 42,
) -> DecisionCurve:
    """Net benefit at thresholds from 0.01 to 0.99, with 95% intervals over the patients.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Calibrated, 0..1.
    outcome : ndarray of bool, shape (images,)
        The truth.
    patients : sequence of str
        The patient of each image, at least one.
    resamples, seed : int
        Of the patient-grouped bootstrap.

    Returns
    -------
    DecisionCurve
    """
    band = bootstrap_band(
        lambda weights: net_benefit(probability, outcome, THRESHOLDS, weights),
        patients,
        resamples,
        seed,
    )
    everyone = net_benefit(np.ones(outcome.size), outcome, THRESHOLDS)
    return DecisionCurve(THRESHOLDS, band, everyone)
