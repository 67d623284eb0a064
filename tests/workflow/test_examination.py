"""One visit as a whole: `diagnose` and `track_visits` are its special cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.documents import to_document
from pneumoscope.errors import InputError, SymptomError, VisitError
from pneumoscope.findings import ImageKind, PatientContext, Radiograph, Visit
from pneumoscope.imaging import read_radiograph
from pneumoscope.severity import SYMPTOMS
from pneumoscope.synthetic import CourseKind, make_course
from pneumoscope.workflow import Reader, diagnose, examine, track_visits

ADULT = PatientContext(54, "F")
START = datetime(2026, 3, 1, tzinfo=UTC)
every_base = pytest.mark.parametrize("base", ["guideline", "baral2025"])


@pytest.fixture(scope="module")
def reader(tiny_bundle: Bundle) -> Reader:
    return Reader(tiny_bundle)


@pytest.fixture
def image(save: Callable[[np.ndarray, str], Path]) -> Path:
    grey = np.full((64, 64), 40, np.uint8)
    grey[16:, 32:] = 220
    return save(grey, "right.png")


def visits(count: int) -> tuple[Visit, ...]:
    course = make_course(CourseKind.WORSENING, 3, missing=0)
    return tuple(replace(visit, probabilities=None) for visit in course.visits[:count])


@every_base
def test_without_a_history_it_is_diagnose(
    tiny_bundle: Bundle, reader: Reader, image: Path, base: str
) -> None:
    symptoms = visits(1)[0].symptoms
    found = examine(
        reader,
        Visit(START, symptoms),
        read_radiograph(image),
        patient=ADULT,
        rule_base=base,
        now=START,
    )
    alone = diagnose(
        image,
        symptoms=symptoms,
        age=ADULT.age,
        sex=ADULT.sex,
        bundle=str(tiny_bundle.folder),
        rule_base=base,
        now=START,
    )
    assert found.diagnosis is not None
    assert to_document(found.diagnosis) == to_document(alone)


@every_base
def test_without_radiographs_it_is_track(reader: Reader, base: str) -> None:
    history = None
    for number, visit in enumerate(visits(6), 1):
        found = examine(reader, visit, history=history, patient=ADULT, rule_base=base)
        assert found.diagnosis is None
        history = found.course
        assert history == track_visits(visits(6)[:number], patient=ADULT, rule_base=base)


@every_base
def test_with_both_the_diagnosis_and_the_course_say_the_same(
    reader: Reader, image: Path, base: str
) -> None:
    radiograph, history = read_radiograph(image), None
    for visit in visits(7):
        found = examine(reader, visit, radiograph, history, patient=ADULT, rule_base=base)
        assert found.diagnosis is not None
        assert found.course is not None
        tracked, severity = found.course.visits[-1], found.diagnosis.severity
        assert severity is not None
        assert tracked.visit.probabilities == found.diagnosis.decision.probabilities
        assert tracked.population is not None
        assert (tracked.population.level, tracked.population.score) == (
            severity.level,
            severity.score,
        )
        # Without earlier visits there are no ranges of the patient's own to tell of.
        assert severity.personal == (None if history is None else tracked.personal)
        history = found.course
    assert len(history.visits) == 7


def test_age_and_sex_of_the_header_count_in_the_course(reader: Reader, phantom_dicom: Path) -> None:
    radiograph = read_radiograph(phantom_dicom)
    assert radiograph.patient.age is not None
    found = examine(reader, Visit(START, {"oxygen_level": 90.0}), radiograph)
    assert found.course is not None
    assert found.course.visits[0].level is not None


def test_a_refused_image_leaves_the_visit_to_the_symptoms(
    reader: Reader, phantom_dicom: Path
) -> None:
    radiograph = read_radiograph(phantom_dicom)
    assert radiograph.dicom is not None
    hand = replace(radiograph, dicom=replace(radiograph.dicom, body_part="HAND"))
    found = examine(reader, Visit(START, {"oxygen_level": 90.0}), hand)
    assert found.diagnosis is not None
    assert found.diagnosis.abstained is not None
    assert found.course is not None
    assert found.course.visits[0].visit.probabilities is None
    assert found.course.visits[0].level is not None


def test_a_ct_slice_is_no_evidence_in_a_course(variant: Callable[..., str], image: Path) -> None:
    ct = Reader(find_bundle(variant(reads=ImageKind.CHEST_CT.value)))
    found = examine(ct, Visit(START, {"oxygen_level": 90.0}), read_radiograph(image), patient=ADULT)
    assert found.course is not None
    assert found.course.visits[0].visit.probabilities is None


def test_a_patient_whom_the_rules_do_not_cover_still_has_the_diagnosis(
    reader: Reader, image: Path
) -> None:
    radiograph = read_radiograph(image)
    newborn = PatientContext(0.01)
    found = examine(reader, Visit(START, {"oxygen_level": 90.0}), radiograph, patient=newborn)
    assert found.course is None
    assert found.diagnosis is not None
    assert "no_severity" in {warning.code for warning in found.diagnosis.warnings}


def test_what_cannot_be_examined_is_refused(reader: Reader, image: Path) -> None:
    radiograph: Radiograph = read_radiograph(image)
    first = Visit(START, {"oxygen_level": 90.0})
    history = examine(reader, first, patient=ADULT).course
    later = Visit(START + timedelta(days=1), {"oxygen_level": 91.0})
    with pytest.raises(VisitError, match="not later"):
        examine(reader, first, history=history, patient=ADULT)
    with pytest.raises(InputError, match="were scored by guideline"):
        examine(reader, later, history=history, patient=ADULT, rule_base="baral2025")
    with pytest.raises(InputError, match="has probabilities already"):
        examine(reader, replace(later, probabilities={"PNEUMONIA": 1.0}), radiograph)
    with pytest.raises(SymptomError):
        examine(reader, Visit(START, {"oxygen_level": 300.0}), radiograph, patient=ADULT)
    assert set(SYMPTOMS) > set(first.symptoms)
    with pytest.raises(SymptomError):
        examine(reader, first, radiograph, patient=ADULT, rule_base="baral2025")
