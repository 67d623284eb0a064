"""ROC and precision-recall curves against scikit-learn, with ties, weights and few images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from pneumoscope.metrics import average_precision, precision_recall_curve, roc_curve
from pneumoscope.metrics.curves import GRID, MAX_POINTS, thin


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def scored(rng, images=200, levels=30):
    positive = rng.random(images) < 0.4
    return np.round(rng.normal(positive, 1) * levels / 6) / levels, positive


def each(images):
    return [str(i) for i in range(images)]


def test_average_precision_matches_the_oracle_with_ties_and_weights(rng):
    scores, positive = scored(rng)
    weights = rng.poisson(1.0, (6, 200)).astype(float)
    expected = [sk.average_precision_score(positive, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(average_precision(scores, positive, weights), expected)
    assert np.isnan(average_precision(scores, np.zeros(200, bool)))
    with pytest.raises(ValueError, match="finite"):
        average_precision(np.array([np.nan]), np.array([True]))


def test_the_curves_go_through_the_points_of_the_oracle(rng):
    scores, positive = scored(rng)
    roc = roc_curve(scores, positive, each(200), resamples=20)
    fpr, tpr, _ = sk.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(np.interp(fpr[1:], roc.x, roc.y), np.interp(fpr[1:], fpr, tpr))
    assert roc.area.value == pytest.approx(np.trapezoid(roc.y, roc.x))
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    curve = precision_recall_curve(scores, positive, each(200), resamples=20)
    precision, recall, thresholds = sk.precision_recall_curve(positive, scores)
    oracle = {t: (r, p) for t, r, p in zip(thresholds, recall, precision, strict=False)}
    for threshold, x, y in zip(curve.threshold, curve.x, curve.y, strict=True):
        assert oracle[threshold] == pytest.approx((x, y))


def test_a_threshold_gives_the_rates_of_its_point(rng):
    scores, positive = scored(rng)
    roc = roc_curve(scores, positive, each(200), resamples=0)
    for threshold, x, y in list(zip(roc.threshold, roc.x, roc.y, strict=True))[1:]:
        assert x == pytest.approx((scores[~positive] >= threshold).mean())
        assert y == pytest.approx((scores[positive] >= threshold).mean())


def test_the_bands_hold_the_curves(rng):
    scores, positive = scored(rng, 400, 3000)
    roc = roc_curve(scores, positive, each(400), resamples=300)
    value = np.interp(GRID, roc.x, roc.y)
    assert (roc.low <= value + 1e-9).all()
    assert (value <= roc.high + 1e-9).all()
    assert (roc.high - roc.low)[20:60].min() > 0.01
    grouped = roc_curve(scores, positive, [str(i % 40) for i in range(400)], resamples=300)
    assert np.mean(grouped.high - grouped.low) != np.mean(roc.high - roc.low)


def test_the_precision_of_the_band_is_that_of_a_slow_loop(rng):
    scores, positive = scored(rng, 60)
    curve = precision_recall_curve(scores, positive, ["one"] * 60, resamples=5)
    assert np.isnan(curve.low).all()  # one patient: no interval
    weights = rng.poisson(1.0, (1, 60)).astype(float)
    from pneumoscope.metrics.curves import _counts, _precision_at_grid

    (row,) = _precision_at_grid(_counts(scores, positive, weights))
    for place, value in zip(GRID[1:], row[1:], strict=True):
        best = max(
            t
            for t in scores
            if weights[0] @ (positive & (scores >= t)) >= place * (weights[0] @ positive) - 1e-9
        )
        called = scores >= best
        assert value == pytest.approx(weights[0] @ (positive & called) / (weights[0] @ called))


def test_one_sided_data_have_no_curve():
    scores = np.array([0.1, 0.9])
    assert roc_curve(scores, np.array([True, True]), each(2)) is None
    assert roc_curve(scores, np.array([False, False]), each(2)) is None
    assert precision_recall_curve(scores, np.array([False, False]), each(2)) is None


@settings(max_examples=30)
@given(st.integers(1, 1500), st.integers(0, 2**32 - 1))
def test_a_thinned_curve_is_short_keeps_its_ends_and_its_look(points, seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.random(points))
    y = np.sort(rng.random(points))
    kept = thin(x, y)
    assert len(kept) <= MAX_POINTS
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, points - 1)
    away = abs(x[:, None] - x[kept]) + abs(y[:, None] - y[kept])
    assert away.min(axis=1).max() <= 2 / (MAX_POINTS - 1) + 1e-9


def test_points_on_a_straight_line_are_left_out():
    x = np.linspace(0, 1, 1001)
    assert thin(x, np.maximum(x, 0.5)).tolist() == [0, 500, 1000]
