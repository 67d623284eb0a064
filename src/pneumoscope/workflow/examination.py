"""A patient's visit: the radiograph, the symptoms and the earlier visits, together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from pneumoscope.errors import InputError
from pneumoscope.findings import (
    Course,
    Diagnosis,
    ImageKind,
    PatientContext,
    Radiograph,
    Visit,
)
from pneumoscope.severity import GUIDELINE, PatientNotCoveredError, check_case
from pneumoscope.tracking import TrackingOptions
from pneumoscope.workflow.diagnose import Reader
from pneumoscope.workflow.track import advance, rule_base_of, track_visits


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """What is said at one visit.

    Attributes
    ----------
    diagnosis : Diagnosis or None
        From the radiograph and the symptoms, beside it the level within the patient's own ranges;
        None without a radiograph.
    course : Course or None
        All visits with this one at the end; None where the rule base does not cover the patient.
    """

    diagnosis: Diagnosis | None
    course: Course | None


def examine(
    reader: Reader,
    visit: Visit,
    radiograph: Radiograph | None = None,
    history: Course | None = None,
    *,
    patient: PatientContext | None = None,
    rule_base: str | None = None,
    options: TrackingOptions | None = None,
    now: datetime | None = None,
) -> Examination:
    """Examine a patient at a visit: read the image, assess, compare with the earlier visits.

    `Reader.diagnose` is the same without a history, `track_visits` without a radiograph.

    Parameters
    ----------
    reader : Reader
        A bundle that is ready.
    visit : Visit
        Its time and symptoms. With a radiograph its probabilities are those of the image, where
        something is said of it.
    radiograph : Radiograph, optional
        As `imaging.read_radiograph` reads it.
    history : Course, optional
        The patient's earlier visits; None at the first.
    patient : PatientContext, optional
        Age and sex; what is missing is taken from the radiograph's header.
    rule_base : str, optional
        One of `rule_bases()`; by default the history's, else `guideline`. The history's at a later
        visit.
    options : TrackingOptions, optional
        Of the personal ranges, the same at every visit.
    now : datetime, optional
        The time to be kept in the diagnosis, with its time zone.

    Returns
    -------
    Examination

    Raises
    ------
    VisitError
        The visit is not later than the history's last.
    SymptomError
        A symptom is impossible, or missing for `baral2025`.
    InputError
        The visit has probabilities already, or the rule base is not the history's.
    """
    if radiograph is not None and visit.probabilities is not None:
        raise InputError("the visit has probabilities already; give these or the radiograph")
    name = _rule_base(rule_base, history)
    check_case(visit.symptoms, rule_base=name)
    who, diagnosis = patient or PatientContext(), None
    if radiograph is not None:
        diagnosis = reader.diagnose(
            radiograph,
            symptoms=visit.symptoms,
            patient=who,
            bounds=None if history is None else history.bounds,
            rule_base=name,
            now=now,
        )
        who, visit = diagnosis.patient, _with_answer(visit, diagnosis)
    try:
        if history is None:
            course = track_visits([visit], patient=who, rule_base=name, options=options)
        else:
            course = advance(history, visit, patient=who, options=options)
    except PatientNotCoveredError:
        if diagnosis is None:
            raise
        return Examination(diagnosis, None)  # the diagnosis has a warning that says why
    return Examination(diagnosis, course)


def _rule_base(given: str | None, history: Course | None) -> str:
    if history is None:
        return given or GUIDELINE
    scored = rule_base_of(history)
    if given not in (None, scored):
        raise InputError(f"the earlier visits were scored by {scored}; go on with it")
    return scored


def _with_answer(visit: Visit, diagnosis: Diagnosis) -> Visit:
    """Add what the image says; nothing after an abstention, or of another kind of image."""
    decision = diagnosis.decision
    if decision is None or diagnosis.bundle.reads is not ImageKind.CHEST_RADIOGRAPH:
        return visit
    return replace(visit, probabilities=decision.probabilities)
