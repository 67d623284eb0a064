"""From a map of the network to a heatmap on the image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import Contour, Heatmap

# A contour needs no more detail than this share of the image's diagonal.
CONTOUR_TOLERANCE = 0.002


def to_heatmap(activation_map: NDArray[np.float32], shape: tuple[int, int], label: str) -> Heatmap:
    """Resize a Grad-CAM to the image, threshold it by Otsu, and trace the mask (Baral 2025, 4.5).

    Parameters
    ----------
    activation_map : ndarray of float32, shape (rows, columns)
        Of one class, 0 or more.
    shape : (int, int)
        Height and width of the image, in pixels.
    label : str
        The class.

    Returns
    -------
    Heatmap
        Scaled to its peak; all zero, with an empty mask, where nothing spoke for the class.
    """
    values = _resized(activation_map, shape)
    peak = float(values.max())
    if peak <= 0:
        return Heatmap(np.zeros(shape, np.float32), np.zeros(shape, np.bool_), 0.0, (), label)
    values = np.clip(values / peak, 0, 1).astype(np.float32)
    mask = _otsu(values)
    return Heatmap(values, mask, float(mask.mean()), _trace(mask), label)


def to_evidence_heatmap(
    evidence: NDArray[np.float32],
    shape: tuple[int, int],
    label: str,
    *,
    floor: float = 0.0,
    why_not_outlined: str = "",
) -> Heatmap:
    """Resize an evidence map to the image; threshold and trace it where that is allowed.

    Parameters
    ----------
    evidence : ndarray of float32, shape (rows, columns)
        Probability, per cell, that radiologists would draw a box there, 0..1.
    shape : (int, int)
        Height and width of the image, in pixels.
    label : str
        The class that is shown.
    floor : float
        Nothing is outlined where no cell reaches it, 0..1.
    why_not_outlined : str
        Why this map must not be outlined; empty where it may be.

    Returns
    -------
    Heatmap
        Its values are the probabilities, not scaled to their peak.
    """
    values = np.clip(_resized(evidence, shape), 0, 1)
    if not why_not_outlined and not float(evidence.max()) >= floor:
        why_not_outlined = (
            f"nowhere does the map reach the probability of {floor:.4g} from which it is outlined"
        )
    mask = np.zeros(shape, np.bool_) if why_not_outlined else _otsu(values)
    return Heatmap(
        values=values,
        mask=mask,
        mask_fraction=float(mask.mean()),
        contours=_trace(mask),
        label=label,
        method="evidence",
        outlined=not why_not_outlined,
        why_not_outlined=why_not_outlined,
    )


def _resized(cells: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    height, width = shape
    return np.asarray(
        cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )


def _otsu(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Otsu's threshold of values within 0..1, at 8 bits."""
    levels = np.rint(values * 255).astype(np.uint8)
    _, binary = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(binary > 0)


def _trace(mask: NDArray[np.bool_]) -> tuple[Contour, ...]:
    """Outer borders of a mask, largest first, as fractions of width and height."""
    height, width = mask.shape
    binary = mask.astype(np.uint8)
    found, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    tolerance = CONTOUR_TOLERANCE * float(np.hypot(height, width))
    contours = []
    for border in sorted(found, key=cv2.contourArea, reverse=True):
        points = cv2.approxPolyDP(border, tolerance, closed=True)[:, 0]
        contours.append(
            tuple((float((x + 0.5) / width), float((y + 0.5) / height)) for x, y in points)
        )
    return tuple(contours)
