"""The severity, with the reasons that a clinician can check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pneumoscope.findings.message import Message
from pneumoscope.findings.reasons import (
    BedsideScore,
    FiredRule,
    GradedInput,
    ImageEffect,
    Influence,
    LevelInterval,
    PersonalView,
    SeverityLevel,
    TurningPoint,
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Severity from the symptoms and the image.

    Attributes
    ----------
    rule_base : str
        Name of the rule base.
    level : SeverityLevel
        The level given. Where symptoms are missing it is what the others establish, and
        `interval` says how much worse it may be.
    score : float
        Higher is worse within a rule base: for `baral2025` the winning level's points from the
        symptoms alone; for `guideline` 0..3, with the image.
    scores : mapping of SeverityLevel to float
        Per level from the symptoms alone: points, or for `guideline` the truth of "at least this".
    adjusted : mapping of SeverityLevel to float
        The same with the image.
    borderline : bool
        Whether little, or a missing symptom, would change the level.
    fired : tuple of FiredRule
        Every rule that fired, in the order of the rule base.
    trace : tuple of Message
        The reasoning, one sentence each.
    interval : LevelInterval or None
        Levels that missing symptoms leave open; None where the rule base needs every symptom.
    image : ImageEffect or None
        What the image changed; None without an image, and for `baral2025`.
    influences : tuple of Influence
        What each value adds, the strongest first; values that add nothing are left out.
    turning_points : tuple of TurningPoint
        What single changes would give another level.
    inputs : tuple of GradedInput
        How each value belongs to the rule base's sets.
    bedside : tuple of BedsideScore
        Published scores, with how the level compares.
    personal : PersonalView or None
        The level within the patient's own bounds, beside the one given.
    """

    rule_base: str
    level: SeverityLevel
    score: float
    scores: Mapping[SeverityLevel, float]
    adjusted: Mapping[SeverityLevel, float]
    borderline: bool
    fired: tuple[FiredRule, ...] = ()
    trace: tuple[Message, ...] = ()
    interval: LevelInterval | None = None
    image: ImageEffect | None = None
    influences: tuple[Influence, ...] = ()
    turning_points: tuple[TurningPoint, ...] = ()
    inputs: tuple[GradedInput, ...] = ()
    bedside: tuple[BedsideScore, ...] = ()
    personal: PersonalView | None = None
