"""Whether a patient gets better or worse, and on what evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pneumoscope.findings.message import Message


class Direction(StrEnum):
    """Where a patient or a symptom is heading."""

    IMPROVING = "improving"
    STABLE = "stable"
    WORSENING = "worsening"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure over the recent visits; more is worse.

    Attributes
    ----------
    name : str
        The symptom, or "burden" for all of them together.
    unit : str
        Of `slope`, per day.
    visits : int
        How many visits it was found at.
    days : float
        From the first of them to the last.
    slope : float
        Theil-Sen slope per day; above 0 it gets worse.
    interval : (float, float)
        95% interval of `slope`.
    p_value : float
        Of the Mann-Kendall test of no trend, two-sided, 0..1.
    change : float
        `slope` over `days` as a share of the clinical range; above 0 it got worse.
    direction : Direction
        By the rule in `pneumoscope.tracking.detect_change`.
    """

    name: str
    unit: str
    visits: int
    days: float
    slope: float
    interval: tuple[float, float]
    p_value: float
    change: float
    direction: Direction


@dataclass(frozen=True, slots=True)
class Change:
    """The verdict over the recent visits.

    Attributes
    ----------
    direction : Direction
        Of the patient; unknown where there are too few visits, or where a level is higher and more
        is known than before.
    reasons : tuple of Message
        On what evidence; at least one.
    burden : Trend or None
        All symptoms together; None where no trend can be tested.
    trends : tuple of Trend
        One per symptom with enough values, in the order of the symptoms.
    """

    direction: Direction
    reasons: tuple[Message, ...]
    burden: Trend | None = None
    trends: tuple[Trend, ...] = ()
