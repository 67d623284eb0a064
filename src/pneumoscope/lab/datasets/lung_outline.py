"""Radiographs reduced to their lung fields, with outlines that tell less of the class.

A network's lung mask leaves dense consolidation out, so that its outline alone tells much of the
class. Here holes and bays are closed, and the outline is moved at random.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_BLACK = 12  # of 255: JPEG leaves some grey beside an outline
_EDGE = np.ones((5, 5), np.uint8)  # the outline's own pixels are half black
_STRAY = 0.1  # of the largest piece's area: smaller pieces are no part of a lung
_CELLS = (12, 12)  # of the grid that lost greys are extended over


def only_lungs(grey: Grey, mask: Mask, rng: np.random.Generator) -> Grey:
    """Blacken everything but the lung fields, whose outline is moved at random.

    Up to two patches inside are smoothed, as `mend` leaves what it fills, so that a smooth patch
    tells less.

    Parameters
    ----------
    grey : ndarray of uint8, shape (side, side)
        A whole radiograph, or what `mend` made of a cut-out one.
    mask : ndarray of bool, shape (side, side)
        Its lung fields.
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (side, side)
        0 outside the outline.
    """
    patches = int(rng.integers(0, 3))
    if patches and mask.any():
        smooth = _ellipses(mask, rng, patches, 1)
        grey = cv2.copyTo(extended(grey, mask), smooth, grey.copy()).astype(np.uint8)
    outline = random_outline(mask, rng).view(np.uint8)
    return cv2.bitwise_and(grey, grey, mask=outline).astype(np.uint8)


def random_outline(mask: Mask, rng: np.random.Generator) -> Mask:
    """Move the outline of lung fields at random.

    In half of the draws each lung becomes its convex hull. Then the outline moves in or out by up
    to some 3% of the side, by more here than there, and up to two ellipses are bitten off or added.

    Parameters
    ----------
    mask : ndarray of bool, shape (side, side)
    rng : Generator

    Returns
    -------
    ndarray of bool, shape (side, side)
        Holes and stray islands are gone before the bites.
    """
    side = mask.shape[0]
    lungs = _filled(mask, 255, hulls=rng.random() < 0.5)
    reach = 2 * int(rng.uniform(0.01, 0.035) * side) + 1
    soft = cv2.blur(lungs, (reach, reach))
    levels = np.clip(rng.normal(rng.uniform(40, 215), 50, (6, 6)), 5, 250).astype(np.uint8)
    outline = cv2.compare(soft, cv2.resize(levels, (side, side)), cv2.CMP_GT)
    for _ in range(int(rng.integers(0, 3)) if lungs.any() else 0):
        ellipse = _ellipses(mask, rng, 1, 255)
        if rng.random() < 0.5:
            outline = cv2.bitwise_or(outline, ellipse)
        else:
            outline = cv2.bitwise_and(outline, cv2.bitwise_not(ellipse))
    return np.asarray(outline, dtype=np.uint8) > 0


def mend(cut_out: Grey) -> tuple[Grey, Mask]:
    """Close the holes and bays of a radiograph that was cut down to its lungs.

    What was cut away is not known. It is filled with a smooth extension of the lungs' greys, over
    the whole picture, so that an outline may also be moved outwards.

    Parameters
    ----------
    cut_out : ndarray of uint8, shape (side, side)
        Black outside a network's lung mask.

    Returns
    -------
    grey : ndarray of uint8, shape (side, side)
        Filled everywhere; as it was inside the given outline, but for its edge.
    mask : ndarray of bool, shape (side, side)
        Each lung's convex hull, without stray islands. Empty for a black picture.
    """
    known = cut_out > _BLACK
    inner = cv2.erode(known.view(np.uint8), _EDGE)
    mended = cv2.copyTo(cut_out, inner, extended(cut_out, inner > 0))
    return mended.astype(np.uint8), _filled(known, 1, hulls=True) > 0


def _filled(mask: Mask, value: int, *, hulls: bool) -> Grey:
    """Fill the holes of each lung, or its convex hull, without stray islands."""
    filled = np.zeros(mask.shape, np.uint8)
    found, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(outline) for outline in found]
    kept = [o for o, area in zip(found, areas, strict=True) if area > _STRAY * max(areas)]
    if not hulls or not kept:
        return cv2.drawContours(filled, kept, -1, value, cv2.FILLED).astype(np.uint8)
    # A lung may have come in pieces: those of one side of the chest belong together.
    spans = [(int(o[..., 0].min()), int(o[..., 0].max())) for o in kept]
    centre = min(low for low, _ in spans) + max(high for _, high in spans)
    for right in (True, False):
        lung = [o for o, span in zip(kept, spans, strict=True) if (sum(span) < centre) == right]
        if lung:
            cv2.fillConvexPoly(filled, cv2.convexHull(np.concatenate(lung)), value)
    return filled


def _ellipses(mask: Mask, rng: np.random.Generator, number: int, value: int) -> Grey:
    """Draw ellipses whose middles lie in the lungs."""
    side, drawn = mask.shape[0], np.zeros(mask.shape, np.uint8)
    step = max(side // 32, 1)
    rows, columns = np.nonzero(mask[::step, ::step])
    for place in rng.integers(rows.size, size=number) if rows.size else ():
        middle = (int(columns[place]) * step, int(rows[place]) * step)
        width, height = (int(share * side) for share in rng.uniform(0.03, 0.12, 2))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(drawn, middle, (width, height), angle, 0, 360, value, cv2.FILLED)
    return drawn


def extended(grey: Grey, known: Mask) -> Grey:
    """Extend the greys of the known pixels smoothly over the picture."""
    weights = known.view(np.uint8)
    there = cv2.bitwise_and(grey, grey, mask=weights)
    light, weight = (
        cv2.resize(values, _CELLS, interpolation=cv2.INTER_AREA).astype(np.float32)
        for values in (there, weights * np.uint8(255))
    )
    # Far from all that is known, the mean of it.
    far = np.float32(0.01)
    near_light, near_weight = (cv2.GaussianBlur(values, (0, 0), 0.8) for values in (light, weight))
    total = np.maximum(near_weight + far * weight.mean(), np.finfo(np.float32).tiny)
    values = np.clip(255 * (near_light + far * light.mean()) / total, 0, 255).astype(np.uint8)
    return cv2.resize(values, grey.shape, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
