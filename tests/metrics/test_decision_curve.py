"""Net benefit against a plain loop, and what must hold at its ends."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.metrics import decision_curve, net_benefit


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    probability = np.round(rng.random(150), 2)
    return probability, rng.random(150) < probability


def test_net_benefit_is_that_of_a_slow_loop(data):
    probability, outcome = data
    weights = np.random.default_rng(1).poisson(1.0, (4, 150)).astype(float)
    thresholds = np.array([0.0, 0.05, 0.5, 0.93])
    ours = net_benefit(probability, outcome, thresholds, weights)
    for row, w in zip(ours, weights, strict=True):
        for value, t in zip(row, thresholds, strict=True):
            called = probability >= t
            hits, alarms = w[called & outcome].sum(), w[called & ~outcome].sum()
            assert value == pytest.approx((hits - alarms * t / (1 - t)) / w.sum())


def test_the_curve_lies_between_its_intervals_and_below_the_share_of_positives(data):
    probability, outcome = data
    curve = decision_curve(probability, outcome, [str(i) for i in range(150)], resamples=200)
    assert (curve.model.value <= outcome.mean()).all()
    assert (curve.model.low <= curve.model.value).all()
    assert (curve.model.value <= curve.model.high).all()
    # Acting on everyone breaks even where the threshold is the share of positives.
    gain = np.interp(outcome.mean(), curve.threshold, curve.treat_all)
    assert gain == pytest.approx(0, abs=2e-3)
    # A calibrated model is at least as good as both, but for chance.
    assert (curve.model.value[:90] >= np.maximum(curve.treat_all, 0)[:90] - 0.02).all()


def test_no_image_has_no_benefit():
    assert np.isnan(net_benefit(np.empty(0), np.empty(0, bool), np.array([0.5]))).all()
