"""How a bundle's logits are read for one age group and, where known, one view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pneumoscope.findings.operating_point import OperatingPoint, check_operating_points


@dataclass(frozen=True, slots=True)
class Profile:
    """Calibration, operating points and prediction-set threshold of one age group.

    Attributes
    ----------
    age_group : str
        The group's name.
    classes : tuple of str
        Those that were taught for this group, at least two; the others get probability 0.
    temperature : float
        Above 0.
    biases : mapping of str to float
        Per taught class, added to its logit over the temperature.
    view : str
        "AP" or "PA"; empty for any view.
    operating_points : tuple of OperatingPoint
        None, one or both purposes, all of one taught class.
    coverage : float or None
        How often the prediction sets hold the true class, 0..1; None without prediction sets.
    min_probability : float or None
        Classes at or above it are in the prediction set, 0..1; goes with `coverage`.
    """

    age_group: str
    classes: tuple[str, ...]
    temperature: float
    biases: Mapping[str, float]
    view: str = ""
    operating_points: tuple[OperatingPoint, ...] = ()
    coverage: float | None = None
    min_probability: float | None = None

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature {self.temperature} is not above 0")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError("the taught classes are fewer than two, or one is listed twice")
        if set(self.biases) != set(self.classes):
            raise ValueError("the biases are not of exactly the taught classes")
        check_operating_points(self.operating_points, self.classes)
        if (self.coverage is None) != (self.min_probability is None):
            raise ValueError("coverage and least probability of a prediction set go together")
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ValueError(f"coverage {self.coverage} is not between 0 and 1")
        if self.min_probability is not None and not 0 <= self.min_probability <= 1:
            raise ValueError(f"least probability {self.min_probability} is outside 0..1")
