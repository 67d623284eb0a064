"""Age groups, each with a calibration and thresholds of its own, and how one is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """A range of ages that a bundle treats alike.

    Attributes
    ----------
    name : str
        Such as "children".
    from_age, to_age : float
        Years; it covers from_age <= age < to_age, without end where `to_age` is None.
    """

    name: str
    from_age: float
    to_age: float | None = None

    def __post_init__(self) -> None:
        if not self.from_age >= 0:
            raise ValueError(f"{self.name}: the youngest age {self.from_age} is not 0 or more")
        if self.to_age is not None and not self.from_age < self.to_age:
            raise ValueError(f"{self.name}: the ages do not rise")

    def covers(self, age: float) -> bool:
        """Whether a patient of this age, in years, belongs to the group."""
        return self.from_age <= age and (self.to_age is None or age < self.to_age)


@dataclass(frozen=True, slots=True)
class AgeGroupChoice:
    """Which age group an image was read as, and by what.

    Attributes
    ----------
    name : str
        The group's.
    chosen_by : {"age", "image", "only"}
        The patient's age; the picture, where the age is not known; or nothing, where the bundle
        has one group only.
    probability : float or None
        How sure the picture makes the choice, 0..1; None unless it was chosen by the image.
    """

    name: str
    chosen_by: Literal["age", "image", "only"]
    probability: float | None = None

    def __post_init__(self) -> None:
        if (self.probability is None) == (self.chosen_by == "image"):
            raise ValueError("a probability goes with an age group chosen by the image")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"probability {self.probability} of the age group is outside 0..1")
