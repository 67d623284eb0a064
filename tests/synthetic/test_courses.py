"""Made-up courses: seeded, plausible, and what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.errors import InputError
from pneumoscope.severity import SYMPTOMS, check_symptoms
from pneumoscope.synthetic import CourseKind, make_course

KINDS = list(CourseKind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_one_patient_within_the_accepted_ranges(kind: CourseKind) -> None:
    for seed in range(20):
        course = make_course(kind, seed, outliers=0.2, with_image=True)
        assert course == make_course(kind, seed, outliers=0.2, with_image=True)
        assert len(course.visits) == len(course.illness) == 30
        times = [visit.time for visit in course.visits]
        assert times == sorted(set(times))
        for visit in course.visits:
            check_symptoms(visit.symptoms, required={"fever_value"})
            assert visit.probabilities is not None
            assert sum(visit.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_illness_does_what_the_course_says(kind: CourseKind) -> None:
    for seed in range(30):
        course = make_course(kind, seed)
        change = np.diff(course.illness)
        if kind is CourseKind.STABLE:
            assert course.onset is None
            assert (change == 0).all()
        elif kind is CourseKind.RECOVERING:
            assert course.onset is None
            assert (change < 0).all()
        else:
            assert course.onset is not None
            assert 8 <= course.onset <= 15
            before, after = change[: course.onset - 1], change[course.onset - 1 :]
            assert (before <= 0).all()
            assert after[0] > 0
            assert (after >= 0).all()


def test_gaps_and_outliers_come_as_often_as_asked() -> None:
    courses = [make_course(CourseKind.STABLE, seed, missing=0.3) for seed in range(30)]
    found = [len(visit.symptoms) for course in courses for visit in course.visits]
    assert np.mean(found) == pytest.approx(1 + 10 * 0.7, abs=0.15)
    whole = make_course(CourseKind.STABLE, 0, missing=0, outliers=0)
    assert all(visit.symptoms.keys() == SYMPTOMS.keys() for visit in whole.visits)
    with_nonsense = make_course(CourseKind.STABLE, 0, missing=0, outliers=1)
    spread = [
        np.std([v.symptoms["oxygen_level"] for v in c.visits]) for c in (whole, with_nonsense)
    ]
    assert spread[1] > 3 * spread[0]


def test_symptoms_move_together() -> None:
    course = make_course(CourseKind.WORSENING, 4, missing=0, outliers=0)
    for name, sign in (("breathlessness", 1), ("fever_value", 1), ("oxygen_level", -1)):
        values = [visit.symptoms[name] for visit in course.visits]
        assert sign * np.corrcoef(values, course.illness)[0, 1] > 0.8


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        make_course(CourseKind.STABLE, -1)
    with pytest.raises(ValueError, match="too few"):
        make_course(CourseKind.STABLE, 0, visits=19)
