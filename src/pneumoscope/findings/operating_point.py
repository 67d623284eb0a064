"""Thresholds on the probability of one class, and the zones between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

Rate = tuple[float, float, float]
"""A share with the lower and upper end of its 95% interval, each 0..1."""


class Purpose(StrEnum):
    """What a threshold is for: below "rule out" and at or above "rule in" the answer is clear."""

    RULE_OUT = "rule_out"
    RULE_IN = "rule_in"


class Zone(StrEnum):
    """Where a probability lies among the operating points."""

    NEGATIVE = "negative"
    """Below the rule-out point."""
    INDETERMINATE = "indeterminate"
    """Neither ruled out nor ruled in."""
    POSITIVE = "positive"
    """At or above the rule-in point."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on one class's calibrated probability, chosen on the calibration part only.

    Attributes
    ----------
    purpose : Purpose
    label : str
        The class that counts as positive.
    threshold : float
        At or above it the image is positive, 0..1.
    rule : str
        How it was chosen, in words.
    sensitivity, specificity : Rate or None
        What it gives on the bundle's report part; None where that is not known as one figure.
    """

    purpose: Purpose
    label: str
    threshold: float
    rule: str
    sensitivity: Rate | None = None
    specificity: Rate | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold {self.threshold} is outside 0..1")
        for name in ("sensitivity", "specificity"):
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate[1] <= rate[0] <= rate[2] <= 1:
                raise ValueError(f"{name} {rate} is no share within its interval")


def check_operating_points(points: Sequence[OperatingPoint], classes: Collection[str]) -> None:
    """Make sure that operating points go together.

    Raises
    ------
    ValueError
        Two of one purpose, of different classes, of a class that is not among `classes`, or a
        rule-in threshold below the rule-out threshold.
    """
    by_purpose = {point.purpose: point for point in points}
    if len(by_purpose) != len(points):
        raise ValueError("two operating points have the same purpose")
    labels = {point.label for point in points}
    if len(labels) > 1:
        raise ValueError("the operating points are of different classes")
    if not labels <= set(classes):
        raise ValueError("the operating point's label is not a class")
    rule_out, rule_in = by_purpose.get(Purpose.RULE_OUT), by_purpose.get(Purpose.RULE_IN)
    if rule_out and rule_in and rule_in.threshold < rule_out.threshold:
        raise ValueError("the rule-in threshold is below the rule-out threshold")


def zone_of(points: Sequence[OperatingPoint], probability: float) -> Zone | None:
    """Say where a probability of the points' class lies; None without points."""
    if not points:
        return None
    for point in points:
        reached = probability >= point.threshold
        if point.purpose is Purpose.RULE_IN and reached:
            return Zone.POSITIVE
        if point.purpose is Purpose.RULE_OUT and not reached:
            return Zone.NEGATIVE
    return Zone.INDETERMINATE
