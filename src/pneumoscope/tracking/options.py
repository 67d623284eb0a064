"""How the personal bounds are made: the published form, and the one that answers its defects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TrackingOptions:
    """Choices within the seven steps (Baral 2025, 3.4), for values on the 0..1 scale.

    The defaults are ours; `PUBLISHED` has the publication's.

    Attributes
    ----------
    window : int or None
        How many of the last values count at all. A window makes the bounds reversible: what lies
        before it is forgotten. None takes all values (published).
    outliers : {"mad", "zscore"}
        Step 1. "mad" drops values whose distance from the median is above 3.5 robust standard
        deviations (Iglewicz and Hoaglin 1993); "zscore" those more than 3 standard deviations from
        the mean (published), which with ten values or fewer drops nothing.
    smoothing : {"tracking", "variance"}
        Step 3. "tracking" sets the factor from the tracking signal (Trigg and Leach 1967);
        "variance" is 0.3 + variance / 100 (published), idle on this scale.
    percentiles_of : {"smoothed", "filtered"}
        Step 6: of the smoothed values (the article), or of those that step 1 left (the thesis).
    minimum_values : int
        With fewer values a symptom has no personal range.
    minimum_width : float
        Of a personal range, as a share of the clinical one, 0..1. 0.5 lets a deviation from the
        usual count at most double.
    """

    window: int | None = 10
    outliers: Literal["mad", "zscore"] = "mad"
    smoothing: Literal["tracking", "variance"] = "tracking"
    percentiles_of: Literal["smoothed", "filtered"] = "smoothed"
    minimum_values: int = 3
    minimum_width: float = 0.5

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"a window of {self.window} values holds none")
        if self.minimum_values < 1:
            raise ValueError(f"bounds cannot rest on {self.minimum_values} values")
        if not 0 <= self.minimum_width <= 1:
            raise ValueError(f"the least width {self.minimum_width:g} is outside 0..1")


PUBLISHED = TrackingOptions(
    window=None, outliers="zscore", smoothing="variance", minimum_values=1, minimum_width=0.0
)
"""The seven steps to the letter, percentiles of the smoothed values as in the article."""
