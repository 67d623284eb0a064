"""Slope, intercept and temperature: the truth recovered, and scikit-learn's fit matched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit, logit, softmax
from sklearn.linear_model import LogisticRegression

from pneumoscope.metrics import (
    calibration_intercept,
    calibration_slope,
    fit_biased_temperature,
    fit_temperature,
)


def simulated(images, slope, intercept, seed=3):
    """Stated probabilities whose truth is known: logit P(outcome) = intercept + slope * logit."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.3, 1.5, images)
    return expit(x), rng.random(images) < expit(intercept + slope * x)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, 0.0), (1.8, -0.7)])
def test_known_miscalibration_is_recovered(slope, intercept):
    probability, outcome = simulated(40_000, slope, intercept)
    assert float(calibration_slope(probability, outcome)) == pytest.approx(slope, abs=0.06)
    if slope == 1.0:
        assert float(calibration_intercept(probability, outcome)) == pytest.approx(0, abs=0.05)


def test_a_constant_shift_is_the_intercept():
    probability, outcome = simulated(40_000, 1.0, -0.8)
    assert float(calibration_intercept(probability, outcome)) == pytest.approx(-0.8, abs=0.05)


def test_every_weighted_fit_matches_the_oracle():
    probability, outcome = simulated(300, 0.7, 0.4)
    weights = np.random.default_rng(1).poisson(1.0, (6, 300)).astype(float)
    slopes = calibration_slope(probability, outcome, weights)
    intercepts = calibration_intercept(probability, outcome, weights)
    x = logit(probability)
    for w, slope, intercept in zip(weights, slopes, intercepts, strict=True):
        oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        oracle.fit(x[:, None], outcome, sample_weight=w)
        assert slope == pytest.approx(oracle.coef_[0, 0], rel=1e-4)
        root = brentq(lambda a, w=w: np.sum(w * (outcome - expit(a + x))), -20, 20)
        assert intercept == pytest.approx(root, abs=1e-6)


def test_the_slope_is_the_maximum_of_the_likelihood_even_near_separation():
    x = np.r_[np.linspace(-6, -0.1, 200), 0.05, -0.05, np.linspace(0.1, 6, 200)]
    outcome = np.r_[np.zeros(200, bool), False, True, np.ones(200, bool)]
    slope = float(calibration_slope(expit(x), outcome))
    assert slope > 5
    intercept = brentq(lambda a: np.sum(outcome - expit(a + slope * x)), -50, 50)
    assert np.sum(x * (outcome - expit(intercept + slope * x))) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("probability", "outcome"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]),
        ([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1]),
        ([0.4, 0.4, 0.4], [0, 1, 1]),
        ([0.2, 0.7, 0.9], [1, 1, 1]),
        ([], []),
    ],
    ids=["separated", "reversed", "shared value", "one value", "one outcome", "empty"],
)
def test_a_slope_that_does_not_exist_is_nan(probability, outcome):
    assert np.isnan(calibration_slope(np.array(probability), np.array(outcome, dtype=bool)))


def test_only_the_separated_sets_are_nan():
    probability, outcome = np.array([0.2, 0.6, 0.4, 0.9]), np.array([False, False, True, True])
    weights = np.array([[1.0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 0]])
    assert np.isnan(calibration_slope(probability, outcome, weights)).tolist() == [0, 1, 1]
    assert np.isnan(calibration_intercept(probability, outcome, weights)).tolist() == [0, 0, 1]


def test_certain_probabilities_are_clipped():
    probability, outcome = np.array([0.0, 1.0, 0.0, 1.0]), np.array([True, False, False, True])
    assert float(calibration_slope(probability, outcome)) == pytest.approx(0, abs=1e-9)
    assert float(calibration_intercept(probability, outcome)) == pytest.approx(0, abs=1e-6)


def test_intercept_of_one_outcome_or_none_is_nan():
    for outcome in (np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)):
        assert np.isnan(calibration_intercept(np.full(outcome.size, 0.4), outcome))


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(ValueError, match="probability is outside"):
        calibration_slope(np.array([0.5, wrong]), np.array([True, False]))


@given(st.floats(0.2, 2.0), st.integers(0, 1000))
def test_scaled_logits_scale_the_slope(scale, seed):
    probability, outcome = simulated(60, 1.0, 0.0, seed)
    slope = float(calibration_slope(probability, outcome))
    scaled = float(calibration_slope(expit(logit(probability) * scale), outcome))
    np.testing.assert_allclose(scaled * scale, slope, rtol=1e-5)


def draws(images, temperature, classes=3, seed=5):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (images, classes))
    chosen = rng.random((images, 1)) > softmax(logits / temperature, axis=1).cumsum(axis=1)
    return logits, np.minimum(chosen.sum(axis=1), classes - 1)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_temperature_is_recovered(temperature):
    assert fit_temperature(*draws(20_000, temperature)) == pytest.approx(temperature, rel=0.05)


def test_temperature_follows_the_scale_of_the_logits():
    logits, labels = draws(500, 1.5)
    assert fit_temperature(3 * logits, labels) == pytest.approx(
        3 * fit_temperature(logits, labels), rel=1e-4
    )


