"""Risk and coverage against counting by hand, and what any such curve must obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.metrics import (
    accuracy,
    area_under_risk_coverage,
    measure_risk_coverage,
    risk_at_coverage,
)

rows = st.lists(
    st.tuples(st.integers(0, 10).map(lambda i: i / 10), st.booleans()), min_size=1, max_size=30
)


def parts(listed):
    return np.array([c for c, _ in listed]), np.array([r for _, r in listed])


def plain_risk(confidence, correct, coverage):
    """Take whole groups of equal confidence until there are enough."""
    for level in sorted(set(confidence), reverse=True):
        taken = confidence >= level
        if taken.mean() >= coverage - 1e-12:
            return (~correct[taken]).mean()
    raise AssertionError


@given(rows, st.integers(1, 100).map(lambda i: i / 100))
def test_the_risk_is_that_of_the_surest_images(listed, coverage):
    confidence, correct = parts(listed)
    found = float(risk_at_coverage(confidence, correct, coverage))
    assert found == pytest.approx(plain_risk(confidence, correct, coverage))


@given(rows)
def test_all_answered_is_the_overall_error_and_the_area_lies_within_the_curve(listed):
    confidence, correct = parts(listed)
    error = (~correct).mean()
    assert float(risk_at_coverage(confidence, correct, 1.0)) == pytest.approx(error)
    shares = np.arange(1, len(listed) + 1) / len(listed)
    curve = [plain_risk(confidence, correct, share) for share in shares]
    area = float(area_under_risk_coverage(confidence, correct))
    assert area == pytest.approx(np.mean(curve))


@given(st.integers(1, 20), st.integers(1, 20))
def test_where_the_surer_are_right_the_curve_only_rises(right, wrong):
    confidence = np.linspace(1, 0, right + wrong)
    correct = np.arange(right + wrong) < right
    risks = [float(risk_at_coverage(confidence, correct, c)) for c in np.linspace(0.01, 1, 50)]
    assert (np.diff(risks) >= 0).all()
    area = float(area_under_risk_coverage(confidence, correct))
    flipped = float(area_under_risk_coverage(-confidence, correct))
    assert area < wrong / (right + wrong) < flipped


@given(rows)
def test_only_the_order_counts(listed):
    confidence, correct = parts(listed)
    area = area_under_risk_coverage(confidence, correct)
    assert float(area_under_risk_coverage(np.exp(3 * confidence), correct)) == pytest.approx(area)


@given(rows, st.integers(0, 1000))
def test_weights_are_as_repeating_the_images(listed, seed):
    confidence, correct = parts(listed)
    times = np.random.default_rng(seed).integers(0, 4, (2, len(listed)))
    weights = times.astype(float)
    areas = area_under_risk_coverage(confidence, correct, weights)
    risks = risk_at_coverage(confidence, correct, 0.7, weights)
    for each, area, risk in zip(times, areas, risks, strict=True):
        if not each.any():
            assert np.isnan(area)
            assert np.isnan(risk)
            continue
        repeated = confidence.repeat(each), correct.repeat(each)
        assert area == pytest.approx(float(area_under_risk_coverage(*repeated)))
        assert risk == pytest.approx(float(risk_at_coverage(*repeated, 0.7)))


def test_the_measured_curve_has_intervals_that_hold_its_values():
    rng = np.random.default_rng(0)
    confidence = rng.random(200)
    correct = rng.random(200) < 0.5 + confidence / 2
    patients = [f"p{i // 2}" for i in range(200)]
    found = measure_risk_coverage(confidence, correct, patients, coverages=(0.5, 1.0))
    for index, coverage in enumerate(found.coverages):
        each = found.risk.estimate(index)
        assert each.value == pytest.approx(float(risk_at_coverage(confidence, correct, coverage)))
        assert each.low < each.value < each.high
    assert found.risk.value[1] == pytest.approx(1 - accuracy(correct, np.ones(200, dtype=bool)))
    assert found.area.low < found.area.value < found.risk.value[1]
