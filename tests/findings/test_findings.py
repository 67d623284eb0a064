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
    About,
    AgeGroup,
    AgeGroupChoice,
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
    Message,
    OperatingPoint,
    PatientContext,
    PatientIdentity,
    Prediction,
    Profile,
    Purpose,
    Radiograph,
    SeverityLevel,
    TrackedVisit,
    Trend,
    Visit,
    Zone,
)

NAN = float("nan")


def grey(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width), np.float32)


SURE = Confidence(top1=0.6, margin=0.2, entropy=0.9, certainty_index=0.1, contribution=0.05)
ADULTS = AgeGroup("adults", 13.0)
CHOICE = AgeGroupChoice("adults", "image", 0.9)
POINT = OperatingPoint(
    Purpose.RULE_OUT, "B", 0.3, "made up", sensitivity=(0.9, 0.8, 0.95), specificity=(0.5, 0.5, 1)
)
RULE_IN = OperatingPoint(Purpose.RULE_IN, "B", 0.7, "made up")
PROFILE = Profile(
    "adults", ("A", "B"), 1.5, {"A": 0.0, "B": -0.1}, "AP", (POINT, RULE_IN), 0.9, 0.2
)
DECISION = Decision(
    {"A": 0.6, "B": 0.4}, "A", SURE, CHOICE, "AP", (POINT, RULE_IN), ("A", "B"), coverage=0.9
)
HEATMAP = Heatmap(grey(40, 50), np.zeros((40, 50), np.bool_), 0.0, (), "A")
EVIDENCE = dataclasses.replace(
    HEATMAP, method="evidence", outlined=False, why_not_outlined="too faint"
)
PREDICTION = Prediction(
    ("A", "B"),
    np.zeros((3, 2)),
    np.zeros((3, 2, 7, 7), np.float32),
    evidence=np.zeros((1, 5, 5), np.float32),
    age_group_logits=np.zeros(3),
    distance=np.zeros(3),
)
RADIOGRAPH = Radiograph(grey(40, 50), "a.png", "PNG")
ABSTENTION = Message("code", About.IMAGE)
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
    ADULTS,
    CHOICE,
    PROFILE,
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
    (PREDICTION, {"logits": np.zeros(2)}, "logits of shape"),
    (PREDICTION, {"logits": np.zeros((3, 3))}, "logits of shape"),
    (PREDICTION, {"logits": np.zeros((0, 2))}, "logits of shape"),
    (PREDICTION, {"logits": np.full((3, 2), np.nan)}, "finite"),
    (PREDICTION, {"logits": np.full((3, 2), -np.inf)}, "finite"),
    (PREDICTION, {"activation_maps": np.zeros((2, 2, 7, 7), np.float32)}, "activation maps"),
    (PREDICTION, {"activation_maps": np.zeros((3, 2, 7), np.float32)}, "activation maps"),
    (PREDICTION, {"activation_maps": np.full((3, 2, 7, 7), -1, np.float32)}, "negative"),
    (PREDICTION, {"evidence": np.zeros((5, 5), np.float32)}, "evidence maps of shape"),
    (PREDICTION, {"evidence": np.full((1, 5, 5), 1.01, np.float32)}, "outside 0..1"),
    (PREDICTION, {"evidence": np.full((1, 5, 5), np.nan, np.float32)}, "outside 0..1"),
    (PREDICTION, {"age_group_logits": np.zeros(2)}, "age_group_logits"),
    (PREDICTION, {"age_group_logits": np.full(3, np.inf)}, "age_group_logits"),
    (PREDICTION, {"distance": np.zeros((3, 1))}, "distance"),
    (PREDICTION, {"distance": np.full(3, np.nan)}, "distance"),
    (PREDICTION, {"distance": np.array([0, 0, -1.0])}, "negative"),
    (ADULTS, {"from_age": -1}, "youngest"),
    (ADULTS, {"from_age": NAN}, "youngest"),
    (ADULTS, {"to_age": 13}, "rise"),
    (ADULTS, {"to_age": NAN}, "rise"),
    (CHOICE, {"probability": None}, "goes with"),
    (CHOICE, {"chosen_by": "age"}, "goes with"),
    (CHOICE, {"probability": 1.1}, "outside 0..1"),
    (PROFILE, {"temperature": 0}, "temperature"),
    (PROFILE, {"temperature": NAN}, "temperature"),
    (PROFILE, {"classes": ("A",), "biases": {"A": 0}}, "taught classes"),
    (PROFILE, {"classes": ("A", "B", "B")}, "taught classes"),
    (PROFILE, {"biases": {"A": 0}}, "biases"),
    (PROFILE, {"classes": ("A", "C"), "biases": {"A": 0, "C": 0}}, "not a class"),
    (PROFILE, {"operating_points": (POINT, POINT)}, "same purpose"),
    (PROFILE, {"coverage": None}, "go together"),
    (PROFILE, {"coverage": 1}, "coverage"),
    (PROFILE, {"min_probability": 1.1}, "least probability"),
    (HEATMAP, {"outlined": False}, "says why"),
    (HEATMAP, {"why_not_outlined": "why"}, "says why"),
    (EVIDENCE, {"mask": np.ones((40, 50), np.bool_)}, "not outlined"),
    (EVIDENCE, {"contours": (((0.0, 0.0),),)}, "not outlined"),
    (HEATMAP, {"lung_share": 1.1}, "lung share"),
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
    (POINT, {"sensitivity": (0.9, 0.91, 0.95)}, "sensitivity"),
    (POINT, {"specificity": (0.9, 0.8, 1.1)}, "specificity"),
    (POINT, {"specificity": (0.9, NAN, 1)}, "specificity"),
    (DECISION, {"predicted": "C"}, "'C'"),
    (DECISION, {"probabilities": {"A": 0.6, "B": 0.3}}, "sum"),
    (DECISION, {"probabilities": {"A": 0.6, "B": 0.41}}, "sum"),
    (DECISION, {"operating_points": (POINT, POINT)}, "same purpose"),
    (DECISION, {"operating_points": (dataclasses.replace(POINT, label="C"),)}, "not a class"),
    (
        DECISION,
        {"operating_points": (POINT, dataclasses.replace(RULE_IN, label="A"))},
        "different classes",
    ),
    (
        DECISION,
        {"operating_points": (POINT, dataclasses.replace(RULE_IN, threshold=0.2))},
        "below the rule-out",
    ),
    (DECISION, {"prediction_set": ()}, "go together"),
    (DECISION, {"coverage": None}, "go together"),
    (DECISION, {"prediction_set": ("B",)}, "lacks the predicted"),
    (DECISION, {"prediction_set": ("A", "C")}, "without a probability"),
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
    (DIAGNOSIS, {"grad_cam": HEATMAP}, "Grad-CAM"),
    (
        DIAGNOSIS,
        {"decision": None, "abstained": ABSTENTION, "heatmap": None, "grad_cam": HEATMAP},
        "Grad-CAM",
    ),
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
    lambda: Prediction(("A",), np.zeros((1, 1)), np.zeros((1, 1, 1, 1), np.float32)),
    lambda: AgeGroup("everyone", 0),
    lambda: AgeGroupChoice("everyone", "only"),
    lambda: dataclasses.replace(EVIDENCE, lung_share=1.0),
    lambda: dataclasses.replace(DIAGNOSIS, heatmap=EVIDENCE, grad_cam=HEATMAP),
    lambda: Confidence(0, 0, 0, 0, 0),
    lambda: Confidence(1, 1, 1, 1, 1),
    lambda: OperatingPoint(Purpose.RULE_IN, "A", 0, "never negative", (0, 0, 0), (1, 1, 1)),
    lambda: OperatingPoint(Purpose.RULE_OUT, "A", 1, "only when certain"),
    lambda: Decision({"A": 1 / 3, "B": 1 / 3, "C": 1 / 3}, "C", SURE, CHOICE),
    lambda: dataclasses.replace(
        DECISION, operating_points=(POINT, dataclasses.replace(RULE_IN, threshold=POINT.threshold))
    ),
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