def test_a_masked_class_is_as_if_it_were_not_there():
    logits, labels = draws(2_000, 1.7, classes=2)
    with_third = np.c_[logits, np.full(2_000, 9.0)]
    allowed = np.broadcast_to([True, True, False], with_third.shape)
    assert fit_temperature(with_third, labels, allowed) == pytest.approx(
        fit_temperature(logits, labels), rel=1e-6
    )


def test_weights_are_as_repeating_the_images():
    logits, labels = draws(400, 1.4)
    times = np.random.default_rng(2).integers(0, 4, 400)
    allowed = np.random.default_rng(3).random((400, 3)) < 0.8
    allowed[np.arange(400), labels] = True
    weighted = fit_temperature(logits, labels, allowed, times / 7)
    repeated = fit_temperature(
        logits.repeat(times, axis=0), labels.repeat(times), allowed.repeat(times, axis=0)
    )
    assert weighted == pytest.approx(repeated, rel=1e-5)
    assert weighted != pytest.approx(fit_temperature(logits, labels, allowed), rel=1e-3)


@pytest.mark.parametrize(
    "weights", [np.ones(3), np.ones((4, 1)), np.zeros(4), [1, 1, 1, -1], [1, 1, 1, np.nan]]
)
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(ValueError, match="weight"):
        fit_temperature(*draws(4, 1.0), weights=np.asarray(weights, dtype=np.float64))


def test_temperature_refuses_what_it_cannot_fit():
    logits, labels = draws(4, 1.0)
    with pytest.raises(ValueError, match="forbids the true class"):
        fit_temperature(logits, labels, np.zeros(logits.shape, dtype=bool))
    with pytest.raises(ValueError, match="mask of shape"):
        fit_temperature(logits, labels, np.ones((4, 2), dtype=bool))
    with pytest.raises(ValueError, match="labels of shape"):
        fit_temperature(logits[:0], labels[:0])
    with pytest.raises(ValueError, match="finite"):
        fit_temperature(np.full((4, 3), np.inf), labels)


def test_temperature_stays_in_its_range_when_every_image_is_right():
    assert fit_temperature(np.eye(3) * 5, np.arange(3)) == pytest.approx(0.05, rel=1e-3)


def biased_draws(images, temperature, biases, seed=6):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (images, len(biases)))
    shares = softmax(logits / temperature + biases, axis=1).cumsum(axis=1)
    chosen = (rng.random((images, 1)) > shares).sum(axis=1)
    return logits, np.minimum(chosen, len(biases) - 1)


@pytest.mark.parametrize("temperature", [0.6, 2.5])
@pytest.mark.parametrize("biases", [(0.0, -1.5, 0.8), (0.0, 2.0)])
def test_temperature_and_biases_are_recovered(temperature, biases):
    found, shifts = fit_biased_temperature(*biased_draws(40_000, temperature, np.array(biases)))
    assert found == pytest.approx(temperature, rel=0.05)
    assert shifts == pytest.approx(biases, abs=0.1)


def test_for_two_classes_it_is_platt_s_scaling():
    logits, labels = biased_draws(300, 1.6, np.array([0.0, 0.7]))
    weights = np.random.default_rng(4).uniform(0.1, 3, 300)
    temperature, biases = fit_biased_temperature(logits, labels, weights=weights)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    oracle.fit((logits[:, 1] - logits[:, 0])[:, None], labels, sample_weight=weights)
    assert 1 / temperature == pytest.approx(oracle.coef_[0, 0], rel=1e-4)
    assert biases[1] == pytest.approx(oracle.intercept_[0], abs=1e-4)


@given(st.integers(0, 50))
def test_nothing_nearby_is_more_likely(seed):
    rng = np.random.default_rng(seed)
    logits, labels = biased_draws(60, 1.3, np.array([0.0, 0.5, -0.5]), seed)
    allowed = rng.random(logits.shape) < 0.8
    allowed[np.arange(60), labels] = True
    weights = rng.random(60)

    def loss(temperature, biases):
        sums = np.where(allowed, logits / temperature + biases, -np.inf)
        each = -np.log(softmax(sums, axis=1)[np.arange(60), labels])
        return np.average(each, weights=weights)

    temperature, biases = fit_biased_temperature(logits, labels, allowed, weights)
    best = loss(temperature, biases)
    for change in rng.normal(0, 0.05, (20, 4)):
        moved = biases + np.r_[0, change[1:3]]
        assert best <= loss(temperature * np.exp(change[3]), moved) + 1e-9


def test_a_class_without_an_image_gets_the_lowest_bias():
    logits, labels = biased_draws(200, 1.0, np.array([0.0, 0.0]))
    with_third = np.c_[logits, np.zeros(200)]
    assert fit_biased_temperature(with_third, labels)[1][2] == pytest.approx(-10)


def test_biases_refuse_what_the_temperature_refuses():
    logits, labels = draws(4, 1.0)
    with pytest.raises(ValueError, match="forbids the true class"):
        fit_biased_temperature(logits, labels, np.zeros(logits.shape, dtype=bool))
    with pytest.raises(ValueError, match="weight"):
        fit_biased_temperature(logits, labels, weights=np.zeros(4))
