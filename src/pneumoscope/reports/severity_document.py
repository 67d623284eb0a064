"""A severity as JSON values, within a diagnosis or on its own."""

from __future__ import annotations

from collections.abc import Mapping

from pneumoscope.findings import (
    NOTICE,
    Assessment,
    BedsideScore,
    FiredRule,
    GradedInput,
    ImageEffect,
    LevelInterval,
    Message,
    PatientContext,
    PersonalView,
    Provenance,
    SeverityLevel,
)
from pneumoscope.reports.catalogue import message_values
from pneumoscope.reports.provenance_document import provenance_values

_SCHEMA_VERSION = 1


def to_severity_document(
    severity: Assessment,
    *,
    symptoms: Mapping[str, float],
    patient: PatientContext,
    warnings: tuple[Message, ...] = (),
    provenance: Provenance,
) -> dict[str, object]:
    """Give a severity as plain JSON values, as docs/reference/severity.schema.json says.

    Parameters
    ----------
    severity : Assessment
        From the symptoms alone.
    symptoms : mapping of str to float
        What was given, in the inputs' units.
    patient : PatientContext
        Age and sex.
    warnings : tuple of Message
        What the reader must know before believing the level.
    provenance : Provenance
        How it was made.

    Returns
    -------
    dict of str to object
        In the order of the schema, with the notice.
    """
    return {
        "schema_version": _SCHEMA_VERSION,
        "patient": {"age": patient.age, "sex": patient.sex},
        "symptoms": {name: float(value) for name, value in symptoms.items()},
        "severity": severity_values(severity),
        "warnings": message_values(warnings),
        "provenance": provenance_values(provenance),
        "notice": NOTICE,
    }


def severity_values(severity: Assessment) -> dict[str, object]:
    """Give an assessment as plain JSON values, in the order of the schema."""
    return {
        "rule_base": severity.rule_base,
        "level": severity.level.value,
        "score": float(severity.score),
        "scores": _per_level(severity.scores),
        "adjusted": _per_level(severity.adjusted),
        "borderline": bool(severity.borderline),
        "interval": None if severity.interval is None else interval_values(severity.interval),
        "image": None if severity.image is None else _image(severity.image),
        "fired": [_rule(rule) for rule in severity.fired],
        "influences": [
            {
                "input": one.name,
                "value": one.value,
                "healthy": one.healthy,
                "change": one.change,
                "level_without": one.level_without.value,
            }
            for one in severity.influences
        ],
        "turning_points": [
            {"input": one.name, "value": one.value, "level": one.level.value}
            for one in severity.turning_points
        ],
        "inputs": [_input(one) for one in severity.inputs],
        "bedside": [_bedside(one) for one in severity.bedside],
        "personal": None if severity.personal is None else _personal(severity.personal),
        "trace": list(severity.trace),
    }


def _per_level(points: Mapping[SeverityLevel, float]) -> dict[str, float]:
    return {level.value: float(points[level]) for level in SeverityLevel}


def interval_values(interval: LevelInterval) -> dict[str, object]:
    """Give what missing symptoms leave open as plain JSON values, in the order of the schema."""
    return {
        "least": interval.least.value,
        "most": interval.most.value,
        "least_score": interval.least_score,
        "most_score": interval.most_score,
        "missing": list(interval.missing),
    }


def _image(effect: ImageEffect) -> dict[str, object]:
    return {
        "level_without": effect.level_without.value,
        "level_with": effect.level_with.value,
        "score_without": effect.score_without,
        "score_with": effect.score_with,
    }


def _personal(view: PersonalView) -> dict[str, object]:
    return {
        "level": view.level.value,
        "score": view.score,
        "visits": view.visits,
        "most": view.most.value,
    }


def _rule(rule: FiredRule) -> dict[str, object]:
    return {
        "rule": rule.rule,
        "level": rule.level.value,
        "weight": float(rule.weight),
        "strength": float(rule.strength),
        "explanation": rule.explanation,
        "because": rule.because,
    }


def _input(graded: GradedInput) -> dict[str, object]:
    return {
        "name": graded.name,
        "of": graded.of,
        "unit": graded.unit,
        "value": float(graded.value),
        "slopes": {term: list(ends) for term, ends in graded.slopes.items()},
        "memberships": dict(graded.memberships),
    }


def _bedside(score: BedsideScore) -> dict[str, object]:
    return {
        "name": score.name,
        "least": score.least,
        "most": score.most,
        "least_class": score.least_class,
        "most_class": score.most_class,
        "missing": list(score.missing),
        "levels": [level.value for level in score.levels],
        "agreement": score.agreement,
        "reference": score.reference,
    }
