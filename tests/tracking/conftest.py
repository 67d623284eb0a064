"""Visits that several tests of the room need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pneumoscope.findings import Visit
from pneumoscope.severity import SYMPTOMS

MakeVisits = Callable[[Sequence[Mapping[str, float]]], list[Visit]]


@pytest.fixture
def daily() -> MakeVisits:
    """Make one visit a day out of the symptoms of each."""
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def make(symptoms: Sequence[Mapping[str, float]]) -> list[Visit]:
        return [
            Visit(start + timedelta(days=day), dict(found)) for day, found in enumerate(symptoms)
        ]

    return make


@pytest.fixture
def worst() -> dict[str, float]:
    return {n: s.maximum if s.worse == "high" else s.minimum for n, s in SYMPTOMS.items()}


@pytest.fixture
def best() -> dict[str, float]:
    return {n: s.minimum if s.worse == "high" else s.maximum for n, s in SYMPTOMS.items()}
