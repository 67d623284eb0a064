"""Calibration, and the decision that follows from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.decision import calibrated, decide
from pneumoscope.findings import (
    AgeGroup,
    AgeGroupChoice,
    Decision,
    OperatingPoint,
    Prediction,
    Profile,
    Purpose,
    Zone,
)

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
ORDINARY = hnp.arrays(np.float64, 3, elements=st.floats(-30, 30))
EXTREME = hnp.arrays(np.float64, 3, elements=st.floats(-1e300, 1e300))
TEMPERATURE = st.floats(0.05, 100)


EVERYONE = (AgeGroup("everyone", 0),)
GROUPS = (AgeGroup("children", 0, 13), AgeGroup("adults", 13))


def prediction(
    classes: tuple[str, ...], logits: np.ndarray, age_group_logits: np.ndarray | None = None
) -> Prediction:
    heads = np.atleast_2d(logits)
    maps = np.zeros((*heads.shape, 1, 1), np.float32)
    return Prediction(classes, heads, maps, age_group_logits=age_group_logits)


def profile(age_group: str = "everyone", **changes: Any) -> Profile:
    classes = changes.pop("classes", CLASSES)
    values = {"temperature": 1.0, "biases": dict.fromkeys(classes, 0.0)} | changes
    return Profile(age_group, classes, **values)


def alone(answer: Prediction, **changes: Any) -> Decision:
    """Decide by one profile for all ages."""
    mine = profile(classes=answer.classes, **changes)
    return decide(answer, age_groups=EVERYONE, profiles=(mine,))


@given(ORDINARY, TEMPERATURE)
def test_parity_with_the_definition(logits: np.ndarray, temperature: float) -> None:
    shift = float(logits.max())
    powers = [math.exp((float(z) - shift) / temperature) for z in logits]
    expected = [power / math.fsum(powers) for power in powers]
    np.testing.assert_allclose(calibrated(logits, temperature), expected, rtol=1e-12, atol=1e-300)


@given(EXTREME, st.floats(1e-3, 100))
def test_any_finite_logits_give_probabilities(logits: np.ndarray, temperature: float) -> None:
    values = calibrated(logits, temperature)
    assert ((values >= 0) & (values <= 1)).all()
    assert values.sum() == pytest.approx(1, abs=1e-12)


@given(ORDINARY, TEMPERATURE)
def test_the_order_of_the_classes_is_kept(logits: np.ndarray, temperature: float) -> None:
    values = calibrated(logits, temperature)
    assert (np.diff(values[np.argsort(logits)]) >= 0).all()
    assert values[logits.argmax()] == values.max()


@given(ORDINARY, TEMPERATURE, st.floats(1, 10))
def test_a_higher_temperature_is_never_surer(
    logits: np.ndarray, temperature: float, factor: float
) -> None:
    cool, warm = calibrated(logits, temperature), calibrated(logits, temperature * factor)
    assert warm.max() <= cool.max() + 1e-12
    assert warm.min() >= cool.min() - 1e-12


@given(ORDINARY, TEMPERATURE, st.floats(-100, 100))
def test_a_shift_of_all_logits_changes_nothing(
    logits: np.ndarray, temperature: float, shift: float
) -> None:
    np.testing.assert_allclose(
        calibrated(logits + shift, temperature), calibrated(logits, temperature), atol=1e-9
    )


@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(-30, 30)), TEMPERATURE)
def test_rows_are_calibrated_one_by_one(logits: np.ndarray, temperature: float) -> None:
    together = calibrated(logits, temperature)
    for row, logit in zip(together, logits, strict=True):
        np.testing.assert_array_equal(row, calibrated(logit, temperature))


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_temperature_must_be_above_zero(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        calibrated(np.zeros(3), temperature)


@given(
    ORDINARY,
    TEMPERATURE,
    hnp.arrays(np.float64, 3, elements=st.floats(-20, 20)),
    hnp.arrays(np.bool_, 3).filter(np.any),
)
def test_biases_and_classes_that_were_not_taught(
    logits: np.ndarray, temperature: float, biases: np.ndarray, taught: np.ndarray
) -> None:
    scores = [float(z) / temperature + float(b) for z, b in zip(logits, biases, strict=True)]
    shift = max(score for score, known in zip(scores, taught, strict=True) if known)
    powers = [
        math.exp(score - shift) if known else 0.0
        for score, known in zip(scores, taught, strict=True)
    ]
    expected = [power / math.fsum(powers) for power in powers]
    values = calibrated(logits, temperature, biases, taught)
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-300)
    assert (values[~taught] == 0).all()


@given(ORDINARY, TEMPERATURE)
def test_biases_of_zero_change_nothing(logits: np.ndarray, temperature: float) -> None:
    plain = calibrated(logits, temperature)
    np.testing.assert_array_equal(calibrated(logits, temperature, np.zeros(3)), plain)


@pytest.mark.parametrize("temperature", [1e-300, 1, 100])
def test_extreme_logits_decide(temperature: float) -> None:
    with np.errstate(over="ignore"):
        decision = alone(prediction(CLASSES, np.array([-1e4, 0, 1e4])), temperature=temperature)
    assert decision.predicted == "PNEUMONIA"
    assert decision.probabilities["PNEUMONIA"] == pytest.approx(1)


@given(ORDINARY, TEMPERATURE)
def test_a_decision_names_the_most_probable_class(logits: np.ndarray, temperature: float) -> None:
    decision = alone(prediction(CLASSES, logits), temperature=temperature)
    assert tuple(decision.probabilities) == CLASSES
    assert list(decision.probabilities.values()) == calibrated(logits, temperature).tolist()
    assert decision.probabilities[decision.predicted] == max(decision.probabilities.values())
    assert decision.confidence.top1 == decision.probabilities[decision.predicted]
    assert decision.age_group == AgeGroupChoice("everyone", "only")
    assert (decision.zone, decision.prediction_set, decision.coverage) == (None, (), None)


def test_the_operating_point_does_not_change_the_class() -> None:
    answer = prediction(CLASSES, np.log([0.6, 0.1, 0.3]))
    for threshold, zone in ((0.25, Zone.POSITIVE), (0.35, Zone.INDETERMINATE)):
        point = OperatingPoint(Purpose.RULE_IN, "PNEUMONIA", threshold, "made up")
        decision = alone(answer, operating_points=(point,))
        assert decision.predicted == "NORMAL"
        assert decision.zone is zone
        assert decision.operating_points == (point,)


@given(ORDINARY, st.floats(0, 1))
def test_a_prediction_set_is_what_reaches_the_least_probability(
    logits: np.ndarray, least: float
) -> None:
    decision = alone(prediction(CLASSES, logits), coverage=0.9, min_probability=least)
    values = decision.probabilities
    kept = set(decision.prediction_set)
    assert kept == {name for name in CLASSES if values[name] >= least} | {decision.predicted}
    ranked = [values[name] for name in decision.prediction_set]
    assert decision.prediction_set[0] == decision.predicted
    assert ranked == sorted(ranked, reverse=True)
    assert decision.coverage == 0.9


def test_a_class_that_was_not_taught_is_in_no_prediction_set() -> None:
    some = profile(classes=("NORMAL", "PNEUMONIA"), coverage=0.9, min_probability=0.0)
    answer = prediction(CLASSES, np.array([1.0, 50.0, 0.0]))
    decision = decide(answer, age_groups=EVERYONE, profiles=(some,))
    assert decision.prediction_set == ("NORMAL", "PNEUMONIA")
    assert decision.probabilities["ABNORMAL"] == 0


PROFILES = (
    profile("children", temperature=2.0),
    profile("adults", temperature=3.0),
    profile("adults", temperature=4.0, view="AP"),
)


@pytest.mark.parametrize(
    ("age", "view", "group", "head", "temperature", "used"),
    [
        (0, "AP", "children", 0, 2, ""),
        (12.9, "", "children", 0, 2, ""),
        (13, "", "adults", 1, 3, ""),
        (130, "PA", "adults", 1, 3, ""),
        (60, "AP", "adults", 1, 4, "AP"),
    ],
)
def test_age_and_view_choose_head_and_calibration(
    age: float, view: str, group: str, head: int, temperature: float, used: str
) -> None:
    logits = np.array([[3.0, 0.0, 1.0], [-1.0, 2.0, 0.5]])
    # What the image says of the age is not asked where the age is known.
    answer = prediction(CLASSES, logits, np.array([0.0, 0.0]))
    decision = decide(answer, age_groups=GROUPS, profiles=PROFILES, age=age, view=view)
    assert decision.age_group == AgeGroupChoice(group, "age")
    assert decision.view == used
    expected = calibrated(logits[head], temperature)
    assert list(decision.probabilities.values()) == pytest.approx(expected)


@given(st.floats(-8, 8))
def test_where_the_image_tells_the_age_the_groups_are_weighed(lead: float) -> None:
    logits = np.array([[3.0, 0.0, 1.0], [-1.0, 2.0, 0.5]])

    def probabilities(scores: np.ndarray, age: float | None = None) -> np.ndarray:
        answer = prediction(CLASSES, logits, scores)
        found = decide(answer, age_groups=GROUPS, profiles=PROFILES, age=age)
        return np.array(list(found.probabilities.values()))

    scores = np.array([lead, 0.0])
    child = 1 / (1 + np.exp(-lead))
    expected = child * probabilities(scores, 3) + (1 - child) * probabilities(scores, 60)
    np.testing.assert_allclose(probabilities(scores), expected, atol=1e-12)
    # Nothing jumps where the more probable group changes.
    before, after = (probabilities(np.array([step, 0.0])) for step in (-1e-9, 1e-9))
    np.testing.assert_allclose(before, after, atol=1e-8)
