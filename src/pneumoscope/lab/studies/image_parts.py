"""Parts of a radiograph that hold no lung, and what can be measured on them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BORDER = 0.05
# Top, bottom, left and right edge of the central rectangle, as shares of the sides.
CENTRE = (0.10, 0.85, 0.08, 0.92)
BANDS = 32
MASK_BRIGHT, LUNG_MARGIN = 16 / 255, 0.02
MID_GREY = np.float32(0.5)

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]


def border(shape: tuple[int, ...]) -> Mask:
    """Mark the outer 5% of each side of an image of this height and width."""
    return ~_rectangle(shape, (BORDER, 1 - BORDER, BORDER, 1 - BORDER))


def outside_centre(shape: tuple[int, ...]) -> Mask:
    """Mark what lies outside a central rectangle that holds nearly all of most lungs."""
    return ~_rectangle(shape, CENTRE)


def _rectangle(shape: tuple[int, ...], edges: tuple[float, float, float, float]) -> Mask:
    height, width = shape
    top, bottom, left, right = edges
    mask = np.zeros(shape, dtype=np.bool_)
    rows = slice(round(top * height), round(bottom * height))
    mask[rows, round(left * width) : round(right * width)] = True
    return mask


def lung_field(masked: Pixels, shape: tuple[int, ...]) -> Mask:
    """Find the lungs in an image that is black outside them.

    Parameters
    ----------
    masked : ndarray of float32, shape (height, width)
        Grey values, 0..1; the masks have holes at dense consolidation and stray islands.
    shape : tuple of int
        Height and width of the answer.

    Returns
    -------
    ndarray of bool, of that shape
        The convex hulls of the two largest bright parts, widened by 2% of the side.
    """
    bright = (masked > MASK_BRIGHT).astype(np.uint8)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lungs = sorted(contours, key=cv2.contourArea, reverse=True)[:2]
    filled = np.zeros_like(bright)
    for lung in lungs:
        cv2.fillConvexPoly(filled, cv2.convexHull(lung), 1)
    width = 2 * round(LUNG_MARGIN * max(masked.shape)) + 1
    widened = cv2.dilate(filled, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    scaled = cv2.resize(widened, shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(scaled, dtype=np.bool_)


def radial_power(grey: NDArray[np.uint8]) -> Values:
    """Measure how strong each spatial frequency is, whatever its direction.

    Parameters
    ----------
    grey : ndarray of uint8, shape (side, side)

    Returns
    -------
    ndarray of float64, shape (32,)
        Decimal logarithm of the mean power in bands of equal width up to the Nyquist frequency;
        a Hann window keeps the image's edges out of it.
    """
    side = len(grey)
    window = np.hanning(side)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window))) ** 2
    frequency = np.fft.fftfreq(side)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    band = np.minimum((radius * 2 * BANDS).astype(int), BANDS)
    # What lies beyond the Nyquist frequency, in the corners, is left out.
    total = np.bincount(band.ravel(), power.ravel(), BANDS + 1)[:BANDS]
    return np.log10(total / np.bincount(band.ravel(), minlength=BANDS + 1)[:BANDS] + 1e-6)


def only(pixels: Pixels, kept: Mask) -> Pixels:
    """Leave a part of an image; the rest becomes mid-grey."""
    return np.where(kept, pixels, MID_GREY)
