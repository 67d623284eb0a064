"""A patient's own range per symptom."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is usual for one patient, from the visits so far (Baral 2025, 3.4).

    Attributes
    ----------
    ranges : mapping of str to (float, float)
        Lower and upper end per symptom, in the symptom's unit. A symptom without a range has no
        history: the population's range holds for it.
    rule_base : str
        Name of the rule base that the ranges were made for.
    visits : int
        How many visits they rest on, 0 or more.
    """

    ranges: Mapping[str, tuple[float, float]]
    rule_base: str
    visits: int

    def __post_init__(self) -> None:
        for symptom, (low, high) in self.ranges.items():
            if not -math.inf < low < high < math.inf:
                raise ValueError(f"the range {low:g}..{high:g} of {symptom} does not rise")
        if not self.rule_base:
            raise ValueError("the rule base has no name")
        if self.visits < 0 or (self.visits == 0 and self.ranges):
            raise ValueError(f"{len(self.ranges)} ranges cannot rest on {self.visits} visits")
