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
    logits : ndarray of float64, shape (age groups, classes)
        Unnormalised scores, natural log scale; the same for every group where the network has one
        head for all.
    activation_maps : ndarray of float32, shape (age groups, classes, rows, columns)
        Grad-CAM per class on the network's last feature map, 0 or more, not normalised
        (Selvaraju 2017, equation 2).
    evidence : ndarray of float32, shape (evidence classes, rows, columns), or None
        Probability, per cell, that radiologists would draw a box there, 0..1.
    age_group_logits : ndarray of float64, shape (age groups,), or None
        As which age group the picture looks, natural log scale.
    distance : ndarray of float64, shape (age groups,), or None
        How unlike the image is to the training images of each group, 0 or more (Mahalanobis
        distance in feature space).
    """

    classes: tuple[str, ...]
    logits: NDArray[np.float64]
    activation_maps: NDArray[np.float32]
    evidence: NDArray[np.float32] | None = None
    age_group_logits: NDArray[np.float64] | None = None
    distance: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        shape = self.logits.shape
        if len(shape) != 2 or shape[0] < 1 or shape[1] != len(self.classes):
            raise ValueError(f"{len(self.classes)} classes but logits of shape {shape}")
        if not np.isfinite(self.logits).all():
            raise ValueError("the network answered with a number that is not finite")
        maps = self.activation_maps
        if maps.ndim != 4 or maps.shape[:2] != shape:
            raise ValueError(f"activation maps of shape {maps.shape} for logits of shape {shape}")
        if not (np.isfinite(maps).all() and (maps >= 0).all()):
            raise ValueError("an activation map has a value that is negative or not finite")
        evidence = self.evidence
        if evidence is not None and evidence.ndim != 3:
            raise ValueError(f"evidence maps of shape {evidence.shape}")
        # Written so that a NaN is refused as well.
        if evidence is not None and not ((evidence >= 0) & (evidence <= 1)).all():
            raise ValueError("an evidence map has a value outside 0..1")
        for name in ("age_group_logits", "distance"):
            values = getattr(self, name)
            if values is not None and not (values.shape == shape[:1] and np.isfinite(values).all()):
                raise ValueError(f"{name} are not {shape[0]} finite numbers")
        if self.distance is not None and (self.distance < 0).any():
            raise ValueError("a distance from the training images is negative")
