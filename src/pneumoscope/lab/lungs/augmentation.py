"""Random changes of a radiograph and its lung fields alike, for the segmenter's training."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.lungs.masks import ELSEWHERE, LEFT, RIGHT, Fields

Grey = NDArray[np.uint8]

_SWAPPED = np.array([0, LEFT, RIGHT, 3], np.uint8)


def augment(grey: Grey, fields: Fields, size: int, rng: np.random.Generator) -> tuple[Grey, Fields]:
    """Draw one training example from a radiograph.

    Children's chests are shorter and wider, and their radiographs are cropped closer: hence the
    wide ranges of zoom and shape, and the crops to the lungs. Dense opacities are painted into
    lungs whose fields stay as they were, since a field ends at the chest wall and not at the
    opacity.

    Parameters
    ----------
    grey : ndarray of uint8, shape (side, side)
    fields : ndarray of uint8, shape (side, side)
        As of `masks`.
    size : int
        Side of what is returned, in pixels.
    rng : Generator

    Returns
    -------
    grey, fields : ndarray of uint8, shape (size, size)
    """
    if rng.random() < 0.5:
        grey = opacify(grey, fields, rng)
    grey, fields = _move(grey, fields, size, rng)
    return disturb(grey, rng), fields


def disturb(grey: Grey, rng: np.random.Generator) -> Grey:
    """Do what differs from hospital to hospital: frames, markers, exposure, sharpness, noise.

    Parameters
    ----------
    grey : ndarray of uint8, shape (side, side)
    rng : Generator
    """
    return _degrade(_expose(_frame(grey, rng), rng), rng)


def opacify(grey: Grey, fields: Fields, rng: np.random.Generator) -> Grey:
    """Paint dense opacities into the lungs: a few ellipses, or a veil over one lung or both.

    Parameters
    ----------
    grey, fields : ndarray of uint8, shape (side, side)
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (side, side)
        As it was where there is no lung.
    """
    side = grey.shape[0]
    chosen = [(RIGHT,), (LEFT,), (RIGHT, LEFT)][int(rng.integers(3))]
    lungs = np.isin(fields, chosen).astype(np.uint8)
    density = float(rng.uniform(0.3, 1))
    if rng.random() < 0.25:
        shade = lungs.astype(np.float32) * density
    else:
        shade = _ellipses(lungs, rng) * density
    soft = float(rng.uniform(0.01, 0.05)) * side
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), soft), np.float32)
    coarse = rng.random((8, 8), np.float32)
    texture = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))
    shade *= np.clip(1 - np.float32(rng.uniform(0, 0.6)) * texture, 0, 1)
    # As dense as the heart, not as bone or metal.
    dense = np.float32(np.percentile(grey, rng.uniform(70, 95)))
    painted = grey + shade * np.maximum(dense - grey, 0)
    return np.clip(painted, 0, 255).astype(np.uint8)


def _ellipses(lungs: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw up to three whose middles lie in the lungs; beyond the lungs they are faint."""
    side, drawn = lungs.shape[0], np.zeros(lungs.shape, np.float32)
    inside = np.flatnonzero(lungs)
    for place in inside[rng.integers(inside.size, size=rng.integers(1, 4))] if inside.size else ():
        middle = (int(place % side), int(place // side))
        width, height = (int(share * side) for share in rng.uniform(0.04, 0.3, 2))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(drawn, middle, (width, height), angle, 0, 360, 1, cv2.FILLED)
    return drawn * np.maximum(lungs, np.float32(rng.uniform(0, 0.7)))


def _move(grey: Grey, fields: Fields, size: int, rng: np.random.Generator) -> tuple[Grey, Fields]:
    """Rotate, shift, shear, zoom and flip; what a flip makes the other lung is called so."""
    side = grey.shape[0]
    centre, zoom = np.full(2, (side - 1) / 2), np.full(2, size / side)
    box = cv2.boundingRect((fields != ELSEWHERE).astype(np.uint8))
    if rng.random() < 0.5 and min(box[2:]) > side / 4:
        # A crop to the lungs with narrow margins, as children's radiographs have them.
        spans = np.array(box[2:]) * rng.uniform(0.85, 1.4, 2)
        zoom = size / np.minimum(spans, side * 1.2)
        centre = np.array(box[:2]) + np.array(box[2:]) * rng.uniform(0.42, 0.58, 2)
    else:
        zoom *= np.exp(rng.uniform(-0.35, 0.3)) * np.exp(rng.uniform(-0.2, 0.2, 2))
        centre += rng.uniform(-0.12, 0.12, 2) * side
    angle, shear = np.deg2rad(rng.normal(0, 6)), rng.uniform(-0.1, 0.1)
    mirrored = rng.random() < 0.5
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = np.diag(zoom * [-1 if mirrored else 1, 1]) @ rotation @ [[1, shear], [0, 1]]
    matrix = np.column_stack([linear, (size - 1) / 2 - linear @ centre])
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    moved = cv2.warpAffine(grey, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    placed = cv2.warpAffine(fields, matrix, (size, size), flags=cv2.INTER_NEAREST)
    return moved.astype(np.uint8), (_SWAPPED[placed] if mirrored else placed.astype(np.uint8))


def _frame(grey: Grey, rng: np.random.Generator) -> Grey:
    """Cover some edges, as collimators do, and write a marker somewhere."""
    size, framed = grey.shape[0], grey.copy()
    if rng.random() < 0.2:
        top, bottom, left, right = (rng.uniform(0, 0.08, 4) * size).astype(int)
        covered = np.ones(grey.shape, np.bool_)
        covered[top : size - bottom, left : size - right] = False
        framed[covered] = 255 if rng.random() < 0.3 else 0
    if rng.random() < 0.3:
        x, y = (int(v) for v in rng.integers(0, size, 2))
        cv2.putText(
            framed, "RLPA"[int(rng.integers(4))], (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255
        )
    return framed


def _expose(grey: Grey, rng: np.random.Generator) -> Grey:
    """Change gamma, contrast and brightness."""
    levels = np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.6, 0.6))
    levels = (levels - 0.5) * np.exp(rng.uniform(-0.9, 0.25)) + 0.5 + rng.uniform(-0.15, 0.15)
    return np.clip(np.rint(levels * 255), 0, 255).astype(np.uint8)[grey]


def _degrade(grey: Grey, rng: np.random.Generator) -> Grey:
    """Take away sharpness, add noise."""
    if rng.random() < 0.3:
        grey = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.4, 1.5))).astype(np.uint8)
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 6), grey.shape)
        grey = np.clip(grey + noise, 0, 255).astype(np.uint8)
    return grey
