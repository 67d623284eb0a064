"""Where the network looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Contour = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """Where the network looked, resized to the image.

    Attributes
    ----------
    values : ndarray of float32, shape (height, width)
        The image's size, 0..1. For "evidence" the probability that radiologists would draw a box
        there; for "grad_cam" scaled to the peak, all zero where nothing spoke for the class.
    mask : ndarray of bool, shape (height, width)
        Otsu's threshold of `values`; empty where nothing is outlined.
    mask_fraction : float
        Share of the image inside the mask, 0..1.
    contours : tuple of Contour
        Outer borders of the mask: (x, y) points as fractions of width and height, 0..1.
    label : str
        The class that is shown.
    method : {"grad_cam", "evidence"}
        Grad-CAM of the class (Baral 2025, 4.5), or a map that radiologists' boxes taught.
    outlined : bool
        Whether the map may be outlined; False: no contours, an empty mask.
    why_not_outlined : str
        In words; empty where it is outlined.
    lung_share : float or None
        Share of the map's mass inside the lung fields, 0..1; None where they are not known.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    mask_fraction: float
    contours: tuple[Contour, ...]
    label: str
    method: Literal["grad_cam", "evidence"] = "grad_cam"
    outlined: bool = True
    why_not_outlined: str = ""
    lung_share: float | None = None

    def __post_init__(self) -> None:
        if self.values.shape != self.mask.shape:
            raise ValueError("heatmap and mask differ in shape")
        if not 0 <= self.mask_fraction <= 1:
            raise ValueError(f"mask fraction {self.mask_fraction} is outside 0..1")
        if self.outlined == bool(self.why_not_outlined):
            raise ValueError("a heatmap that is not outlined, and no other, says why")
        if not self.outlined and (self.contours or self.mask.any()):
            raise ValueError("a heatmap that is not outlined has a mask or contours")
        if self.lung_share is not None and not 0 <= self.lung_share <= 1:
            raise ValueError(f"lung share {self.lung_share} is outside 0..1")
