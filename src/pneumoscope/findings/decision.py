"""What the image says, calibrated, with how sure it is; or why nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abstention:
    """Why no class is given: `code` for programs, `reason` for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the network is, in the terms of Baral 2025, 3.3.5.

    Attributes
    ----------
    top1 : float
        Calibrated probability of the predicted class, 0..1.
    margin : float
        top1 minus the second highest probability, 0..1.
    entropy : float
        Shannon entropy of the probabilities over log(classes), 0..1.
    certainty_index : float
        top1 * margin * (1 - entropy), 0..1: an index, not a probability.
    contribution : float
        Clinical relevance of the predicted class times certainty_index, 0..1: the image's share
        in the published severity.
    """

    top1: float
    margin: float
    entropy: float
    certainty_index: float
    contribution: float

    def __post_init__(self) -> None:
        for name in ("top1", "margin", "entropy", "certainty_index", "contribution"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} {value} is outside 0..1")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on one class's calibrated probability, chosen on the calibration part only.

    Attributes
    ----------
    label : str
        The class that counts as positive.
    threshold : float
        At or above it the image is positive, 0..1.
    rule : str
        How it was chosen, in words.
    """

    label: str
    threshold: float
    rule: str

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold {self.threshold} is outside 0..1")


@dataclass(frozen=True, slots=True)
class Decision:
    """Calibrated probabilities and what follows from them.

    Attributes
    ----------
    probabilities : mapping of str to float
        One calibrated probability per class; they sum to 1.
    predicted : str
        The most probable class.
    confidence : Confidence
        How sure.
    operating_point : OperatingPoint or None
        The bundle's threshold, where it has one.
    """

    probabilities: Mapping[str, float]
    predicted: str
    confidence: Confidence
    operating_point: OperatingPoint | None = None

    def __post_init__(self) -> None:
        if self.predicted not in self.probabilities:
            raise ValueError(f"predicted class {self.predicted!r} has no probability")
        values = self.probabilities.values()
        # Written so that a NaN is refused as well.
        if not (all(0 <= value <= 1 for value in values) and abs(sum(values) - 1) <= 1e-6):
            raise ValueError("the probabilities are not within 0..1 or do not sum to 1")

    @property
    def positive(self) -> bool | None:
        """Whether the operating point is reached; None without one."""
        point = self.operating_point
        return None if point is None else self.probabilities[point.label] >= point.threshold
