"""Reliability: bins, intervals, O:E, and an ECE that knows what chance alone gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pneumoscope.metrics import observed_to_expected, quantile_bins, reliability_curve
from pneumoscope.metrics.reliability import wilson_interval


def each(images):
    return [str(i) for i in range(images)]


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=1))
def test_bins_are_in_order_none_is_empty_and_equals_share_one(values):
    probability = np.array(values)
    place = quantile_bins(probability)
    assert set(place) == set(range(place.max() + 1))
    assert place.max() < 10
    order = np.argsort(probability, kind="stable")
    assert (np.diff(place[order]) >= 0).all()
    for value in set(values):
        assert len(set(place[probability == value])) == 1


def test_bins_of_many_distinct_probabilities_are_equally_full():
    counts = np.bincount(quantile_bins(np.random.default_rng(0).random(1000)))
    assert counts.tolist() == [100] * 10


def test_wilson_matches_scipy_and_has_width_at_the_ends():
    for hits, n in [(0, 7), (7, 7), (3, 10), (250, 1000)]:
        expected = binomtest(hits, n).proportion_ci(method="wilson")
        low, high = wilson_interval(np.array([hits / n]), np.array([float(n)]))
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))
    assert wilson_interval(np.array([0.0]), np.array([10.0]))[1][0] > 0.1


def test_the_curve_is_that_of_a_slow_loop():
    rng = np.random.default_rng(1)
    probability = rng.random(333)
    outcome = rng.random(333) < probability**2
    curve = reliability_curve(probability, outcome, each(333), simulations=10)
    place, error = quantile_bins(probability), 0.0
    for index in range(place.max() + 1):
        mine = place == index
        assert curve.count[index] == mine.sum()
        assert curve.stated[index] == pytest.approx(probability[mine].mean())
        assert curve.observed[index] == pytest.approx(outcome[mine].mean())
        error += mine.mean() * abs(outcome[mine].mean() - probability[mine].mean())
    assert curve.ece == pytest.approx(error)
    assert curve.positives.sum() == outcome.sum()
    assert curve.others.sum() == (~outcome).sum()


def test_a_calibrated_model_has_the_error_that_chance_gives_and_another_more():
    rng = np.random.default_rng(2)
    probability = rng.random(2000)
    inside = [
        (curve := reliability_curve(probability, rng.random(2000) < probability, each(2000), 100))
        and curve.ece <= curve.ece_calibrated_high
        for _ in range(20)
    ]
    assert sum(inside) >= 15
    wrong = reliability_curve(probability, rng.random(2000) < probability**3, each(2000), 100)
    assert wrong.ece > 3 * wrong.ece_calibrated_high
    few = reliability_curve(probability[:50], rng.random(50) < probability[:50], each(50), 100)
    assert few.ece_calibrated > 2 * wrong.ece_calibrated > 0


def test_the_same_seed_gives_the_same_and_more_images_of_a_patient_no_certainty():
    rng = np.random.default_rng(4)
    probability = rng.random(200)
    outcome = rng.random(200) < probability
    one, two = (reliability_curve(probability, outcome, each(200), seed=9) for _ in range(2))
    assert one.as_dict() == two.as_dict()
    thrice = reliability_curve(
        np.repeat(probability, 3), np.repeat(outcome, 3), [str(i // 3) for i in range(600)]
    )
    np.testing.assert_allclose(thrice.low, one.low)
    np.testing.assert_allclose(thrice.high, one.high)


def test_observed_to_expected():
    probability, outcome = np.array([0.5, 0.25, 0.25]), np.array([True, True, False])
    assert observed_to_expected(probability, outcome) == 2
    weights = np.array([[1.0, 0, 0], [0, 0, 2.0]])
    assert observed_to_expected(probability, outcome, weights).tolist() == [2, 0]
    assert np.isnan(observed_to_expected(np.zeros(3), outcome))


def test_a_patient_with_many_images_does_not_narrow_the_interval():
    # One patient with 30 images of one outcome beside 60 single ones: worth 90^2 / (30^2 + 60).
    patients = ["many"] * 30 + [f"p{number}" for number in range(60)]
    outcome = np.array([True] * 30 + [False, True] * 30)
    curve = reliability_curve(np.full(90, 0.5), outcome, patients, simulations=10)
    low, high = wilson_interval(np.array([60 / 90]), np.array([90**2 / 960]))
    assert curve.low == pytest.approx(low)
    assert curve.high == pytest.approx(high)


def test_outcomes_of_a_patient_are_drawn_together():
    probability = np.repeat(np.random.default_rng(3).random(100), 4)
    patients = [str(number) for number in np.repeat(np.arange(100), 4)]
    outcome = np.repeat(np.random.default_rng(4).random(100), 4) < probability
    grouped = reliability_curve(probability, outcome, patients)
    single = reliability_curve(probability, outcome, each(400))
    assert grouped.ece_calibrated > 1.5 * single.ece_calibrated
