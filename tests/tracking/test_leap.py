"""A level that is suddenly higher is a worsening only where like is compared with like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentence
from pneumoscope.findings import Assessment, Direction, PatientContext, SeverityLevel, Visit
from pneumoscope.severity import INPUTS, SYMPTOMS, assess
from pneumoscope.tracking import Leap, detect_change, find_leap

Values = Mapping[str, float]
ADULT = PatientContext(60)
LEVELS = list(SeverityLevel)
SEVERE = LEVELS[-1]
HEALTHY = dict.fromkeys(SYMPTOMS, 0.0) | {"fever_value": 36.8, "oxygen_level": 98.0}
YES_NO = ("oxygen_therapy", "comorbidity")
OPTIONAL = ("respiratory_rate", "pulse", "urea", *YES_NO)
IMAGE = {"NORMAL": 0.05, "ABNORMAL": 0.05, "PNEUMONIA": 0.9}
# One-sided inputs, so that "worse" has one direction; fever is drawn from 37 °C up.
BETTER = {
    name: (lambda a, b: max(a, b)) if name == "oxygen_level" else min
    for name in (*SYMPTOMS, "urea", *YES_NO)
}


def draw_value(draw: Callable[..., Any], name: str) -> float:
    if name in YES_NO:
        return float(draw(st.integers(0, 1)))
    low = 37.0 if name == "fever_value" else INPUTS[name].minimum
    high = {"respiratory_rate": 50.0, "pulse": 180.0, "urea": 20.0}.get(name, INPUTS[name].maximum)
    low = {"respiratory_rate": 5.0, "pulse": 30.0}.get(name, low)
    return float(draw(st.floats(low, high)))


@st.composite
def patients(draw: Callable[..., Any], names: Sequence[str] = (*SYMPTOMS, *OPTIONAL)) -> Values:
    return {name: draw_value(draw, name) for name in names}


def part(values: Values, names: set[str]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name in names}


def score(visit: Visit) -> Assessment:
    return assess(visit.symptoms, probabilities=visit.probabilities, patient=ADULT)


def leap_of(*symptoms: Values, images: Sequence[Mapping[str, float] | None] = ()) -> Leap | None:
    return find_leap(*course(*symptoms, images=images), score)


def course(
    *symptoms: Values, images: Sequence[Mapping[str, float] | None] = ()
) -> tuple[list[Visit], list[Assessment | None]]:
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)
    shown = [*images, *[None] * (len(symptoms) - len(images))]
    visits = [
        Visit(start + timedelta(days=day), dict(values), image)
        for day, (values, image) in enumerate(zip(symptoms, shown, strict=True))
    ]
    return visits, [score(visit) for visit in visits]


def leaps(before: SeverityLevel, now: SeverityLevel) -> bool:
    rise = LEVELS.index(now) - LEVELS.index(before)
    return rise >= 2 or (rise == 1 and now is SEVERE)


known = st.sets(st.sampled_from([*SYMPTOMS, *OPTIONAL]))


@settings(max_examples=150)
@given(patients(), st.lists(known, min_size=1, max_size=6), known, st.data())
def test_knowing_more_of_the_same_state_is_never_a_worsening(
    values: Values, earlier: list[set[str]], last: set[str], data: st.DataObject
) -> None:
    """Whatever was given of one unchanging patient, and whatever is given of him today."""
    images = [data.draw(st.sampled_from([None, IMAGE])) for _ in range(len(earlier) + 1)]
    visits, assessments = course(*(part(values, n) for n in (*earlier, last)), images=images)
    found = find_leap(visits, assessments, score)
    assert found is None or not found.worse
    assert detect_change(visits, found).direction is not Direction.WORSENING


@settings(max_examples=150)
@given(patients(list(BETTER)), patients(list(BETTER)), known, known)
def test_what_is_newly_given_is_no_worsening_where_all_else_is_no_worse(
    one: Values, other: Values, then: set[str], now: set[str]
) -> None:
    before = part(one, then)
    today = part(other, now)
    today |= {name: BETTER[name](before[name], today[name]) for name in before.keys() & today}
    found = leap_of(before, today)
    # What was not given before may have been better: only its worst is known, by the interval.
    assert found is None or not found.worse


@settings(max_examples=150)
@given(patients(), patients(), known)
def test_the_same_inputs_at_both_visits_are_compared_as_they_are(
    one: Values, other: Values, names: set[str]
) -> None:
    visits, (before, now) = course(part(one, names), part(other, names))
    assert before is not None
    assert now is not None
    found = find_leap(visits, [before, now], score)
    assert (found is not None) == leaps(before.level, now.level)
    if found is not None:
        assert found.worse
        assert f"rose from {before.level} to {now.level}" in to_sentence(found.reason)


@settings(max_examples=150)
@given(patients(), patients(), known, st.sets(st.sampled_from(list(SYMPTOMS))))
def test_intervals_that_lie_apart_are_a_worsening(
    one: Values, other: Values, then: set[str], more: set[str]
) -> None:
    """Nothing new is given but symptoms that the first visit's interval allowed for."""
    visits, (before, now) = course(part(one, then), part(other, then | more))
    assert before is not None
    assert before.interval is not None
    assert now is not None
    found = find_leap(visits, [before, now], score)
    if leaps(before.interval.most, now.level):
        assert found is not None
        assert found.worse


