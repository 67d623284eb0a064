"""What a severity rests on: the parts of an `Assessment` that explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pneumoscope.findings.message import Message


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
        Points of the rule where it is wholly true.
    explanation : Message
        Its conditions with the patient's values, and how they are joined.
    strength : float
        How true the rule is, 0..1; always 1 where a rule base knows only true and false.
    because : str
        The guideline's sentence with its reference; empty where the rule base names none.
    """

    rule: str
    level: SeverityLevel
    weight: float
    explanation: Message
    strength: float = 1.0
    because: str = ""


@dataclass(frozen=True, slots=True)
class LevelInterval:
    """The levels that missing symptoms leave open.

    Attributes
    ----------
    least, most : SeverityLevel
        With the best and with the worst values of what is missing.
    least_score, most_score : float
        Their scores.
    missing : tuple of str
        What is asked of every patient and was not given.
    """

    least: SeverityLevel
    most: SeverityLevel
    least_score: float
    most_score: float
    missing: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether more than one level is possible."""
        return self.least is not self.most


@dataclass(frozen=True, slots=True)
class ImageEffect:
    """What the image changed.

    Attributes
    ----------
    level_without, level_with : SeverityLevel
        The level without and with the image.
    score_without, score_with : float
        The score without and with the image.
    """

    level_without: SeverityLevel
    level_with: SeverityLevel
    score_without: float
    score_with: float


@dataclass(frozen=True, slots=True)
class Influence:
    """What one value does to the score, the others staying as they are.

    Attributes
    ----------
    name : str
        The input.
    value, healthy : float
        The patient's, and the normal one that it is compared with.
    change : float
        Points of score that the value adds, 0 or more.
    level_without : SeverityLevel
        The level with the normal value.
    """

    name: str
    value: float
    healthy: float
    change: float
    level_without: SeverityLevel


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """The nearest value of one input, the others as they are, that gives another level.

    Attributes
    ----------
    name : str
        The input.
    value : float
        In the input's unit.
    level : SeverityLevel
        The level that it would give.
    """

    name: str
    value: float
    level: SeverityLevel


@dataclass(frozen=True, slots=True)
class GradedInput:
    """How one value belongs to the sets of a rule base.

    Attributes
    ----------
    name : str
        The input as the rules call it, such as "fever".
    of : str
        What is measured, such as "fever_value".
    unit : str
        The input's.
    value : float
        The patient's.
    slopes : mapping of str to (float, float)
        Per term the values where "at least this" is 0 and 1.
    memberships : mapping of str to float
        Of each term, "normal" first; they sum to 1.
    """

    name: str
    of: str
    unit: str
    value: float
    slopes: Mapping[str, tuple[float, float]]
    memberships: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BedsideScore:
    """A published score beside the level.

    Attributes
    ----------
    name : str
        Such as "CURB-65".
    least, most : int
        Points with the best and with the worst values of what is missing; for a class, its number.
    least_class, most_class : str
        What these points mean.
    missing : tuple of str
        Inputs that were not given and matter.
    levels : tuple of SeverityLevel
        Levels that go with these classes, from least to most severe.
    reference : str
        Where the score was published.
    agreement : Message or None
        How the level compares; None where it was not compared.
    """

    name: str
    least: int
    most: int
    least_class: str
    most_class: str
    missing: tuple[str, ...]
    levels: tuple[SeverityLevel, ...]
    reference: str
    agreement: Message | None = None


@dataclass(frozen=True, slots=True)
class PersonalView:
    """The level when values count within the patient's own bounds; never given instead.

    Attributes
    ----------
    level : SeverityLevel
        What the given symptoms establish.
    score : float
        The rule base's score.
    visits : int
        How many visits the bounds rest on.
    most : SeverityLevel
        The most severe level that missing symptoms leave open.
    """

    level: SeverityLevel
    score: float
    visits: int
    most: SeverityLevel
