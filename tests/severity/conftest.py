"""Patients that several tests of the room need."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from pneumoscope.severity import SYMPTOMS

Patient = dict[str, float]


@pytest.fixture
def worst() -> Patient:
    return {n: s.maximum if s.worse == "high" else s.minimum for n, s in SYMPTOMS.items()}


@pytest.fixture
def best() -> Patient:
    return {n: s.minimum if s.worse == "high" else s.maximum for n, s in SYMPTOMS.items()}


@pytest.fixture
def random_patients() -> Callable[[int, int], NDArray[np.float64]]:
    """Every input uniform over its accepted range: a function of the cases and a seed."""

    def draw(cases: int, seed: int) -> NDArray[np.float64]:
        low = [s.minimum for s in SYMPTOMS.values()]
        high = [s.maximum for s in SYMPTOMS.values()]
        return np.random.default_rng(seed).uniform(low, high, size=(cases, len(low)))

    return draw
