"""Symptoms on a patient's own scale."""

from __future__ import annotations

import pytest

from pneumoscope.findings import Bounds
from pneumoscope.severity import SYMPTOMS, personal_theta, rescale

BOUNDS = Bounds({"fever_value": (36.0, 38.0), "oxygen_level": (85.0, 95.0)}, "baral2025@0", 4)


def test_theta_is_the_place_in_the_personal_range() -> None:
    theta = personal_theta({"fever_value": 36.5, "oxygen_level": 99.0, "fatigue": 0.2}, BOUNDS)
    assert theta == {"fever_value": 0.25, "oxygen_level": 1.0}


def test_rescaled_values_lie_there_in_the_clinical_range() -> None:
    rescaled = rescale({"fatigue": 0.2, "fever_value": 36.5, "oxygen_level": 84.0}, BOUNDS)
    assert list(rescaled) == ["fatigue", "fever_value", "oxygen_level"]
    assert rescaled == pytest.approx({"fatigue": 0.2, "fever_value": 36.75, "oxygen_level": 80.0})


def test_the_populations_own_range_changes_nothing(worst: dict[str, float]) -> None:
    whole = Bounds({n: (s.minimum, s.maximum) for n, s in SYMPTOMS.items()}, "baral2025@0", 1)
    assert rescale(worst, whole) == worst
