"""What the image says, calibrated, with how sure it is; or why nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pneumoscope.findings.age_group import AgeGroupChoice
from pneumoscope.findings.operating_point import (
    OperatingPoint,
    Zone,
    check_operating_points,
    zone_of,
)


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
class Decision:
    """Calibrated probabilities and what follows from them.

    Attributes
    ----------
    probabilities : mapping of str to float
        One calibrated probability per class; they sum to 1. 0 for a class that was not taught for
        the age group.
    predicted : str
        The most probable class.
    confidence : Confidence
        How sure.
    age_group : AgeGroupChoice
        As which age group the image was read.
    view : str
        "AP" or "PA" where calibration and thresholds are of that view; empty for any view.
    operating_points : tuple of OperatingPoint
        The thresholds of this age group and view, where there are any; all of one class.
    prediction_set : tuple of str
        The classes that stay possible at `coverage`, the most probable first; empty where the
        bundle has no prediction sets.
    coverage : float or None
        How often such sets hold the true class, 0..1.
    """

    probabilities: Mapping[str, float]
    predicted: str
    confidence: Confidence
    age_group: AgeGroupChoice
    view: str = ""
    operating_points: tuple[OperatingPoint, ...] = ()
    prediction_set: tuple[str, ...] = ()
    coverage: float | None = None

    def __post_init__(self) -> None:
        if self.predicted not in self.probabilities:
            raise ValueError(f"predicted class {self.predicted!r} has no probability")
        values = self.probabilities.values()
        # Written so that a NaN is refused as well.
        if not (all(0 <= value <= 1 for value in values) and abs(sum(values) - 1) <= 1e-6):
            raise ValueError("the probabilities are not within 0..1 or do not sum to 1")
        check_operating_points(self.operating_points, self.probabilities)
        if (self.coverage is None) != (not self.prediction_set):
            raise ValueError("a prediction set and its coverage go together")
        if self.prediction_set and self.predicted not in self.prediction_set:
            raise ValueError("the prediction set lacks the predicted class")
        if not set(self.prediction_set) <= set(self.probabilities):
            raise ValueError("the prediction set names a class without a probability")

    @property
    def positive_label(self) -> str | None:
        """The class of the operating points; None without any."""
        return self.operating_points[0].label if self.operating_points else None

    @property
    def zone(self) -> Zone | None:
        """Where the positive class lies among the operating points; None without any."""
        label = self.positive_label
        return None if label is None else zone_of(self.operating_points, self.probabilities[label])
