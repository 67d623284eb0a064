"""Ways to mend probabilities, compared on patients that did not fit them.

Temperature scaling (Guo 2017) and the same with biases (Alexandari 2020) are what a bundle can
hold. Isotonic regression (Zadrozny, Elkan 2002) and beta calibration (Kull 2017), each class
against the rest and scaled to sum to 1, stand beside them: they show what richer forms would gain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, softmax

from pneumoscope.metrics.bootstrap import Estimate, bootstrap
from pneumoscope.metrics.calibration import (
    PROBABILITY_FLOOR,
    fit_biased_temperature,
    fit_temperature,
)
from pneumoscope.metrics.classification import BoolArray, FloatArray, IntArray

TEMPERATURE, BIASED, ISOTONIC, BETA = "temperature", "temperature and biases", "isotonic", "beta"
FOLDS = 5

# Bounds of beta calibration's numbers: without them separable outcomes have no best ones.
_MOST = 20.0

# From logits (images, classes) and the mask of their allowed classes to probabilities.
_Calibrator = Callable[[FloatArray, BoolArray], FloatArray]
# From the probability of one class, its truth and weights to a map of such probabilities.
_OneVsRest = Callable[[FloatArray, BoolArray, FloatArray], Callable[[FloatArray], FloatArray]]


@dataclass(frozen=True, slots=True)
class CalibratorLoss:
    """How one way fares on patients that it was not fitted on.

    Attributes
    ----------
    loss : Estimate
        Mean negative log-likelihood of the true class, natural log, 0 or more.
    over_temperature : Estimate
        The same minus that of temperature scaling alone, paired; below 0 is better.
    """

    loss: Estimate
    over_temperature: Estimate


def compare_calibrators(
    logits: FloatArray,
    labels: IntArray,
    patients: Sequence[str],
    *,
    allowed: BoolArray | None = None,
    weights: FloatArray | None = None,
    folds: int = FOLDS,
    resamples: int = 1000,
    seed: int = 42,
) -> dict[str, CalibratorLoss]:
    """Compare the ways by cross-fitting: each patient is judged by a fit on the other folds.

    Parameters
    ----------
    logits : ndarray of float, shape (images, classes)
        Unnormalised scores, natural log scale, finite.
    labels : ndarray of int, shape (images,)
        True class indices.
    patients : sequence of str
        The patient of each image; at least two.
    allowed : ndarray of bool, shape (images, classes), optional
        Classes possible for each image; see `fit_temperature`.
    weights : ndarray of float, shape (images,), optional
        How much each image counts, in the fits and in the loss.
    folds : int
        At least 2; with fewer patients, one fold per patient. Patients of every class are dealt to
        all folds alike.
    resamples, seed : int
        Of the draw of the folds and the patient-grouped bootstrap. The intervals are over the
        patients, not over other fits.

    Returns
    -------
    dict of str to CalibratorLoss
        By name: `TEMPERATURE`, `BIASED`, `ISOTONIC`, `BETA`.

    Raises
    ------
    ValueError
        Fewer than two patients, or see `fit_temperature`.
    """
    share = np.ones(labels.size) if weights is None else weights
    losses = {
        name: held_out_losses(
            name,
            logits,
            labels,
            patients,
            allowed=allowed,
            weights=share,
            folds=folds,
            seed=seed,
        )
        for name in _WAYS
    }
    return _estimates(losses, share, patients, resamples, seed)


def held_out_losses(
    way: str,
    logits: FloatArray,
    labels: IntArray,
    patients: Sequence[str],
    *,
    allowed: BoolArray | None = None,
    weights: FloatArray | None = None,
    fitted: BoolArray | None = None,
    folds: int = FOLDS,
    seed: int = 42,
) -> FloatArray:
    """Loss of each image, by a fit on the patients of the other folds.

    Parameters
    ----------
    way : str
        One of `TEMPERATURE`, `BIASED`, `ISOTONIC`, `BETA`.
    logits, labels, patients, allowed, weights, folds, seed
        As for `compare_calibrators`; the same seed deals the same folds.
    fitted : ndarray of bool, shape (images,), optional
        The images that may be fitted on, such as those of one view; by default all.

    Returns
    -------
    ndarray of float64, shape (images,)
        Negative log-likelihood of the true class, natural log, 0 or more.

    Raises
    ------
    ValueError
        Fewer than two patients, no image to fit on, or see `fit_temperature`.
    """
    mask = np.ones(logits.shape, dtype=np.bool_) if allowed is None else allowed
    share = np.ones(labels.size) if weights is None else weights
    usable = np.ones(labels.size, dtype=np.bool_) if fitted is None else fitted
    fold = _folds(labels, patients, folds, seed)
    losses = np.empty(labels.size)
    for number in range(fold.max() + 1):
        held, used = fold == number, usable & (fold != number)
        calibrate = _WAYS[way](logits[used], labels[used], mask[used], share[used])
        given = calibrate(logits[held], mask[held])
        true = given[np.arange(held.sum()), labels[held]]
        losses[held] = -np.log(np.maximum(true, np.finfo(np.float64).tiny))
    return losses


def _estimates(
    losses: Mapping[str, FloatArray],
    share: FloatArray,
    patients: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, CalibratorLoss]:
    def mean(values: FloatArray, weights: FloatArray) -> FloatArray:
        kept = weights * share
        return np.asarray(kept @ values / kept.sum(axis=-1))

    plain = losses[TEMPERATURE]
    metrics = {name: partial(mean, each) for name, each in losses.items()}
    metrics |= {f"{name} -": partial(mean, each - plain) for name, each in losses.items()}
    found = bootstrap(metrics, patients, resamples, seed)
    return {name: CalibratorLoss(found[name], found[f"{name} -"]) for name in losses}


def _folds(labels: IntArray, patients: Sequence[str], folds: int, seed: int) -> IntArray:
    """Deal the patients to folds, those of each class after the other."""
    unique, first, owner = np.unique(
        np.asarray(patients, dtype=np.str_), return_index=True, return_inverse=True
    )
    if len(unique) < 2 or folds < 2:
        raise ValueError(f"{len(unique)} patients cannot be dealt to {folds} folds")
    drawn = np.random.default_rng(seed).permutation(len(unique))
    drawn = drawn[np.argsort(labels[first][drawn], kind="stable")]
    dealt = np.empty(len(unique), dtype=np.intp)
    dealt[drawn] = np.arange(len(unique)) % min(folds, len(unique))
    return np.asarray(dealt[owner])


def _softmax(logits: FloatArray, allowed: BoolArray) -> FloatArray:
    return np.asarray(softmax(np.where(allowed, logits, -np.inf), axis=1))


def _temperature(
    logits: FloatArray, labels: IntArray, allowed: BoolArray, weights: FloatArray
) -> _Calibrator:
    temperature = fit_temperature(logits, labels, allowed, weights)
    return lambda others, mask: _softmax(others / temperature, mask)


def _biased(
    logits: FloatArray, labels: IntArray, allowed: BoolArray, weights: FloatArray
) -> _Calibrator:
    temperature, biases = fit_biased_temperature(logits, labels, allowed, weights)
    return lambda others, mask: _softmax(others / temperature + biases, mask)


def _one_vs_rest(
    fit: _OneVsRest, logits: FloatArray, labels: IntArray, allowed: BoolArray, weights: FloatArray
) -> _Calibrator:
    """Mend each class by itself, on the images that it is possible for, and scale the sum to 1."""
    stated = _softmax(logits, allowed)
    maps = []
    for number in range(logits.shape[1]):
        rows = allowed[:, number] & (weights > 0)
        if not rows.any():
            raise ValueError(f"no image tells of class {number}: leave it out")
        maps.append(fit(stated[rows, number], labels[rows] == number, weights[rows]))

    def calibrate(others: FloatArray, mask: BoolArray) -> FloatArray:
        given = _softmax(others, mask)
        each = np.stack([mend(given[:, n]) for n, mend in enumerate(maps)], axis=1) * mask
        return np.asarray(each / each.sum(axis=1, keepdims=True))

    return calibrate


def _isotonic(
    stated: FloatArray, outcome: BoolArray, weights: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """Steps that never fall, joined by straight lines."""
    values, place = np.unique(stated, return_inverse=True)
    total = np.bincount(place, weights)
    steps = isotonic_regression(np.bincount(place, weights * outcome) / total, weights=total).x
    # Laplace's rule: a step of 0 would forbid what a finite sample merely did not show.
    floor = 1 / (stated.size + 2)
    return lambda given: np.clip(np.interp(given, values, steps), floor, 1 - floor)


def _beta(
    stated: FloatArray, outcome: BoolArray, weights: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """Logistic regression on ln p and -ln(1 - p), neither with a negative slope."""

    def terms(given: FloatArray) -> FloatArray:
        p = np.clip(given, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
        return np.stack([np.log(p), -np.log1p(-p), np.ones_like(p)], axis=1)

    x, share = terms(stated), weights / weights.sum()

    def loss(numbers: FloatArray) -> tuple[float, FloatArray]:
        z = x @ numbers
        value = share @ (np.logaddexp(0, z) - outcome * z)
        return float(value), (share * (expit(z) - outcome)) @ x

    best = minimize(
        loss,
        np.array([1.0, 1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, _MOST), (0, _MOST), (-_MOST, _MOST)],
    )
    return lambda given: np.asarray(expit(terms(given) @ best.x))


_WAYS: Mapping[str, Callable[[FloatArray, IntArray, BoolArray, FloatArray], _Calibrator]] = {
    TEMPERATURE: _temperature,
    BIASED: _biased,
    ISOTONIC: partial(_one_vs_rest, _isotonic),
    BETA: partial(_one_vs_rest, _beta),
}
