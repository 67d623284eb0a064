"""What the network says of one radiograph, before any calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Raw output of a bundle's network for one image.

    Attributes
    ----------
    classes : tuple of str
        The bundle's classes, in the order of `logits`.
    logits : ndarray of float64, shape (classes,)
        Unnormalised scores, natural log scale.
    activation_maps : ndarray of float32, shape (classes, rows, columns)
        Grad-CAM per class on the network's last feature map, 0 or more, not normalised
        (Selvaraju 2017, equation 2).
    """

    classes: tuple[str, ...]
    logits: NDArray[np.float64]
    activation_maps: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.logits.shape != (len(self.classes),):
            raise ValueError(f"{len(self.classes)} classes but logits of shape {self.logits.shape}")
        if not np.isfinite(self.logits).all():
            raise ValueError("the network answered with a number that is not finite")
        maps = self.activation_maps
        if maps.ndim != 3 or maps.shape[0] != len(self.classes):
            raise ValueError(
                f"activation maps of shape {maps.shape} for {len(self.classes)} classes"
            )
        if not (np.isfinite(maps).all() and (maps >= 0).all()):
            raise ValueError("an activation map has a value that is negative or not finite")
