"""Where the network looked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Contour = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """Grad-CAM of the predicted class, resized to the image (Baral 2025, 4.5).

    Attributes
    ----------
    values : ndarray of float32, shape (height, width)
        The image's size, scaled to 0..1; all zero where nothing spoke for the class.
    mask : ndarray of bool, shape (height, width)
        Otsu's threshold of `values`.
    mask_fraction : float
        Share of the image inside the mask, 0..1.
    contours : tuple of Contour
        Outer borders of the mask: (x, y) points as fractions of width and height, 0..1.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    mask_fraction: float
    contours: tuple[Contour, ...]

    def __post_init__(self) -> None:
        if self.values.shape != self.mask.shape:
            raise ValueError("heatmap and mask differ in shape")
        if not 0 <= self.mask_fraction <= 1:
            raise ValueError(f"mask fraction {self.mask_fraction} is outside 0..1")
