"""How far stated probabilities can be trusted, and the few numbers that mend most of them.

Logistic recalibration after Cox (1958), read as Van Calster et al. (2019, "Calibration: the
Achilles heel of predictive analytics") advise. Perfect calibration has slope 1 and intercept 0; a
slope below 1 means probabilities that are too extreme, an intercept below 0 means probabilities
that are too high on the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit, logsumexp, softmax

from pneumoscope.metrics.classification import BoolArray, FloatArray, IntArray, as_weights

PROBABILITY_FLOOR = 1e-6
TEMPERATURE_RANGE = (0.05, 20.0)
BIAS_RANGE = (-10.0, 10.0)

_MAX_STEPS = 100
_TOLERANCE = 1e-8

# From weighted residuals and curvatures, both (sets, images), to a Newton step (sets, 2) of the
# intercept and the slope.
_Step = Callable[[FloatArray, FloatArray], FloatArray]


def calibration_slope(
    probability: FloatArray, outcome: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """Cox's calibration slope: b of logit P(outcome) = a + b logit(probability).

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Stated probability of the outcome, 0..1; clipped to 1e-6..1 - 1e-6 before the logit.
    outcome : ndarray of bool, shape (images,)
        Whether it came true.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights, all fitted at once.

    Returns
    -------
    ndarray of float64, shape (...)
        NaN where the maximum-likelihood slope does not exist: only one outcome, or outcomes that
        the probability separates (wholly, or but for one shared value).

    Raises
    ------
    ValueError
        If a probability is outside 0..1.
    """
    x = _logit(probability)
    w = as_weights(weights, x.size)
    slopes = np.full(w.shape[:-1], np.nan)
    if not _overlap(x, outcome, np.ones((1, x.size))).any():
        return slopes
    # The slope does not depend on where x is zero; a centred x keeps the 2 x 2 system well posed.
    x = x - x.mean()

    def step(residual: FloatArray, curvature: FloatArray) -> FloatArray:
        h00, h01, h11 = curvature.sum(axis=1), curvature @ x, curvature @ (x * x)
        g0, g1 = residual.sum(axis=1), residual @ x
        with np.errstate(divide="ignore", invalid="ignore"):
            determinant = h00 * h11 - h01 * h01
            a, b = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        return np.stack([a, b], axis=1)

    rows = w.reshape(-1, x.size)
    fitted = _overlap(x, outcome, rows)
    start = _newton(x, outcome, np.ones((1, x.size)), np.zeros(2), step)[0]
    slopes.reshape(-1)[fitted] = _newton(x, outcome, rows[fitted], start, step)[:, 1]
    return slopes


def calibration_intercept(
    probability: FloatArray, outcome: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """Calibration in the large: a of logit P(outcome) = a + logit(probability), slope held at 1.

    Parameters
    ----------
    probability : ndarray of float, shape (images,)
        Stated probability of the outcome, 0..1; clipped to 1e-6..1 - 1e-6 before the logit.
    outcome : ndarray of bool, shape (images,)
        Whether it came true.
    weights : ndarray of shape (..., images), optional
        One or more sets of weights, all fitted at once.

    Returns
    -------
    ndarray of float64, shape (...)
        On the logit scale (natural log); NaN where only one outcome occurs.

    Raises
    ------
    ValueError
        If a probability is outside 0..1.
    """
    x = _logit(probability)
    w = as_weights(weights, x.size)
    intercepts = np.full(w.shape[:-1], np.nan)
    if outcome.all() or not outcome.any():
        return intercepts

    def step(residual: FloatArray, curvature: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            move = residual.sum(axis=1) / curvature.sum(axis=1)
        return np.stack([move, np.zeros_like(move)], axis=1)

    rows = w.reshape(-1, x.size)
    fitted = (rows @ outcome > 0) & (rows @ ~outcome > 0)
    intercepts.reshape(-1)[fitted] = _newton(x, outcome, rows[fitted], np.array([0.0, 1.0]), step)[
        :, 0
    ]
    return intercepts


def fit_temperature(
    logits: FloatArray,
    labels: IntArray,
    allowed: BoolArray | None = None,
    weights: FloatArray | None = None,
) -> float:
    """Temperature that makes softmax(logits / temperature) most likely (Guo et al. 2017).

    Parameters
    ----------
    logits : ndarray of float, shape (images, classes)
        Unnormalised scores, natural log scale, finite.
    labels : ndarray of int, shape (images,)
        True class indices.
    allowed : ndarray of bool, shape (images, classes), optional
        Classes possible for each image, such as those that its data set labels at all; the others
        are left out of its softmax.
    weights : ndarray of float, shape (images,), optional
        How much each image counts, 0 or more and not all 0; equally by default. With the inverse of
        its source's size for each image, sources of unequal size count the same.

    Returns
    -------
    float
        Within 0.05..20; an optimum outside (every image right, or the logits worthless) gives the
        nearer bound.

    Raises
    ------
    ValueError
        If there is no image, a logit is not finite, the shapes differ, an image's own class is not
        allowed, or the weights are not as said.
    """
    lead = _leads(logits, labels, _checked(logits, labels, allowed, weights))

    def loss(log_temperature: float) -> float:
        # log(1 + sum over the other classes): exact where every image is right and the loss tiny.
        others = logsumexp(lead * np.exp(-log_temperature), axis=1)
        return float(np.average(np.logaddexp(0, others), weights=weights))

    low, high = np.log(TEMPERATURE_RANGE)
    best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(best.x))


def fit_biased_temperature(
    logits: FloatArray,
    labels: IntArray,
    allowed: BoolArray | None = None,
    weights: FloatArray | None = None,
) -> tuple[float, FloatArray]:
    """Temperature and biases that make softmax(logits / temperature + biases) most likely.

    Bias-corrected temperature scaling (Alexandari, Kundaje, Shrikumar 2020, "Maximum likelihood
    with bias-corrected calibration is hard-to-beat at label shift adaptation"). For two classes it
    is Platt's scaling of the difference of the logits.

    Parameters
    ----------
    logits, labels, allowed, weights
        As for `fit_temperature`.

    Returns
    -------
    temperature : float
        Within 0.05..20.
    biases : ndarray of float64, shape (classes,)
        Natural log scale, that of the first class 0, the others within -10..10. Where nothing holds
        them (a class without an image), they reach the nearer bound.

    Raises
    ------
    ValueError
        As `fit_temperature` does.
    """
    mask = _checked(logits, labels, allowed, weights)
    own = np.arange(labels.size), labels
    share = np.ones(labels.size) if weights is None else np.asarray(weights, dtype=np.float64)
    share = share / share.sum()
    # Centred and scaled, so that inverse temperature and biases are of one size for the search.
    scores = np.asarray(logits - logits.mean(axis=1, keepdims=True), dtype=np.float64)
    unit = float(scores.std()) or 1.0
    scores = scores / unit

    def loss(numbers: FloatArray) -> tuple[float, FloatArray]:
        biases = np.concatenate([[0.0], numbers[1:]])
        sums = np.where(mask, numbers[0] * scores + biases, -np.inf)
        surplus = softmax(sums, axis=1)
        value = share @ (logsumexp(sums, axis=1) - sums[own])
        surplus[own] -= 1
        gradient = share @ surplus
        return float(value), np.concatenate(
            [[share @ (surplus * scores).sum(axis=1)], gradient[1:]]
        )

    low, high = (unit / temperature for temperature in reversed(TEMPERATURE_RANGE))
    others = logits.shape[1] - 1
    best = minimize(
        loss,
        np.concatenate([[np.clip(unit, low, high)], np.zeros(others)]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, high), *[BIAS_RANGE] * others],
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000},
    )
    return float(unit / best.x[0]), np.concatenate([[0.0], best.x[1:]])


def _checked(
    logits: FloatArray, labels: IntArray, allowed: BoolArray | None, weights: FloatArray | None
) -> BoolArray:
    """Refuse what cannot be fitted; give the mask of the allowed classes."""
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or labels.size == 0:
        raise ValueError(f"logits of shape {logits.shape} for labels of shape {labels.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("a logit is not a finite number")
    if weights is not None:
        _check_weights(weights, labels.size)
    if allowed is None:
        return np.ones(logits.shape, dtype=np.bool_)
    if allowed.shape != logits.shape:
        raise ValueError(f"a mask of shape {allowed.shape} for logits of {logits.shape}")
    if not allowed[np.arange(labels.size), labels].all():
        raise ValueError("the mask forbids the true class of an image")
    return allowed


def _check_weights(weights: FloatArray, images: int) -> None:
    if weights.shape != (images,):
        raise ValueError(f"weights of shape {weights.shape} for {images} images")
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise ValueError("a weight is negative or not finite, or all are 0")


def _leads(logits: FloatArray, labels: IntArray, allowed: BoolArray) -> FloatArray:
    """How far each other allowed class lies above the true one; -inf for all that do not count."""
    own = np.arange(labels.size), labels
    masked = np.where(allowed, np.asarray(logits, dtype=np.float64), -np.inf)
    lead: FloatArray = masked - masked[own][:, None]
    lead[own] = -np.inf
    return lead


def _logit(probability: FloatArray) -> FloatArray:
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a probability is outside 0..1")
    bounded: FloatArray = logit(np.clip(probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR))
    return bounded


def _overlap(x: FloatArray, outcome: BoolArray, weights: FloatArray) -> BoolArray:
    """Whether the outcomes' ranges of x overlap in each set: if not, no finite slope fits best."""
    if x.size == 0:
        return np.zeros(len(weights), dtype=np.bool_)
    counted = weights > 0
    lowest = [np.where(counted & side, x, np.inf).min(axis=1) for side in (outcome, ~outcome)]
    highest = [np.where(counted & side, x, -np.inf).max(axis=1) for side in (outcome, ~outcome)]
    both = np.isfinite(lowest[0]) & np.isfinite(lowest[1])
    return np.asarray(both & (highest[1] > lowest[0]) & (highest[0] > lowest[1]))


def _newton(
    x: FloatArray, outcome: BoolArray, weights: FloatArray, start: FloatArray, step: _Step
) -> FloatArray:
    """Fit intercept and slope for each set of weights by damped Newton steps.

    The damping log(1 + r) / r, with r the largest change of any logit, makes every step raise the
    likelihood, and fades near the optimum (Sun and Tran-Dinh 2019, generalised self-concordance).

    Returns
    -------
    ndarray of float64, shape (sets, 2)
        NaN where the steps break down or do not converge.
    """
    fit = np.full((len(weights), 2), np.nan)
    current, active = np.tile(start, (len(weights), 1)), np.arange(len(weights))
    for _ in range(_MAX_STEPS):
        if active.size == 0:
            break
        p = expit(current[:, :1] + current[:, 1:] * x)
        w = weights if active.size == len(weights) else weights[active]
        move = step(w * (outcome - p), w * (p * (1 - p)))
        reach = np.maximum(
            np.abs(move[:, 0] + move[:, 1] * x.min()), np.abs(move[:, 0] + move[:, 1] * x.max())
        )
        reach = np.maximum(reach, np.finfo(np.float64).tiny)
        current = current + move * (np.log1p(reach) / reach)[:, None]
        fit[active[reach < _TOLERANCE]] = current[reach < _TOLERANCE]
        going = (reach >= _TOLERANCE) & np.isfinite(reach)
        current, active = current[going], active[going]
    return fit
