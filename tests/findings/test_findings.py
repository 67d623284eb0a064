"""Every promise that a value of findings checks is kept, and the values cannot be changed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from pneumoscope.findings import (
    MAX_SIDE,
    MIN_SIDE,
    Abstention,
    Assessment,
    Bounds,
    BundleIdentity,
    Change,
    Confidence,
    Course,
    Decision,
    Diagnosis,
    DicomSource,
    Direction,
    FiredRule,
    Heatmap,
    InputSpec,
    OperatingPoint,
    PatientContext,
    PatientIdentity,
    Prediction,
    Radiograph,
    SeverityLevel,
    TrackedVisit,
    Trend,
    Visit,
)

NAN = float("nan")


def grey(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width), np.float32)


SURE = Confidence(top1=0.6, margin=0.2, entropy=0.9, certainty_index=0.1, contribution=0.05)
POINT = OperatingPoint("B", 0.5, "made up")
DECISION = Decision({"A": 0.6, "B": 0.4}, "A", SURE, POINT)
HEATMAP = Heatmap(grey(40, 50), np.zeros((40, 50), np.bool_), 0.0, ())
PREDICTION = Prediction(("A", "B"), np.zeros(2), np.zeros((2, 7, 7), np.float32))
RADIOGRAPH = Radiograph(grey(40, 50), "a.png", "PNG")
ABSTENTION = Abstention("code", "reason")
DIAGNOSIS = Diagnosis(BundleIdentity("b", "1", "0"), RADIOGRAPH, DECISION, HEATMAP, None)
CONTEXT = PatientContext(45.0, "F")
SPEC = InputSpec()
LEVELS = dict.fromkeys(SeverityLevel, 0.0)
ASSESSMENT = Assessment("base", SeverityLevel.MILD, 1.0, LEVELS, LEVELS, borderline=False)
BOUNDS = Bounds({"fatigue": (0.1, 0.6)}, "base@1", 3)
VISIT = Visit(datetime(2026, 3, 1, tzinfo=UTC), {"fatigue": 0.2}, {"A": 1.0})
CHANGE = Change(Direction.UNKNOWN, "why")
TRACKED = TrackedVisit(VISIT, BOUNDS, ASSESSMENT, ASSESSMENT, SeverityLevel.MILD, CHANGE)
COURSE = Course("base@1", (TRACKED,), BOUNDS)
VALID: list[Any] = [
    SURE,
    POINT,
    DECISION,
    HEATMAP,
    PREDICTION,
    RADIOGRAPH,
    ABSTENTION,
    DIAGNOSIS,
    CONTEXT,
    SPEC,
    DicomSource(),
    PatientIdentity(),
    BundleIdentity("b", "1", "0"),
    FiredRule("S1", SeverityLevel.MILD, 1.0, "why"),
    ASSESSMENT,
    BOUNDS,
    VISIT,
    CHANGE,
    TRACKED,
    COURSE,
    Trend("fatigue", "share", 5, 4.0, 0.1, (0.0, 0.2), 0.04, 0.4, Direction.WORSENING),
]

WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (RADIOGRAPH, {"pixels": np.zeros((40, 50))}, "float64"),
    (RADIOGRAPH, {"pixels": np.zeros((40, 50, 3), np.float32)}, "2-D"),
    (RADIOGRAPH, {"pixels": np.zeros(4000, np.float32)}, "2-D"),
    (RADIOGRAPH, {"pixels": grey(MIN_SIDE - 1, 50)}, "sides"),
    (RADIOGRAPH, {"pixels": grey(50, MIN_SIDE - 1)}, "sides"),
    (RADIOGRAPH, {"pixels": grey(MIN_SIDE, MAX_SIDE + 1)}, "sides"),
    (RADIOGRAPH, {"pixels": grey(0, 0)}, "sides"),
    (CONTEXT, {"age": -0.1}, "age"),
    (CONTEXT, {"age": 130.5}, "age"),
    (CONTEXT, {"age": NAN}, "age"),
    (CONTEXT, {"sex": "m"}, "sex"),
    (CONTEXT, {"sex": ""}, "sex"),
    (SPEC, {"size": 31}, "size"),
    (SPEC, {"size": 1025}, "size"),
    (SPEC, {"clahe_clip": 0.0}, "clip"),
    (SPEC, {"clahe_clip": 40.5}, "clip"),
    (SPEC, {"clahe_clip": NAN}, "clip"),
    (SPEC, {"clahe_tiles": 0}, "tiles"),
    (SPEC, {"clahe_tiles": 33}, "tiles"),
    (SPEC, {"channels": 2}, "channels"),
    (PREDICTION, {"logits": np.zeros(3)}, "logits of shape"),
    (PREDICTION, {"logits": np.zeros((1, 2))}, "logits of shape"),
    (PREDICTION, {"logits": np.array([0, np.nan])}, "finite"),
    (PREDICTION, {"logits": np.array([0, -np.inf])}, "finite"),
    (PREDICTION, {"activation_maps": np.zeros((3, 7, 7), np.float32)}, "activation maps"),
    (PREDICTION, {"activation_maps": np.zeros((2, 7), np.float32)}, "activation maps"),
    (HEATMAP, {"mask": np.zeros((50, 40), np.bool_)}, "shape"),
    (HEATMAP, {"mask_fraction": -0.01}, "mask fraction"),
    (HEATMAP, {"mask_fraction": 1.01}, "mask fraction"),
    (HEATMAP, {"mask_fraction": NAN}, "mask fraction"),
    *(
        (SURE, {field.name: value}, field.name)
        for field in dataclasses.fields(Confidence)
        for value in (-0.01, 1.01, NAN)
    ),
    (POINT, {"threshold": -0.01}, "threshold"),
    (POINT, {"threshold": 1.01}, "threshold"),
    (POINT, {"threshold": NAN}, "threshold"),
    (DECISION, {"predicted": "C"}, "'C'"),
    (DECISION, {"probabilities": {"A": 0.6, "B": 0.3}}, "sum"),
    (DECISION, {"probabilities": {"A": 0.6, "B": 0.41}}, "sum"),
    (BOUNDS, {"ranges": {"fatigue": (0.6, 0.6)}}, "fatigue does not rise"),
    (BOUNDS, {"ranges": {"fatigue": (0.6, 0.1)}}, "fatigue does not rise"),
    (BOUNDS, {"ranges": {"fatigue": (NAN, 0.6)}}, "fatigue does not rise"),
    (BOUNDS, {"ranges": {"fatigue": (0.1, math.inf)}}, "fatigue does not rise"),
    (BOUNDS, {"rule_base": ""}, "rule base"),
    (BOUNDS, {"visits": -1}, "visits"),
    (BOUNDS, {"visits": 0}, "visits"),
    (VISIT, {"time": datetime(2026, 3, 1)}, "time zone"),
    (VISIT, {"symptoms": {"fatigue": NAN}}, "fatigue"),
    (VISIT, {"probabilities": {"A": 1.1}}, "probability"),
    (VISIT, {"probabilities": {"A": NAN}}, "probability"),
    (TRACKED, {"level": None}, "either"),
    (TRACKED, {"note": "why not"}, "note"),
    (TRACKED, {"population": None, "personal": None, "level": None}, "either"),
    (COURSE, {"visits": ()}, "no visit"),
    (DIAGNOSIS, {"decision": None}, "either"),
    (DIAGNOSIS, {"abstained": ABSTENTION}, "either"),
    (DIAGNOSIS, {"decision": None, "heatmap": None}, "either"),
    (DIAGNOSIS, {"heatmap": None}, "heatmap"),
    (DIAGNOSIS, {"decision": None, "abstained": ABSTENTION}, "heatmap"),
]


@pytest.mark.parametrize(("valid", "change", "named"), WRONG)
def test_a_broken_promise_is_refused(valid: Any, change: dict[str, Any], named: str) -> None:
    with pytest.raises((ValueError, TypeError), match=named):
        dataclasses.replace(valid, **change)


BOUNDARY: list[Callable[[], object]] = [
    lambda: Radiograph(grey(MIN_SIDE, MAX_SIDE), "a", "PNG"),
    lambda: PatientContext(0, None),
    lambda: PatientContext(130, "M"),
    lambda: Bounds({}, "base@1", 0),
    lambda: InputSpec(32, 40.0, 1, 1),
    lambda: InputSpec(1024, None, 32, 3),
    lambda: Prediction(("A",), np.zeros(1), np.zeros((1, 1, 1), np.float32)),
    lambda: Confidence(0, 0, 0, 0, 0),
    lambda: Confidence(1, 1, 1, 1, 1),
    lambda: OperatingPoint("A", 0, "never negative"),
    lambda: OperatingPoint("A", 1, "only when certain"),
    lambda: Decision({"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}, "C", SURE),
    lambda: dataclasses.replace(DIAGNOSIS, decision=None, heatmap=None, abstained=ABSTENTION),
]


@pytest.mark.parametrize("make", BOUNDARY)
def test_the_bounds_themselves_are_allowed(make: Callable[[], object]) -> None:
    make()


@pytest.mark.parametrize("value", VALID, ids=lambda value: type(value).__name__)
def test_a_value_is_frozen(value: Any) -> None:
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)
    assert not hasattr(value, "__dict__")


def test_height_is_rows_and_width_is_columns() -> None:
    assert (RADIOGRAPH.height, RADIOGRAPH.width) == (40, 50)


@pytest.mark.parametrize(("probability", "positive"), [(0.49, False), (0.5, True), (0.51, True)])
def test_positive_is_at_or_above_the_threshold(probability: float, positive: bool) -> None:
    probabilities = {"A": 1 - probability, "B": probability}
    assert Decision(probabilities, "A", SURE, POINT).positive is positive
    assert Decision(probabilities, "A", SURE).positive is None


def test_severity_runs_from_least_to_most() -> None:
    assert [level.value for level in SeverityLevel] == ["negligible", "mild", "moderate", "severe"]


def test_a_diagnosis_always_says_that_it_is_none() -> None:
    assert "does not make a diagnosis" in DIAGNOSIS.notice
