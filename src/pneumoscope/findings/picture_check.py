"""Whether a picture is an upright frontal chest radiograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pneumoscope.findings.message import Message


@dataclass(frozen=True, slots=True)
class PictureCheck:
    """What speaks against reading a picture as an upright frontal chest radiograph.

    Attributes
    ----------
    refusals : tuple of Message
        Why its classes are not to be believed, the most telling reason first; empty for a picture
        that may be read. The codes are "not_frontal_chest", "upside_down", "rotated", "inverted",
        "screen_photograph", "cropped" and "exposure".
    warnings : tuple of Message
        What the user should look at, as plain sentences; no reason to refuse.
    scores : mapping of str to float
        What the network answers for each code, 0..1; not calibrated. Empty where it was not asked,
        since the exposure alone says that nothing can be seen.
    """

    refusals: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, score in self.scores.items():
            # Written so that a NaN is refused as well.
            if not 0 <= score <= 1:
                raise ValueError(f"{code} {score} is outside 0..1")

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the refusals, in their order."""
        return tuple(refusal.code for refusal in self.refusals)
