"""What goes wrong with a good radiograph: turned, inverted, photographed from a screen, cut."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.lungs.augmentation import Grey
from pneumoscope.lab.lungs.masks import LEFT, RIGHT, Fields

_Values = NDArray[np.float32]

_CUT, _WHOLE = 0.6, 0.9  # of the less complete lung: below it is cut, from here on it is whole
_NO_CHEST, _CHEST = 0.1, 0.35  # of both lungs: below it is no chest, from here on it is one


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, as shares of its height and width, 0..1."""

    top: float
    bottom: float
    left: float
    right: float

    def of(self, picture: Grey) -> Grey:
        """Cut it out of a picture of any size."""
        height, width = picture.shape
        rows = slice(round(self.top * height), round(self.bottom * height))
        columns = slice(round(self.left * width), round(self.right * width))
        return np.ascontiguousarray(picture[rows, columns])


def split_lungs(mask: NDArray[np.bool_], size: int) -> Fields:
    """Give the lung on either side of the mask's middle a number.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
        Of both lungs.
    size : int
        Side of what is returned.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        As of `masks`.
    """
    small = cv2.resize(mask.astype(np.uint8), (size, size), interpolation=cv2.INTER_AREA)
    columns = np.nonzero(small)[1]
    fields = small.astype(np.uint8) * np.uint8(RIGHT)
    if columns.size:
        beyond = fields[:, int(columns.mean()) :]
        beyond[beyond > 0] = LEFT
    return fields


def kept(fields: Fields, box: Box) -> tuple[float, float] | None:
    """Tell how much of the lungs a part of the picture holds.

    Returns
    -------
    tuple of float, or None
        Of the less complete lung, and of both together, 0..1. None where two lungs are not known.
    """
    inside = box.of(fields)
    wholes = [np.count_nonzero(fields == lung) for lung in (RIGHT, LEFT)]
    if min(wholes) < 0.02 * fields.size:
        return None
    parts = [np.count_nonzero(inside == lung) for lung in (RIGHT, LEFT)]
    return min(part / whole for part, whole in zip(parts, wholes, strict=True)), sum(parts) / sum(
        wholes
    )


def is_cropped(least: float) -> bool | None:
    """Whether a lung of which so much is kept is cut away; None where it can be argued about."""
    return True if least < _CUT else False if least >= _WHOLE else None


def is_chest(both: float) -> bool | None:
    """Whether with so much of both lungs it still is a chest; None where it can be argued about."""
    return False if both < _NO_CHEST else True if both >= _CHEST else None


def draw_cut(rng: np.random.Generator) -> Box:
    """Draw a part that lacks a side of the picture, or that is a small piece of it."""
    if rng.random() < 0.3:
        height, width = rng.uniform(0.2, 0.5, 2)
        top, left = rng.uniform(0, 1 - height), rng.uniform(0, 1 - width)
        return Box(top, top + height, left, left + width)
    edges = np.array([0.0, 1.0, 0.0, 1.0]) + rng.uniform(0, 0.05, 4) * [1, -1, 1, -1]
    side, depth = int(rng.integers(4)), rng.uniform(0.2, 0.65)
    edges[side] = 1 - depth if side % 2 else depth
    return Box(*edges.tolist())


def draw_margins(rng: np.random.Generator) -> Box:
    """Draw a part that lacks a little on each side, as any radiograph may."""
    return Box(*(np.array([0, 1, 0, 1]) + rng.uniform(0, 0.07, 4) * [1, -1, 1, -1]).tolist())


def turned(picture: Grey, quarters: int) -> Grey:
    """Turn a picture by quarters, counter-clockwise."""
    return np.ascontiguousarray(np.rot90(picture, quarters))