def test_a_leap_from_the_worst_that_was_left_open_is_a_worsening() -> None:
    """Two points of CURB-65 with confusion at its worst; three today, one of them confusion."""
    fast = part(HEALTHY, SYMPTOMS.keys() - {"confusion"}) | {"respiratory_rate": 32.0}
    fast |= {"systolic_pressure": 120.0}
    found = leap_of(fast | {"urea": 5.0}, fast | {"urea": 9.0, "confusion": 0.9})
    assert found is not None
    assert found.worse
    assert to_sentence(found.reason) == "The level rose from at most moderate to severe."


def test_a_level_that_was_already_there_by_other_values_is_no_start_to_rise_from() -> None:
    """Mild by cough and phlegm; today only SpO2 is given again, and what is new."""
    before = {"cough_severity": 0.5, "sputum_production": 0.5, "oxygen_level": 97.0}
    today = {"oxygen_level": 90.0, "confusion": 0.9, "respiratory_rate": 32.0, "urea": 9.0}
    found = leap_of(before, today)
    assert found is not None
    assert not found.worse


def test_a_filled_in_symptom_is_said_to_leave_it_open() -> None:
    first = part(HEALTHY, SYMPTOMS.keys() - {"confusion"})
    septic = {"confusion": 0.9, "respiratory_rate": 32, "systolic_pressure": 80}
    found = leap_of(first, HEALTHY | septic)
    assert found is not None
    assert not found.worse
    assert to_sentence(found.reason) == (
        "Severe now, negligible to severe at visit 1, when confusion, respiratory rate, systolic "
        "pressure were not given: whether the patient got worse cannot be said."
    )
    visits, _ = course(*[HEALTHY] * 7, HEALTHY | septic)
    change = detect_change(visits, found)
    assert change.direction is Direction.UNKNOWN  # not "stable" beside a severe level
    assert change.reasons[0] == found.reason


def test_a_first_radiograph_is_no_worsening_and_a_worse_one_is() -> None:
    old = partial(assess, patient=PatientContext(80))

    def give(visit: Visit) -> Assessment:
        return old(visit.symptoms, probabilities=visit.probabilities)

    clear = {"NORMAL": 0.95, "ABNORMAL": 0.05, "PNEUMONIA": 0.0}
    base = HEALTHY | {"cough_severity": 0.5}
    for image, worse in ((None, False), (clear, True)):
        visits, _ = course(base, base, images=[image, IMAGE])
        found = find_leap(visits, [give(visit) for visit in visits], give)
        assert found is not None
        assert found.worse == worse
        assert ("radiograph was not given" in to_sentence(found.reason)) != worse


def test_a_visit_with_few_values_hides_no_leap_and_makes_none() -> None:
    septic = HEALTHY | {"confusion": 0.9, "oxygen_level": 84.0}
    few = {"fever_value": 36.8}
    found = leap_of(HEALTHY, few, septic)
    assert found is not None
    assert found.worse
    assert to_sentence(found.reason) == "The level rose from negligible to severe since visit 1."
    assert leap_of(septic, few, septic) is None


def test_a_change_of_the_oxygen_target_is_no_worsening() -> None:
    ill = HEALTHY | {"oxygen_level": 84.0, "respiratory_rate": 22.0}
    for other in ({"hypercapnic_target": 0}, {}):
        found = leap_of(ill | {"hypercapnic_target": 1}, ill | other)
        assert found is not None
        assert not found.worse
        assert "hypercapnic target" in to_sentence(found.reason)


def test_there_is_no_leap_without_an_earlier_level() -> None:
    visits, (assessment,) = course(HEALTHY)
    assert find_leap([], [], score) is None
    assert find_leap(visits, [None], score) is None
    assert find_leap(visits, [assessment], score) is None
    assert find_leap([*visits, *visits], [None, assessment], score) is None