@pytest.mark.parametrize(
    ("probability", "both", "out_alone", "in_alone"),
    [
        (0.29, Zone.NEGATIVE, Zone.NEGATIVE, Zone.INDETERMINATE),
        (0.3, Zone.INDETERMINATE, Zone.INDETERMINATE, Zone.INDETERMINATE),
        (0.69, Zone.INDETERMINATE, Zone.INDETERMINATE, Zone.INDETERMINATE),
        (0.7, Zone.POSITIVE, Zone.INDETERMINATE, Zone.POSITIVE),
    ],
)
def test_zones_begin_at_their_thresholds(
    probability: float, both: Zone, out_alone: Zone, in_alone: Zone
) -> None:
    probabilities = {"A": 1 - probability, "B": probability}
    cases = ((POINT, RULE_IN), both), ((RULE_IN, POINT), both), ((POINT,), out_alone)
    for points, zone in (*cases, ((RULE_IN,), in_alone)):
        decision = Decision(probabilities, "A", SURE, CHOICE, operating_points=points)
        assert decision.zone is zone
        assert decision.positive_label == "B"


def test_without_thresholds_there_is_no_zone() -> None:
    decision = Decision({"A": 0.5, "B": 0.5}, "A", SURE, CHOICE)
    assert (decision.zone, decision.positive_label) == (None, None)


@pytest.mark.parametrize(("age", "inside"), [(12.99, False), (13, True), (130, True)])
def test_a_group_without_an_end_begins_at_its_first_age(age: float, inside: bool) -> None:
    assert ADULTS.covers(age) is inside
    assert AgeGroup("children", 0, 13).covers(age) is not inside


def test_severity_runs_from_least_to_most() -> None:
    assert [level.value for level in SeverityLevel] == ["negligible", "mild", "moderate", "severe"]


def test_a_diagnosis_always_says_that_it_is_none() -> None:
    assert "does not make a diagnosis" in DIAGNOSIS.notice
