"""The verdict on a course: its stated rule, case by case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pneumoscope.catalogue import to_sentences
from pneumoscope.findings import About, Change, Direction, Message
from pneumoscope.severity import SYMPTOMS
from pneumoscope.synthetic import CourseKind, make_course
from pneumoscope.tracking import ALPHA, Leap, burden, detect_change, worsening_p

Daily = Callable[..., Any]
TESTED = sorted(SYMPTOMS.keys() - {"fever_duration", "fever_value"})
ROSE = Message("level_rose", About.SEVERITY, {"before": "mild", "level": "severe"})
OPEN = Message(
    "higher_with_new_value",
    About.SEVERITY,
    {"level": "severe", "before": "mild", "visit": 1, "names": ("urea",)},
)


def told(change: Change) -> str:
    return " ".join(to_sentences(change.reasons))


def straight(name: str, start: float, end: float, visits: int) -> list[dict[str, float]]:
    """One symptom from a share of its range to another; a share of 1 is worst."""
    symptom = SYMPTOMS[name]
    shares = np.linspace(start, end, visits)
    if symptom.worse == "low":
        shares = 1 - shares
    return [
        {name: float(symptom.minimum + s * (symptom.maximum - symptom.minimum))} for s in shares
    ]


@pytest.mark.parametrize("name", TESTED)
def test_every_symptom_can_worsen_and_improve(daily: Daily, name: str) -> None:
    worse = detect_change(daily(straight(name, 0.2, 0.6, 8)))
    assert worse.direction is Direction.WORSENING
    assert name.replace("_", " ") in told(worse)
    assert [trend.name for trend in worse.trends] == [name]
    assert worse.trends[0].interval[0] > 0
    better = detect_change(daily(straight(name, 0.6, 0.2, 8)))
    assert better.direction is Direction.IMPROVING
    assert better.trends[0].slope == pytest.approx(-worse.trends[0].slope)


@pytest.mark.parametrize(
    ("start", "end", "direction"),
    [
        (39.5, 37.2, Direction.IMPROVING),
        (37.2, 39.5, Direction.WORSENING),
        (37.0, 35.2, Direction.WORSENING),
        (35.2, 37.0, Direction.IMPROVING),
    ],
)
def test_temperature_counts_by_its_distance_from_normal(
    daily: Daily, start: float, end: float, direction: Direction
) -> None:
    visits = daily([{"fever_value": float(t)} for t in np.linspace(start, end, 10)])
    assert detect_change(visits).direction is direction


def test_days_of_fever_alone_are_no_worsening(daily: Daily) -> None:
    visits = daily([{"fever_duration": float(day), "fatigue": 0.4} for day in range(12)])
    assert detect_change(visits).direction is Direction.STABLE


def test_a_change_too_small_to_matter_is_no_trend(daily: Daily) -> None:
    visits = daily(straight("fatigue", 0.30, 0.34, 10))
    change = detect_change(visits)
    assert change.direction is Direction.STABLE
    assert change.burden is not None
    assert change.burden.p_value < ALPHA


def test_too_few_visits_give_no_verdict_but_a_leap_of_the_level_does(daily: Daily) -> None:
    visits = daily(straight("fatigue", 0.1, 0.9, 4))
    assert detect_change(visits).direction is Direction.UNKNOWN
    leapt = detect_change(visits, Leap(True, ROSE))
    assert leapt.direction is Direction.WORSENING
    assert leapt.reasons == (ROSE,)
    unsure = detect_change(visits, Leap(False, OPEN))
    assert unsure == Change(Direction.UNKNOWN, (OPEN,))
    assert detect_change([]).direction is Direction.UNKNOWN


def test_a_leap_that_cannot_be_told_hides_no_trend_and_allows_no_stable(daily: Daily) -> None:
    unsure = Leap(False, OPEN)
    for start, end, direction in (
        (0.2, 0.7, Direction.WORSENING),
        (0.7, 0.2, Direction.UNKNOWN),
        (0.4, 0.4, Direction.UNKNOWN),
    ):
        change = detect_change(daily(straight("fatigue", start, end, 8)), unsure)
        assert change.direction is direction
        assert change.reasons[0] == OPEN


def test_worsening_stands_above_improving(daily: Daily) -> None:
    pairs = zip(
        straight("fatigue", 0.2, 0.9, 10), straight("cough_severity", 0.9, 0.2, 10), strict=True
    )
    change = detect_change(daily([a | b for a, b in pairs]))
    assert change.direction is Direction.WORSENING
    assert "Better" in told(change)


@pytest.mark.parametrize("name", TESTED)
def test_a_decline_too_slow_for_ten_visits_is_still_seen(daily: Daily, name: str) -> None:
    visits = daily(straight(name, 0.2, 0.34, 30))
    assert detect_change(visits[-10:]).direction is Direction.STABLE
    change = detect_change(visits)
    assert change.direction is Direction.WORSENING
    assert "Slowly worse" in told(change)


def test_one_nonsense_value_makes_no_trend(daily: Daily) -> None:
    course = [{"fatigue": 0.3, "oxygen_level": 96.0} for _ in range(9)]
    for place in range(9):
        disturbed = [dict(found) for found in course]
        disturbed[place]["oxygen_level"] = 80.0
        assert detect_change(daily(disturbed)).direction is Direction.STABLE


def test_the_burden_is_over_symptoms_found_at_every_visit(daily: Daily) -> None:
    # A bad symptom that is only asked for later would look like a worsening.
    course = [{"fatigue": 0.2} for _ in range(5)]
    course += [{"fatigue": 0.2, "cough_severity": 0.9} for _ in range(5)]
    change = detect_change(daily(course))
    assert change.direction is Direction.STABLE
    assert burden(daily(course)[-1]) > burden(daily(course)[0])


def test_the_p_value_and_the_verdict_agree_on_made_up_courses() -> None:
    for kind in CourseKind:
        visits = make_course(kind, 11).visits
        for n in range(1, len(visits) + 1):
            worse = detect_change(visits[:n]).direction is Direction.WORSENING
            assert worse == (worsening_p(visits[:n]) <= ALPHA)
