"""Trends of many figures at once against scipy, one at a time, and against counting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, theilslopes

from pneumoscope.tracking.trend import trends

series = st.lists(st.integers(0, 10).map(lambda n: n / 10), min_size=5, max_size=12)
slow = settings(max_examples=50)


def days_of(count: int) -> np.ndarray:
    return np.cumsum(np.arange(count) % 3 + 1).astype(float)


@slow
@given(series)
def test_slope_and_interval_are_scipys(values: list[float]) -> None:
    days = days_of(len(values))
    found = trends(days, np.array(values)[:, None])
    plain = theilslopes(values, days, alpha=0.95)
    assert found.slope[0] == pytest.approx(plain.slope, abs=1e-12)
    assert found.low[0] == pytest.approx(plain.low_slope, abs=1e-12)
    assert found.high[0] == pytest.approx(plain.high_slope, abs=1e-12)


def test_the_p_value_is_near_the_exact_one_and_not_below_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.permutation(10).astype(float)
        exact = kendalltau(np.arange(10), values, method="exact").pvalue
        found = trends(np.arange(10.0), values[:, None]).p_value[0]
        assert found == pytest.approx(exact, abs=0.02)


def test_under_no_trend_p_is_at_most_its_level_as_often_as_it_says() -> None:
    orders = np.array(list(itertools.permutations(range(6))), dtype=float).T
    p_value = trends(np.arange(6.0), orders).p_value
    for level in (0.05, 0.1, 0.2):
        assert (p_value <= level).mean() <= level + 0.01


@slow
@given(series, st.sets(st.integers(0, 11)), st.integers(0, 2))
def test_a_gap_is_as_if_the_visit_were_not_there(
    values: list[float], gaps: set[int], column: int
) -> None:
    days = days_of(len(values))
    there = np.array([n not in gaps for n in range(len(values))])
    table = np.tile(np.array(values)[:, None], 3)
    table[~there, column] = np.nan
    found = trends(days, table)
    alone = trends(days[there], np.array(values)[there][:, None])
    for name in ("visits", "days", "slope", "low", "high", "p_value"):
        np.testing.assert_array_equal(getattr(found, name)[column], getattr(alone, name)[0])


def test_a_constant_figure_has_no_trend() -> None:
    found = trends(np.arange(8.0), np.full((8, 1), 0.3))
    assert found.p_value[0] == 1
    assert found.slope[0] == 0
