"""Boxes round the findings of an image, and the pixels inside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumoscope.metrics.classification import BoolArray

# Boxes are written with a few decimals: a corner on the border may come out just behind it.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on an image, as fractions of the image's width and height, 0..1.

    Attributes
    ----------
    x, y : float
        Its upper left corner.
    width, height : float
        Above 0; the box lies inside the image.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(number) and 0 <= number <= 1 for number in numbers):
            raise ValueError("x, y, width and height must be fractions of the image, 0 to 1")
        if self.width == 0 or self.height == 0:
            raise ValueError("the box has no area")
        if max(self.x + self.width, self.y + self.height) > 1 + _ROUNDING:
            raise ValueError("the box reaches out of the image")


def box_mask(boxes: Sequence[Box], shape: tuple[int, int]) -> BoolArray:
    """Mark the pixels inside any of the boxes.

    Parameters
    ----------
    boxes : sequence of Box
    shape : (int, int)
        Height and width of the image, in pixels.

    Returns
    -------
    ndarray of bool, shape (height, width)
        Borders are rounded to the nearest pixel; every box has at least one.
    """
    mask = np.zeros(shape, dtype=np.bool_)
    for box in boxes:
        rows = _span(box.y, box.height, shape[0])
        mask[rows, _span(box.x, box.width, shape[1])] = True
    return mask


def _span(start: float, length: float, pixels: int) -> slice:
    first = min(round(start * pixels), pixels - 1)
    return slice(first, max(round((start + length) * pixels), first + 1))
