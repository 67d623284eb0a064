"""Prediction sets: the classes that stay possible, so that a stated share holds the truth.

Split conformal prediction with the least ambiguous sets (Sadinle, Lei, Wasserman 2019): a class is
in the set if its probability reaches one threshold, chosen on images that trained nothing. A
patient's images resemble each other, so the patient is what counts: each has the weight 1, shared
by the patient's images (hierarchical conformal prediction, Lee, Barber, Willett 2023). For one
image of a new patient of the same kind the set then holds the true class with at least the stated
probability. That is no promise for other hospitals, nor for each class by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pneumoscope.metrics.bootstrap import Estimate, bootstrap
from pneumoscope.metrics.classification import BoolArray, FloatArray, IntArray, ratio

# Sums of shares such as 1/3 + 1/3 + 1/3 fall a little short.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ConformalFigures:
    """How prediction sets fare on images that did not choose their threshold.

    Every patient counts once, as in the choice of the threshold.

    Attributes
    ----------
    coverage : Estimate
        Share of the sets that hold the true class, 0..1.
    by_label : mapping of str to Estimate
        The same, per true class that occurs.
    several : Estimate
        Share of the sets with more than one class, 0..1.
    below : Estimate
        Share of the images for which no class reaches the threshold, 0..1: their sets hold the most
        probable class alone.
    """

    coverage: Estimate
    by_label: Mapping[str, Estimate]
    several: Estimate
    below: Estimate


def patient_shares(patients: Sequence[str]) -> FloatArray:
    """Weigh images so that every patient counts once: 1 over the images of the patient."""
    _, owner, count = np.unique(
        np.asarray(patients, dtype=np.str_), return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / count[owner])


def patient_quantile(values: FloatArray, patients: Sequence[str], share: float) -> float:
    """Give the lowest value at or below which the stated share lies, every patient counting once.

    Parameters
    ----------
    values : ndarray of float, shape (images,)
        At least one.
    patients : sequence of str
        The patient of each image.
    share : float
        Above 0 and at most 1.

    Raises
    ------
    ValueError
        If there is no image, or the share is outside 0..1, or 0.
    """
    if values.size == 0 or not 0 < share <= 1:
        raise ValueError(f"no quantile of {values.size} values at {share}")
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(patient_shares(patients)[order])
    wanted = share * reached[-1] - _ROUNDING
    return float(values[order][np.searchsorted(reached, wanted)])


def least_probability(
    probability_of_truth: FloatArray, patients: Sequence[str], coverage: float
) -> float:
    """Choose the threshold of the prediction sets.

    Parameters
    ----------
    probability_of_truth : ndarray of float, shape (images,)
        What each image's true class was given, 0..1.
    patients : sequence of str
        The patient of each image.
    coverage : float
        The share of sets that are to hold the true class, between 0 and 1.

    Returns
    -------
    float
        0..1. 0, so that every class is in every set, where there are too few patients to promise
        the coverage: fewer than coverage / (1 - coverage).

    Raises
    ------
    ValueError
        If there is no image, or the coverage is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage {coverage} is not between 0 and 1")
    count = len(set(patients))
    # The patient to come is one more, of whom nothing is known yet.
    share = coverage * (count + 1) / count if count else coverage
    if share > 1 + _ROUNDING:
        return 0.0
    return -patient_quantile(-probability_of_truth, patients, min(share, 1.0))


def prediction_sets(probabilities: FloatArray, min_probability: float) -> BoolArray:
    """Tell which classes are in each image's set.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Calibrated.
    min_probability : float
        From `least_probability`.

    Returns
    -------
    ndarray of bool, shape (images, classes)
        The classes that reach the threshold, and always the most probable one.
    """
    sets = probabilities >= min_probability
    sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True
    return np.asarray(sets)


def measure_prediction_sets(
    probabilities: FloatArray,
    labels: IntArray,
    classes: Sequence[str],
    patients: Sequence[str],
    min_probability: float,
    resamples: int = 1000,
    seed: int = 42,
) -> ConformalFigures:
    """Measure prediction sets, with 95% intervals over the patients.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Calibrated, of the classes that are possible at all.
    labels : ndarray of int, shape (images,)
        True class indices.
    classes : sequence of str
        Their names.
    patients : sequence of str
        The patient of each image, at least one.
    min_probability : float
        From `least_probability`, chosen on other images.
    resamples, seed : int
        Of the patient-grouped bootstrap.
    """
    sets = prediction_sets(probabilities, min_probability)
    holds = sets[np.arange(len(labels)), labels]
    share = patient_shares(patients)

    def among(hits: BoolArray, chosen: BoolArray, weights: FloatArray) -> FloatArray:
        kept = weights * share * chosen
        return ratio(kept @ hits.astype(np.float64), kept.sum(axis=-1))

    everyone = np.ones(len(labels), dtype=np.bool_)
    present = [number for number in range(len(classes)) if (labels == number).any()]
    metrics = {
        "coverage": partial(among, holds, everyone),
        "several": partial(among, sets.sum(axis=1) > 1, everyone),
        "below": partial(among, probabilities.max(axis=1) < min_probability, everyone),
    }
    metrics |= {f"of {classes[n]}": partial(among, holds, labels == n) for n in present}
    found = bootstrap(metrics, patients, resamples, seed)
    by_label = {classes[n]: found[f"of {classes[n]}"] for n in present}
    return ConformalFigures(found["coverage"], by_label, found["several"], found["below"])
