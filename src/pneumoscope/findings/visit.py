"""One visit of a patient: when, and what was found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """What was found at the bedside, and what an image of that day said.

    Attributes
    ----------
    time : datetime
        With its zone: visits of two places must still have an order.
    symptoms : mapping of str to float
        Value per symptom that was rated or measured, in the symptom's unit.
    probabilities : mapping of str to float or None
        Calibrated probability per class of that day's radiograph; None without one.
    """

    time: datetime
    symptoms: Mapping[str, float]
    probabilities: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.time.tzinfo is None or self.time.utcoffset() is None:
            raise ValueError(f"the visit of {self.time.isoformat()} has no time zone")
        for symptom, value in self.symptoms.items():
            if not math.isfinite(value):
                raise ValueError(f"{symptom} is not a finite number")
        values = () if self.probabilities is None else self.probabilities.values()
        if not all(0 <= value <= 1 for value in values):
            raise ValueError("a probability is outside 0..1")
