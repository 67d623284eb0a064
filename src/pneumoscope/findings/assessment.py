"""The severity, with the reasons that a clinician can check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SeverityLevel(StrEnum):
    """How ill the patient is; declared from least to most severe."""

    NEGLIGIBLE = "negligible"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class FiredRule:
    """One rule that fired.

    Attributes
    ----------
    rule : str
        The rule's name in its base, such as "S1".
    level : SeverityLevel
        The level that it speaks for.
    weight : float
        Points that it adds.
    explanation : str
        In plain words, with the patient's values.
    """

    rule: str
    level: SeverityLevel
    weight: float
    explanation: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Severity from the symptoms and the image's share.

    Attributes
    ----------
    rule_base : str
        Name of the rule base.
    level : SeverityLevel
        The level given.
    score : float
        The winning level's score from the symptoms alone; higher is worse within a rule base.
    scores : mapping of SeverityLevel to float
        Points per level from the symptoms alone.
    adjusted : mapping of SeverityLevel to float
        Points per level with the image's share.
    borderline : bool
        Whether the two best levels differ by no more than the rule base's margin.
    fired : tuple of FiredRule
        Every rule that fired, in the order of the rule base.
    trace : tuple of str
        The reasoning in plain sentences.
    """

    rule_base: str
    level: SeverityLevel
    score: float
    scores: Mapping[SeverityLevel, float]
    adjusted: Mapping[SeverityLevel, float]
    borderline: bool
    fired: tuple[FiredRule, ...] = ()
    trace: tuple[str, ...] = ()
