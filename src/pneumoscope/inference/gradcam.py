"""From an activation map to a heatmap on the image (Baral 2025, section 4.5)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import Contour, Heatmap

# A contour needs no more detail than this share of the image's diagonal.
CONTOUR_TOLERANCE = 0.002


def to_heatmap(activation_map: NDArray[np.float32], shape: tuple[int, int]) -> Heatmap:
    """Resize a Grad-CAM to the image, threshold it by Otsu, and trace the mask.

    Parameters
    ----------
    activation_map : ndarray of float32, shape (rows, columns)
        Of one class, 0 or more.
    shape : (int, int)
        Height and width of the image, in pixels.

    Returns
    -------
    Heatmap
        All zero, with an empty mask, where nothing spoke for the class.
    """
    height, width = shape
    values = cv2.resize(activation_map, (width, height), interpolation=cv2.INTER_LINEAR)
    peak = float(values.max())
    if peak <= 0:
        return Heatmap(np.zeros(shape, np.float32), np.zeros(shape, np.bool_), 0.0, ())
    values = np.clip(values / peak, 0, 1).astype(np.float32)
    levels = np.rint(values * 255).astype(np.uint8)
    _, binary = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = binary > 0
    return Heatmap(values, mask, float(mask.mean()), _trace(binary.astype(np.uint8)))


def _trace(binary: NDArray[np.uint8]) -> tuple[Contour, ...]:
    """Outer borders of a mask, largest first, as fractions of width and height."""
    height, width = binary.shape
    found, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    tolerance = CONTOUR_TOLERANCE * float(np.hypot(height, width))
    contours = []
    for border in sorted(found, key=cv2.contourArea, reverse=True):
        points = cv2.approxPolyDP(border, tolerance, closed=True)[:, 0]
        contours.append(
            tuple((float((x + 0.5) / width), float((y + 0.5) / height)) for x, y in points)
        )
    return tuple(contours)
