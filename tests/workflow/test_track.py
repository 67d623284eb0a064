"""The way of a course: history, bounds, assessment, and only then the visit joins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentences
from pneumoscope.errors import InputError, VisitError
from pneumoscope.findings import Direction, PatientContext, PersonalView, SeverityLevel, Visit
from pneumoscope.severity import SYMPTOMS, assess, identify_rule_base, rescale
from pneumoscope.synthetic import CourseKind, make_course
from pneumoscope.tracking import replay
from pneumoscope.workflow import advance, track_visits

LEVELS = list(SeverityLevel)
BASE = "baral2025"
ADULT = PatientContext(54, "F")
every_base = pytest.mark.parametrize("base", ["guideline", BASE])
slow = settings(max_examples=10)
kinds, seeds = st.sampled_from(list(CourseKind)), st.integers(0, 10_000)


@slow
@given(kinds, seeds)
def test_each_visit_is_judged_by_the_bounds_of_those_before_it(kind: CourseKind, seed: int) -> None:
    visits = make_course(kind, seed, missing=0).visits[:12]
    course = track_visits(visits, rule_base=BASE)
    bounds = replay(visits, BASE)
    assert course.bounds == bounds[-1]
    for tracked, before in zip(course.visits, bounds, strict=False):
        assert tracked.bounds == before
        seen = assess(tracked.visit.symptoms, rule_base=BASE, bounds=before)
        assert tracked.population == seen
        rescaled = rescale(tracked.visit.symptoms, before)
        own = assess(rescaled, rule_base=BASE)
        assert tracked.personal == PersonalView(own.level, own.score, before.visits, own.level)


@every_base
@slow
@given(kinds, seeds, st.sampled_from([ADULT, PatientContext(3)]))
def test_a_course_that_grows_by_one_visit_is_that_of_all_visits(
    base: str, kind: CourseKind, seed: int, patient: PatientContext
) -> None:
    visits = make_course(kind, seed, missing=0.2).visits[:9]
    grown = track_visits(visits[:1], patient=patient, rule_base=base)
    for number, visit in enumerate(visits[1:], start=2):
        grown = advance(grown, visit, patient=patient)
        assert grown == track_visits(visits[:number], patient=patient, rule_base=base)


def test_a_visit_that_is_not_later_is_refused() -> None:
    visits = make_course(CourseKind.STABLE, 1).visits
    course = track_visits(visits[:3], patient=ADULT)
    for visit in visits[1:3]:
        with pytest.raises(VisitError, match="is not later than the last one"):
            advance(course, visit, patient=ADULT)


@every_base
@slow
@given(kinds, seeds)
def test_the_level_given_is_never_below_the_populations(
    base: str, kind: CourseKind, seed: int
) -> None:
    visits = make_course(kind, seed, missing=0).visits
    for tracked in track_visits(visits, patient=ADULT, rule_base=base).visits:
        assert tracked.population is not None
        assert tracked.personal is not None
        assert tracked.level is not None
        given = LEVELS.index(tracked.level)
        ways = (tracked.population.level, tracked.personal.level)
        assert given == max(map(LEVELS.index, ways))


@every_base
@slow
@given(st.sampled_from(sorted(SYMPTOMS)), st.floats(0, 0.4), st.floats(0.01, 0.03))
def test_a_linear_worsening_never_lowers_the_level_given(
    base: str, name: str, start: float, rate: float
) -> None:
    symptom = SYMPTOMS[name]
    usual = {
        n: s.minimum + 0.2 * (s.maximum - s.minimum)
        if s.worse == "high"
        else s.maximum - 0.2 * (s.maximum - s.minimum)
        for n, s in SYMPTOMS.items()
    }
    visits = []
    for day in range(30):
        share = min(start + rate * day, 1.0)
        share = share if symptom.worse == "high" else 1 - share
        value = symptom.minimum + share * (symptom.maximum - symptom.minimum)
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        visits.append(Visit(time, usual | {name: min(value, symptom.maximum)}))
    given = []
    for tracked in track_visits(visits, patient=ADULT, rule_base=base).visits:
        assert tracked.population is not None
        assert tracked.level is not None
        assert LEVELS.index(tracked.level) >= LEVELS.index(tracked.population.level)
        given.append(LEVELS.index(tracked.level))
    if base == "guideline" and name != "fever_value":  # of which the middle is best
        assert given == sorted(given)


def test_a_symptom_that_is_filled_in_later_is_no_worsening() -> None:
    """The level of the first visit is open; its lower end is no level to rise from."""
    ill = dict.fromkeys(SYMPTOMS, 0.1) | {"fever_value": 38.0, "oxygen_level": 84.0}
    unsaid = {name: value for name, value in ill.items() if name != "oxygen_level"}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    visits = [Visit(start, unsaid), Visit(start + timedelta(hours=1), ill)]
    first, second = track_visits(visits, patient=ADULT).visits
    assert (first.level, second.level) == (SeverityLevel.MILD, SeverityLevel.SEVERE)
    assert second.change.direction is Direction.UNKNOWN
    assert "when oxygen level was not given" in to_sentences(second.change.reasons)[0]
    worse = Visit(start, ill | {"oxygen_level": 97.0})
    assert track_visits([worse, visits[1]], patient=ADULT).visits[1].change.direction is (
        Direction.WORSENING
    )


@every_base
def test_adding_a_visit_changes_no_earlier_one(base: str) -> None:
    visits = make_course(CourseKind.RELAPSING, 1, with_image=True).visits
    longer = track_visits(visits, patient=ADULT, rule_base=base)
    shorter = track_visits(visits[:-1], patient=ADULT, rule_base=base)
    assert longer.visits[:-1] == shorter.visits
    assert longer.visits[-1].bounds == shorter.bounds


def test_a_visit_without_all_symptoms_says_why_it_has_no_level() -> None:
    visits = list(make_course(CourseKind.STABLE, 1, missing=0).visits)
    visits[3] = Visit(visits[3].time, {"fever_value": 38.0})
    course = track_visits(visits, rule_base=BASE)
    assert course.visits[3].level is None
    assert course.visits[3].note.code == "symptoms_missing"
    assert course.visits[4].level is not None


def test_the_published_base_warns_and_more_so_for_a_child() -> None:
    visits = make_course(CourseKind.STABLE, 1).visits
    adult = track_visits(visits, patient=PatientContext(40), rule_base=BASE).warnings
    child = track_visits(visits, patient=PatientContext(6), rule_base=BASE).warnings
    assert adult[0].code == "rule_base_as_published"
    assert [each.code for each in child if each not in adult] == ["rule_base_for_adults"]
    assert all(each in child for each in adult)


def test_the_guidelines_warn_that_they_were_not_validated() -> None:
    visits = make_course(CourseKind.STABLE, 1).visits
    (warning,) = track_visits(visits, patient=ADULT).warnings
    assert warning.code == "rule_base_not_reviewed"


def test_a_history_of_another_rule_base_or_version_is_refused() -> None:
    visits = make_course(CourseKind.STABLE, 1).visits
    identity = identify_rule_base(BASE)
    assert track_visits(visits, rule_base=identity).rule_base == identity
    with pytest.raises(InputError, match="baral2025@000000000000, this program has baral2025@"):
        track_visits(visits, rule_base="baral2025@000000000000")
    with pytest.raises(InputError, match="unknown rule base 'other'"):
        track_visits(visits, rule_base="other@000000000000")
    with pytest.raises(InputError, match="no visits"):
        track_visits([])
