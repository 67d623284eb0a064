"""Certainty by the formulas of Baral 2025, section 3.3.5."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.decision import CLINICAL_RELEVANCE, ContributionReading, confidence

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


@st.composite
def probability_vectors(draw: st.DrawFn) -> dict[str, float]:
    k = draw(st.integers(2, 6))
    weights = draw(hnp.arrays(np.float64, k, elements=st.floats(0, 1)))
    assume(weights.sum() > 1e-3)
    names = [*CLASSES, "D", "E", "F"][:k]
    return dict(zip(names, (weights / weights.sum()).tolist(), strict=True))


def test_the_published_example() -> None:
    sure = confidence({"PNEUMONIA": 0.90, "NORMAL": 0.05, "ABNORMAL": 0.05})
    assert sure.top1 == 0.90
    assert sure.margin == pytest.approx(0.85)
    assert round(sure.certainty_index, 2) == 0.49
    assert sure.contribution == pytest.approx(0.75 * sure.certainty_index)


@given(probability_vectors())
def test_parity_with_the_formulas(probabilities: dict[str, float]) -> None:
    first, second, *_ = sorted(probabilities.values(), reverse=True)
    # The publication's epsilon guards against log(0) only.
    total = -math.fsum(p * math.log(p + 1e-15) for p in probabilities.values())
    entropy = min(max(total / math.log(len(probabilities)), 0), 1)
    sure = confidence(probabilities)
    assert sure.top1 == first
    assert sure.margin == pytest.approx(first - second, abs=1e-12)
    assert sure.entropy == pytest.approx(entropy, abs=1e-9)
    assert sure.certainty_index == pytest.approx(first * (first - second) * (1 - entropy), abs=1e-9)


@given(probability_vectors())
def test_the_order_of_the_classes_does_not_matter(probabilities: dict[str, float]) -> None:
    first, second, *_ = sorted(probabilities.values(), reverse=True)
    assume(first > second)
    turned = dict(reversed(probabilities.items()))
    assert confidence(turned).contribution == pytest.approx(confidence(probabilities).contribution)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_entropy_runs_from_certain_to_even(k: int) -> None:
    names = [f"C{i}" for i in range(k)]
    even = confidence(dict.fromkeys(names, 1 / k))
    assert even.entropy == pytest.approx(1)
    assert even.margin == 0
    assert even.certainty_index == 0
    certain = confidence(dict.fromkeys(names, 0.0) | {"C0": 1.0})
    assert certain.entropy == 0
    assert certain.certainty_index == 1


@pytest.mark.parametrize("predicted", CLASSES)
def test_the_three_readings_of_the_contribution(predicted: str) -> None:
    probabilities = dict.fromkeys(CLASSES, 0.15) | {predicted: 0.7}
    relevance = {"NORMAL": 0.25, "ABNORMAL": 0.50, "PNEUMONIA": 0.75}[predicted]
    share = {reading: confidence(probabilities, reading) for reading in ContributionReading}
    index = confidence(probabilities).certainty_index
    assert len(share) == 3
    assert share[ContributionReading("r*C")].contribution == pytest.approx(relevance * index)
    assert share[ContributionReading("r*p")].contribution == pytest.approx(relevance * 0.7)
    assert share[ContributionReading("r*p*C")].contribution == pytest.approx(
        relevance * 0.7 * index
    )
    default = ContributionReading.RELEVANCE_TIMES_CERTAINTY
    assert confidence(probabilities) == share[default]


def test_a_class_without_relevance_contributes_nothing() -> None:
    for reading in ContributionReading:
        assert confidence({"OTHER": 0.9, "PNEUMONIA": 0.1}, reading).contribution == 0
    assert "OTHER" not in CLINICAL_RELEVANCE


@pytest.mark.parametrize("probabilities", [{}, {"A": 1.0}])
def test_one_class_is_not_enough(probabilities: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="two classes"):
        confidence(probabilities)
