"""A patient's course as JSON values: docs/reference/course.schema.json."""

from __future__ import annotations

from collections.abc import Mapping

from pneumoscope.findings import (
    NOTICE,
    Assessment,
    Bounds,
    Change,
    Course,
    PersonalView,
    Provenance,
    TrackedVisit,
    Trend,
)
from pneumoscope.reports.catalogue import message_values
from pneumoscope.reports.document import SCHEMA_VERSION
from pneumoscope.reports.provenance_document import provenance_values
from pneumoscope.reports.severity_document import interval_values


def to_course_document(course: Course, provenance: Provenance) -> dict[str, object]:
    """Give a course as JSON values.

    Parameters
    ----------
    course : Course
        All visits.
    provenance : Provenance
        How it was made.

    Returns
    -------
    dict of str to object
        In the order of the schema, with the notice.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "rule_base": course.rule_base,
        "visits": [_visit(tracked) for tracked in course.visits],
        "bounds": _bounds(course.bounds),
        "change": _change(course.visits[-1].change),
        "warnings": message_values(course.warnings),
        "provenance": provenance_values(provenance),
        "notice": NOTICE,
    }


def _visit(tracked: TrackedVisit) -> dict[str, object]:
    visit = tracked.visit
    return {
        "time": visit.time.isoformat(),
        "symptoms": _floats(visit.symptoms),
        "probabilities": None if visit.probabilities is None else _floats(visit.probabilities),
        "bounds": _bounds(tracked.bounds),
        "population": _population(tracked.population),
        "personal": _personal(tracked.personal),
        "level": None if tracked.level is None else tracked.level.value,
        "note": tracked.note or None,
        "change": {
            "direction": tracked.change.direction.value,
            "reason": tracked.change.reason,
        },
    }


def _bounds(bounds: Bounds) -> dict[str, object]:
    return {
        "visits": bounds.visits,
        "ranges": {name: [float(low), float(high)] for name, (low, high) in bounds.ranges.items()},
    }


def _population(assessment: Assessment | None) -> dict[str, object] | None:
    if assessment is None:
        return None
    interval = assessment.interval
    return {
        "level": assessment.level.value,
        "score": float(assessment.score),
        "interval": None if interval is None else interval_values(interval),
    }


def _personal(view: PersonalView | None) -> dict[str, object] | None:
    if view is None:
        return None
    return {"level": view.level.value, "score": float(view.score), "most": view.most.value}


def _change(change: Change) -> dict[str, object]:
    return {
        "direction": change.direction.value,
        "reason": change.reason,
        "burden": None if change.burden is None else _trend(change.burden),
        "trends": [_trend(trend) for trend in change.trends],
    }


def _trend(trend: Trend) -> dict[str, object]:
    return {
        "name": trend.name,
        "unit": trend.unit,
        "visits": trend.visits,
        "days": trend.days,
        "slope": trend.slope,
        "ci95": list(trend.interval),
        "p_value": trend.p_value,
        "change": trend.change,
        "direction": trend.direction.value,
    }


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
