"""Made-up patients whose course is known: recovering, stable, worsening, relapsing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import Visit
from pneumoscope.synthetic.patient import Stream, check_seed, stream

# How strongly the illness shows in each rating, in a typical patient at the worst of it.
_LOADINGS: Mapping[str, float] = {
    "breathlessness": 0.9,
    "sputum_production": 0.6,
    "hemoptysis": 0.15,
    "fatigue": 0.9,
    "appetite_loss": 0.7,
    "confusion": 0.35,
    "chest_pain": 0.5,
    "cough_severity": 0.8,
}
# Accepted by the bedside inputs; an outlier is drawn evenly from here.
_RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(_LOADINGS, (0.0, 1.0)),
    "fever_value": (35.0, 42.0),
    "fever_duration": (0.0, 30.0),
    "oxygen_level": (80.0, 100.0),
}
# As finely as a bedside writes it down.
_DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(_LOADINGS, 1),
    "fever_value": 1,
    "fever_duration": 0,
    "oxygen_level": 0,
}
_FEVER_FROM = 37.8
_SHARED_NOISE, _OWN_NOISE = 0.03, 0.05
_DAYS_BETWEEN, _CHANCE = (1, 2, 3), (0.8, 0.15, 0.05)
_START = datetime(2026, 1, 5, 8, tzinfo=UTC)


class CourseKind(StrEnum):
    """How a made-up patient fares."""

    RECOVERING = "recovering"
    STABLE = "stable"
    WORSENING = "worsening"
    RELAPSING = "relapsing"


@dataclass(frozen=True, slots=True)
class SimulatedCourse:
    """A made-up patient's visits with the truth behind them.

    Attributes
    ----------
    kind : CourseKind
        What the patient does.
    visits : tuple of Visit
        In the order of time.
    illness : tuple of float
        How ill the patient truly is at each visit, 0 well to 1 as ill as can be.
    onset : int or None
        Index of the first visit at which the worsening has begun; None where there is none.
    """

    kind: CourseKind
    visits: tuple[Visit, ...]
    illness: tuple[float, ...]
    onset: int | None


def make_course(
    kind: CourseKind,
    seed: int,
    *,
    visits: int = 30,
    missing: float = 0.03,
    outliers: float = 0.01,
    with_image: bool = False,
) -> SimulatedCourse:
    """Simulate one patient.

    One hidden illness moves all eleven symptoms, each with a strength of its own, with noise that
    is shared by a day's symptoms and noise of each; written down as finely as a bedside does. The
    visits are one to three days apart, mostly one.

    Parameters
    ----------
    kind : CourseKind
        The course.
    seed : int
        0..2**32 - 1; the same seed gives the same patient.
    visits : int
        20 or more: a worsening begins between the 8th and the 15th.
    missing, outliers : float
        Chance of each value to be absent or to be nonsense, 0..1. The temperature is always there.
    with_image : bool
        Whether each visit has probabilities, PNEUMONIA growing with the illness.

    Raises
    ------
    InputError
        For a seed outside its range.
    ValueError
        For fewer than 20 visits.
    """
    check_seed(seed)
    if visits < 20:
        raise ValueError(f"{visits} visits are too few for a course; simulate at least 20")
    rng = stream(seed, Stream.COURSE)
    days = np.concatenate([[0], np.cumsum(rng.choice(_DAYS_BETWEEN, visits - 1, p=_CHANCE))])
    turn = int(rng.integers(8, 16))
    illness, onset_day = _illness(kind, int(days[-1]) + 1, int(days[turn - 1]), rng)
    found = _symptoms(illness, rng)[days]
    found += _noise(visits, rng)
    nonsense = rng.random(found.shape) < outliers
    low, high = np.array(list(_RANGES.values())).T
    found = np.where(nonsense, rng.uniform(low, high, found.shape), found)
    found = np.clip(found, low, high)
    absent = rng.random(found.shape) < missing
    absent[:, list(_RANGES).index("fever_value")] = False
    minutes = rng.integers(-120, 121, visits)
    images = _images(illness[days], rng) if with_image else [None] * visits
    made = tuple(
        Visit(
            time=_START + timedelta(days=int(days[i]), minutes=int(minutes[i])),
            symptoms=_written(found[i], absent[i]),
            probabilities=images[i],
        )
        for i in range(visits)
    )
    onset = None if onset_day is None else int(np.searchsorted(days, onset_day, side="right"))
    return SimulatedCourse(kind, made, tuple(map(float, illness[days])), onset)


def _illness(
    kind: CourseKind, days: int, turn: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], int | None]:
    """How ill the patient is on each day, and the day after which it gets worse."""
    day = np.arange(days)
    if kind is CourseKind.STABLE:
        return np.full(days, rng.uniform(0.05, 0.5)), None
    since = np.maximum(day - turn, 0)
    if kind is CourseKind.WORSENING:
        start, rate = rng.uniform(0.05, 0.25), rng.uniform(0.02, 0.05)
        return np.minimum(start + rate * since, 0.95), turn
    end, start = rng.uniform(0.0, 0.08), rng.uniform(0.5, 0.8)
    recovery = end + (start - end) * np.exp(-day / rng.uniform(3, 7))
    if kind is CourseKind.RECOVERING:
        return recovery, None
    peak, rate = rng.uniform(0.5, 0.8), rng.uniform(0.03, 0.06)
    again = recovery[turn] + rate * since
    return np.where(since > 0, np.minimum(again, peak), recovery), turn


def _symptoms(illness: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """What one patient's illness shows on each day, without noise; columns as in `_RANGES`."""
    strength = np.array(list(_LOADINGS.values())) * rng.uniform(0.6, 1.0, len(_LOADINGS))
    usual = rng.uniform(0.0, 0.1, len(_LOADINGS))
    ratings = usual + np.outer(illness, strength)
    fever = rng.uniform(36.5, 37.0) + rng.uniform(2.5, 4.0) * illness
    oxygen = rng.uniform(96.0, 98.5) - rng.uniform(9.0, 16.0) * illness
    lasting = np.zeros(len(illness))
    for day in range(len(illness)):
        if fever[day] >= _FEVER_FROM:
            lasting[day] = (lasting[day - 1] if day else rng.integers(0, 4)) + 1
    return np.column_stack([ratings, fever, lasting, oxygen])


def _noise(visits: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A day's noise in all symptoms, and that of each; the days of fever are counted, not felt."""
    shared = rng.normal(0, _SHARED_NOISE, (visits, 1))
    noise = shared + rng.normal(0, _OWN_NOISE, (visits, len(_RANGES)))
    # In each symptom's unit; less oxygen is worse.
    noise[:, -3:] *= np.array([5.0, 0.0, -15.0])
    return noise


def _images(illness: NDArray[np.float64], rng: np.random.Generator) -> list[dict[str, float]]:
    evidence = 8 * (illness - 0.3) + rng.normal(0, 0.5, len(illness))
    pneumonia = 1 / (1 + np.exp(-evidence))
    rest = 1 - pneumonia
    return [
        {"NORMAL": 0.8 * float(r), "ABNORMAL": 0.2 * float(r), "PNEUMONIA": float(p)}
        for p, r in zip(pneumonia, rest, strict=True)
    ]


def _written(values: NDArray[np.float64], absent: NDArray[np.bool_]) -> dict[str, float]:
    return {
        name: round(float(value), _DECIMALS[name])
        for name, value, gone in zip(_RANGES, values, absent, strict=True)
        if not gone
    }
