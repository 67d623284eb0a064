"""What a network takes as its input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a radiograph becomes the network's input; see `pneumoscope.imaging.to_input`.

    Attributes
    ----------
    size : int
        Side of the square input in pixels, 32 to 1024; the aspect ratio is not kept.
    clahe_clip : float or None
        Clip limit of the contrast-limited adaptive histogram equalisation; None switches it off.
    clahe_tiles : int
        Tiles per side of the equalisation, 1 to 32.
    channels : int
        1, or 3 for the same grey image three times.
    """

    size: int = 224
    clahe_clip: float | None = 2.0
    clahe_tiles: int = 8
    channels: int = 3

    def __post_init__(self) -> None:
        if not 32 <= self.size <= 1024:
            raise ValueError(f"input size {self.size} is outside 32..1024 pixels")
        if self.clahe_clip is not None and not 0 < self.clahe_clip <= 40:
            raise ValueError(f"CLAHE clip limit {self.clahe_clip} is outside 0..40")
        if not 1 <= self.clahe_tiles <= 32:
            raise ValueError(f"{self.clahe_tiles} CLAHE tiles per side is outside 1..32")
        if self.channels not in (1, 3):
            raise ValueError(f"{self.channels} channels: the input has 1 or 3")
