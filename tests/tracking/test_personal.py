"""Personal bounds: within the limits, never narrower than allowed, reversible, replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumoscope.severity import SYMPTOMS, rescale
from pneumoscope.tracking import PUBLISHED, TrackingOptions, bounds_of, replay

BASE = "baral2025@0"
Daily = Callable[..., Any]
DEFAULT = TrackingOptions()
few = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def found() -> st.SearchStrategy[dict[str, float]]:
    """Some symptoms of one visit, also beyond the clinical limits."""
    values = {
        name: st.floats(s.minimum - 5, s.maximum + 5, allow_subnormal=False)
        for name, s in SYMPTOMS.items()
    }
    return st.fixed_dictionaries({}, optional=values)


courses = st.lists(found(), max_size=14)
some = st.sampled_from(sorted(SYMPTOMS))


@few
@given(courses)
def test_bounds_stay_within_the_limits_and_keep_their_width(
    daily: Daily, course: list[dict[str, float]]
) -> None:
    for bounds in replay(daily(course), BASE):
        for name, (low, high) in bounds.ranges.items():
            symptom = SYMPTOMS[name]
            span = symptom.maximum - symptom.minimum
            assert symptom.minimum <= low < high <= symptom.maximum
            assert high - low >= (DEFAULT.minimum_width - 1e-9) * span


@few
@given(courses, found(), st.sampled_from([DEFAULT, PUBLISHED]))
def test_a_replay_gives_the_same_bounds_and_a_visit_changes_no_earlier_ones(
    daily: Daily,
    course: list[dict[str, float]],
    another: dict[str, float],
    options: TrackingOptions,
) -> None:
    before = replay(daily(course), BASE, options)
    assert replay(daily(course), BASE, options) == before
    assert replay(daily([*course, another]), BASE, options)[: len(before)] == before
    assert [bounds.visits for bounds in before] == list(range(len(course) + 1))


@few
@given(courses, found())
def test_bounds_are_reversible(
    daily: Daily, course: list[dict[str, float]], well: dict[str, float]
) -> None:
    assert DEFAULT.window is not None
    after = [well] * DEFAULT.window
    # Whatever came before, the bounds are those of a patient who was always like this.
    now, always = bounds_of(daily([*course, *after]), BASE), bounds_of(daily(after), BASE)
    assert {name: now.ranges[name] for name in well} == always.ranges


def test_after_recovery_a_healthy_value_counts_as_healthy_again(
    daily: Daily, best: dict[str, float], worst: dict[str, float]
) -> None:
    visits = daily([worst] * 20 + [best] * 10)
    rescaled = rescale(best, bounds_of(visits, BASE))
    assert rescaled == pytest.approx(best)


@few
@given(some, st.floats(0, 0.6), st.floats(0.01, 0.03))
def test_a_steady_worsening_never_counts_for_less_than_it_is(
    daily: Daily, name: str, start: float, rate: float
) -> None:
    symptom = SYMPTOMS[name]
    span = symptom.maximum - symptom.minimum
    shares = [min(start + rate * day, 1.0) for day in range(30)]
    if symptom.worse == "low":
        shares = [1 - share for share in shares]
    visits = daily([{name: symptom.minimum + share * span} for share in shares])
    for number, visit in enumerate(visits):
        value = visit.symptoms[name]
        personal = rescale(visit.symptoms, bounds_of(visits[:number], BASE))[name]
        worse_by = (personal - value) * (1 if symptom.worse == "high" else -1)
        assert worse_by >= -1e-9 * span


def test_persistent_illness_does_not_become_normal(daily: Daily, worst: dict[str, float]) -> None:
    ill = {
        name: 0.8 * value + 0.2 * (s.minimum if s.worse == "high" else s.maximum)
        for (name, value), s in zip(worst.items(), SYMPTOMS.values(), strict=True)
    }
    assert rescale(ill, bounds_of(daily([ill] * 40), BASE)) == pytest.approx(ill)


def test_too_few_values_give_no_range_and_no_range_changes_nothing(daily: Daily) -> None:
    two = bounds_of(daily([{"fatigue": 0.4}] * 2), BASE)
    three = bounds_of(daily([{"fatigue": 0.4}] * 3), BASE)
    assert two.ranges == {}
    assert set(three.ranges) == {"fatigue"}
    assert rescale({"fatigue": 0.7, "confusion": 0.3}, two) == {"fatigue": 0.7, "confusion": 0.3}
    assert rescale({"confusion": 0.3}, three) == {"confusion": 0.3}


def test_a_published_range_without_width_is_left_out(daily: Daily) -> None:
    assert bounds_of(daily([{"fatigue": 0.4}] * 5), BASE, PUBLISHED).ranges == {}