def photographed(picture: Grey, rng: np.random.Generator) -> Grey:
    """Photograph a picture from a screen or a light box, as a telephone does.

    The picture is seen aslant with what is round it; the screen's grid interferes with the
    camera's, a lamp is reflected, the room is brighter on one side, and the focus is not sharp.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (height, width)
    """
    moire, glare, surround = rng.random(3) < (0.65, 0.5, 0.6)
    if not (moire or glare or surround):
        surround = True
    haze = np.float32(rng.uniform(0, 0.2))
    values: _Values = np.power(picture / np.float32(255), np.float32(rng.uniform(0.7, 1.4)))
    values = haze + (np.float32(rng.uniform(0.7, 1)) - haze) * values
    values = _aslant(values, rng, seen_around=bool(surround))
    down, right = _places(picture.shape)
    if moire:
        values *= _interference(down, right, rng)
    if glare:
        values = _reflected(values, down, right, rng)
    slope = rng.uniform(-0.35, 0.35, 2)
    values *= (1 + slope[0] * (down - 0.5) + slope[1] * (right - 0.5)).astype(np.float32)
    blur = float(rng.uniform(0.001, 0.006)) * max(picture.shape)
    values = np.asarray(cv2.GaussianBlur(values, (0, 0), blur), np.float32)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _places(shape: tuple[int, ...]) -> tuple[_Values, _Values]:
    height, width = shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    return down, np.linspace(0, 1, width, dtype=np.float32)[None, :]


def _aslant(values: _Values, rng: np.random.Generator, *, seen_around: bool) -> _Values:
    """See a picture from aside; with its frame and the room, or too near for them."""
    height, width = values.shape
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    inset = rng.uniform(0.04, 0.16) if seen_around else rng.uniform(-0.06, -0.02)
    towards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    aims = corners + towards * inset + rng.uniform(-0.04, 0.04, (4, 2))
    scale = np.array([width - 1, height - 1], np.float32)
    to_picture = cv2.getPerspectiveTransform(corners * scale, (aims * scale).astype(np.float32))
    if not seen_around:
        seen = cv2.warpPerspective(
            values, to_picture, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(seen, np.float32)
    bright = rng.random() < 0.4
    room, frame = rng.uniform(0.6, 1, 2) if bright else rng.uniform(0.02, 0.45, 2)
    scene = np.full(values.shape, room, np.float32)
    outer = aims - towards * rng.uniform(0.02, 0.08)
    cv2.fillConvexPoly(scene, np.rint(outer * scale).astype(np.int32), float(frame))
    cv2.warpPerspective(
        values, to_picture, (width, height), dst=scene, borderMode=cv2.BORDER_TRANSPARENT
    )
    return scene


def _interference(down: _Values, right: _Values, rng: np.random.Generator) -> _Values:
    """One or two bent gratings, light and dark by turns."""
    gain = np.ones((down.size, right.size), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle, cycles = rng.uniform(0, np.pi), rng.uniform(6, 45)
        bend, strength = rng.uniform(-0.15, 0.15, 2), rng.uniform(0.04, 0.14)
        along = np.cos(angle) * right + np.sin(angle) * down
        phase = cycles * (along + bend[0] * (right - 0.5) ** 2 + bend[1] * (down - 0.5) ** 2)
        gain += np.float32(strength) * np.sin(2 * np.pi * phase).astype(np.float32)
    return gain


def _reflected(values: _Values, down: _Values, right: _Values, rng: np.random.Generator) -> _Values:
    """A lamp or a window, mirrored in the glass."""
    for _ in range(int(rng.integers(1, 3))):
        (y, x), (tall, wide) = rng.uniform(0.1, 0.9, 2), rng.uniform(0.04, 0.22, 2)
        distance = ((down - y) / tall) ** 2 + ((right - x) / wide) ** 2
        # Higher powers have a clear border, as a window has.
        light = np.exp(-(distance ** float(rng.choice([1, 1, 3]))) / 2)
        values = values + (1 - values) * np.float32(rng.uniform(0.35, 0.95)) * light
    return np.asarray(values, np.float32)
