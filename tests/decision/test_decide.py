"""Temperature scaling, and the decision that follows from it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.decision import calibrated, decide
from pneumoscope.findings import OperatingPoint, Prediction

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
ORDINARY = hnp.arrays(np.float64, 3, elements=st.floats(-30, 30))
EXTREME = hnp.arrays(np.float64, 3, elements=st.floats(-1e300, 1e300))
TEMPERATURE = st.floats(0.05, 100)


def prediction(classes: tuple[str, ...], logits: np.ndarray) -> Prediction:
    return Prediction(classes, logits, np.zeros((len(classes), 1, 1), np.float32))


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


@pytest.mark.parametrize("temperature", [1e-300, 1, 100])
def test_extreme_logits_decide(temperature: float) -> None:
    with np.errstate(over="ignore"):
        decision = decide(prediction(CLASSES, np.array([-1e4, 0, 1e4])), temperature=temperature)
    assert decision.predicted == "PNEUMONIA"
    assert decision.probabilities["PNEUMONIA"] == pytest.approx(1)


@given(ORDINARY, TEMPERATURE)
def test_a_decision_names_the_most_probable_class(logits: np.ndarray, temperature: float) -> None:
    decision = decide(prediction(CLASSES, logits), temperature=temperature)
    assert tuple(decision.probabilities) == CLASSES
    assert list(decision.probabilities.values()) == calibrated(logits, temperature).tolist()
    assert decision.probabilities[decision.predicted] == max(decision.probabilities.values())
    assert decision.confidence.top1 == decision.probabilities[decision.predicted]
    assert decision.positive is None


def test_the_operating_point_does_not_change_the_class() -> None:
    answer = prediction(CLASSES, np.log([0.6, 0.1, 0.3]))
    for threshold, positive in ((0.25, True), (0.35, False)):
        point = OperatingPoint("PNEUMONIA", threshold, "made up")
        decision = decide(answer, temperature=1, operating_point=point)
        assert decision.predicted == "NORMAL"
        assert decision.positive is positive
        assert decision.operating_point is point


def test_at_the_threshold_is_positive() -> None:
    point = OperatingPoint("B", 0.5, "made up")
    decision = decide(prediction(("A", "B"), np.zeros(2)), temperature=1, operating_point=point)
    assert decision.positive is True
