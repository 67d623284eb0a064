"""The seven steps against a plain version of the article, and what the widening promises."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.tracking import PUBLISHED, TrackingOptions, adjusted_range, widen
from pneumoscope.tracking.steps import exponential, trigg_leach, without_outliers

shares = st.floats(0, 1, allow_subnormal=False)
histories = st.lists(shares, min_size=1, max_size=40)
EXAMPLE = [0.2, 0.4, 0.4, 0.6, 0.5, 0.7, 0.3, 0.5, 0.6, 0.8, 0.7, 0.9]


def percentile(values: list[float], per_cent: float) -> float:
    """Linear interpolation between the two nearest ranks."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * per_cent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def published(values: list[float], of: str = "smoothed") -> list[float]:
    """The article's steps, one after the other, in plain Python."""
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    kept = [x for x in values if abs(x - mean) <= 3 * deviation + 1e-9]  # 1
    last = kept[-10:]
    mu, variance = statistics.fmean(last), statistics.pvariance(last)  # 2
    factor = 0.3 + variance / 100  # 3
    smoothed = [kept[0]]
    for x in kept[1:]:  # 4
        smoothed.append(factor * x + (1 - factor) * smoothed[-1])
    low, high = (10, 90) if mu < 0.5 else (15, 85)  # 5
    source = smoothed if of == "smoothed" else kept
    start, end = percentile(source, low), percentile(source, high)
    grid, step = [], 0
    while start + 0.1 * step < end - 1e-12:  # 6
        grid.append(start + 0.1 * step)
        step += 1
    return [min(max(a, 0.0), 1.0) for a in [*grid, end]]  # 7


@pytest.mark.parametrize("of", ["smoothed", "filtered"])
def test_the_published_steps_on_one_history(of: str) -> None:
    options = TrackingOptions(
        window=None,
        outliers="zscore",
        smoothing="variance",
        percentiles_of=of,  # type: ignore[arg-type]
    )
    found = adjusted_range(np.array(EXAMPLE), options)
    np.testing.assert_allclose(found, published(EXAMPLE, of), atol=1e-12)


# Ratings in tenths: 0.5 on the mean's cut and 3 sigma on the filter's must not hang on rounding.
@given(st.lists(st.integers(0, 10).map(lambda n: n / 10 + 0.003), min_size=1, max_size=40))
def test_the_published_steps_match_the_plain_version(values: list[float]) -> None:
    values = [min(value, 1.0) for value in values]
    found = adjusted_range(np.array(values), PUBLISHED)
    plain = published(values)
    assert found[0] == pytest.approx(plain[0], abs=1e-9)
    assert found[-1] == pytest.approx(plain[-1], abs=1e-9)


@given(histories)
def test_the_range_rises_in_tenths_within_the_limits_and_ends_at_the_percentile(
    values: list[float],
) -> None:
    for options in (PUBLISHED, TrackingOptions()):
        found = adjusted_range(np.array(values), options)
        assert ((found >= 0) & (found <= 1)).all()
        gaps = np.diff(found)
        assert (gaps >= -1e-12).all()
        np.testing.assert_allclose(gaps[:-1], 0.1, atol=1e-9)
        assert min(values) - 1e-9 <= found[0] <= found[-1] <= max(values) + 1e-9


@given(st.lists(shares, min_size=1, max_size=10))
def test_the_published_filter_drops_nothing_of_ten_values(values: list[float]) -> None:
    array = np.array(values)
    if array.std() > 1e-6:
        assert len(without_outliers(array, "zscore")) == len(values)


def test_the_robust_filter_drops_what_the_published_one_keeps() -> None:
    values = np.array([0.2, 0.2, 0.3, 0.2, 0.1, 0.2, 0.3, 0.2, 0.2, 1.0])
    assert 1.0 in without_outliers(values, "zscore")
    assert 1.0 not in without_outliers(values, "mad")


@given(histories)
def test_the_robust_filter_keeps_at_least_half(values: list[float]) -> None:
    assert 2 * len(without_outliers(np.array(values), "mad")) >= len(values)


@given(histories)
def test_the_published_factor_is_idle_on_this_scale(values: list[float]) -> None:
    assert 0 <= float(np.array(values)[-10:].var()) / 100 <= 0.0025 + 1e-12


def test_the_adaptive_smoothing_follows_a_drift_sooner_and_scatter_less() -> None:
    drift = np.linspace(0.1, 0.9, 12)
    scatter = np.array([0.5 + 0.2 * (-1) ** n for n in range(30)])
    assert trigg_leach(drift)[-1] > exponential(drift, 0.3)[-1]
    assert trigg_leach(scatter)[10:].std() < exponential(scatter, 0.3)[10:].std()


@given(shares, shares, shares)
def test_widening_holds_the_range_and_the_width_within_the_limits(
    a: float, b: float, width: float
) -> None:
    low, high = sorted((a, b))
    start, end = widen(low, high, width)
    assert 0 <= start <= low
    assert high <= end <= 1
    assert end - start >= width - 1e-9
    assert end - start <= max(width, high - low) + 1e-9


@given(shares, st.floats(0.01, 1))
def test_a_steady_value_keeps_its_place(value: float, width: float) -> None:
    start, end = widen(value, value, width)
    assert (value - start) / (end - start) == pytest.approx(value, abs=1e-9)


@given(shares, shares, shares, st.floats(0.01, 1))
def test_a_value_at_or_beyond_the_worse_end_never_counts_for_less(
    a: float, b: float, beyond: float, width: float
) -> None:
    low, high = sorted((a, b))
    start, end = widen(low, high, width)
    worse = high + beyond * (1 - high)
    assert min((worse - start) / (end - start), 1) >= worse - 1e-9
    less = low * beyond  # of a symptom whose low end is the bad one
    assert max((less - start) / (end - start), 0) <= less + 1e-9


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"minimum_values": 0}, {"minimum_width": 1.1}, {"minimum_width": -1}]
)
def test_impossible_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"window|rest on|width"):
        TrackingOptions(**wrong)  # type: ignore[arg-type]
