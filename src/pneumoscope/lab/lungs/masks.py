"""Lung masks as they come, brought to one form: a right lung, a left lung, and what is unknown."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Fields = NDArray[np.uint8]

ELSEWHERE: Final = 0
RIGHT: Final = 1
"""The patient's right lung: on the left of the picture, as radiographs are shown."""
LEFT: Final = 2
UNKNOWN: Final = 3
"""Where the mask is not believed, and nothing is learnt."""

_BREAK = 0.04  # of the picture's side: narrower gaps within a lung are closed
_PIECE = 0.25  # of a lung's largest piece: smaller ones are stray islands
_LEAST_AREA = 0.025  # of the picture, for a lung
_LEAST_AREA_RATIO = 0.4  # of the smaller lung to the larger
_LEAST_HEIGHT_RATIO = 0.8
_LEAST_SOLIDITY = 0.75  # of a lung's area to that of its convex hull


def to_fields(mask: Mask) -> Fields | None:
    """Tell the lungs of a mask apart, and mend them: no stray islands, cracks or holes.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
        Both lungs, as drawn by hand or by a network.

    Returns
    -------
    ndarray of uint8, shape (height, width), or None
        `ELSEWHERE`, `RIGHT` or `LEFT`; None where there are not two lungs beside each other.
    """
    pieces, count = ndimage.label(mask)
    if count < 2:
        return None
    numbers = np.arange(1, count + 1)
    areas = ndimage.sum_labels(mask, pieces, numbers)
    middles = np.array([column for _, column in ndimage.center_of_mass(mask, pieces, numbers)])
    first = int(areas.argmax())
    # The other lung is the largest piece beside the first: an island may lie above or below it.
    columns = np.flatnonzero((pieces == numbers[first]).any(axis=0))
    beside = (middles < columns[0]) | (middles > columns[-1])
    if not beside.any():
        return None
    second = int(np.where(beside, areas, 0).argmax())
    border = (middles[first] + middles[second]) / 2
    fields = np.full(mask.shape, ELSEWHERE, np.uint8)
    for lung, main in zip((RIGHT, LEFT), sorted((first, second), key=middles.take), strict=True):
        kept = ((middles < border) == (lung == RIGHT)) & (areas >= _PIECE * areas[main])
        closed = _closed(np.isin(pieces, numbers[kept]))
        fields[closed & (fields == ELSEWHERE)] = lung
    return fields


def believable(fields: Fields) -> bool:
    """Whether both lungs have the size and the shape of whole ones.

    Networks cut dense consolidation out of their masks. What is left of such a lung is smaller,
    lower or more ragged than the other.
    """
    picture, lungs = fields.size, [fields == lung for lung in (RIGHT, LEFT)]
    areas = [np.count_nonzero(lung) for lung in lungs]
    heights = [np.count_nonzero(lung.any(axis=1)) for lung in lungs]
    solidities = [
        area / np.count_nonzero(hull(lung)) for area, lung in zip(areas, lungs, strict=True)
    ]
    return bool(
        min(areas) >= _LEAST_AREA * picture
        and min(areas) >= _LEAST_AREA_RATIO * max(areas)
        and min(heights) >= _LEAST_HEIGHT_RATIO * max(heights)
        and min(solidities) >= _LEAST_SOLIDITY
    )


def with_doubt(fields: Fields, opacities: Mask) -> Fields:
    """Mark as unknown where a network may have cut an opacity out of a lung.

    Parameters
    ----------
    fields : ndarray of uint8, shape (height, width)
        From `to_fields`.
    opacities : ndarray of bool, shape (height, width)
        Inside readers' boxes.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Outside the lungs, `UNKNOWN` in the boxes and in each lung's convex hull.
    """
    doubtful = opacities | hull(fields == RIGHT) | hull(fields == LEFT)
    return np.where((fields == ELSEWHERE) & doubtful, np.uint8(UNKNOWN), fields)


def hull(mask: Mask) -> Mask:
    """Fill the convex hull of a mask; empty for an empty one."""
    points = cv2.findNonZero(mask.astype(np.uint8))
    filled = np.zeros(mask.shape, np.uint8)
    if points is not None:
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled > 0


def _closed(mask: Mask) -> Mask:
    """Close narrow gaps, then fill holes."""
    width = 2 * round(_BREAK * min(mask.shape) / 2) + 1
    # A margin, so that what touches the picture's edge is closed as elsewhere.
    padded = np.pad(mask, width).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)[width:-width, width:-width]
    filled: Mask = ndimage.binary_fill_holes(closed)
    return filled
