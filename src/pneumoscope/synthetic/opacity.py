"""Pneumonia made up: consolidation of a part of one lung, or bronchopneumonia in patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pneumoscope.synthetic.anatomy import SIDES, Build, Tissue, branches, hilum
from pneumoscope.synthetic.canvas import Plane, Points

_SEEN_CM = 0.2
"""Path through water, in cm, from which the opacity counts as seen and belongs to its mask."""


def _blobs(canvas_points: Points, radii: NDArray[np.float64], size: int) -> Plane:
    """Highest of paraboloids with these centres and radii in pixels: 1 in the centre, 0 at r."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    shape = np.full((size, size), -1, np.float32)
    for (cx, cy), (rx, ry) in zip(canvas_points, radii, strict=True):
        shape = np.maximum(shape, 1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2)
    return shape


def _layout(
    rng: np.random.Generator, build: Build, tissue: Tissue, side: int
) -> tuple[Points, NDArray[np.float64]]:
    """Centres (x, y) and radii (rx, ry) in pixels: one large area, or several patches."""
    size = build.canvas.size
    inner = tissue.lung_mask & (tissue.air_cm > 0.5 * build.lung_cm)
    middle = round(build.canvas.to_pixels(np.array([(0.0, 0.4)]))[0, 0])
    inner[:, :middle] &= side < 0
    inner[:, middle:] &= side > 0
    lobar = rng.random() < 0.55
    count = 1 if lobar else int(rng.integers(5, 11))
    # Pneumonia favours the lower zones: centres are drawn towards them.
    rows = np.quantile(np.nonzero(inner)[0], rng.beta(2.2, 1.3, count), method="nearest")
    across = rng.random(count)
    columns = [np.quantile(np.nonzero(inner[y])[0], q) for y, q in zip(rows, across, strict=True)]
    centres = np.stack([columns, rows], axis=1).astype(np.float64)
    low, high = (0.11, 0.2) if lobar else (0.03, 0.075)
    radii = rng.uniform(low, high, (count, 2)) * size * build.canvas.zoom
    return centres, radii


def _bronchogram(rng: np.random.Generator, build: Build, side: int, target: Points) -> Plane:
    """Air-filled bronchi from the hilum towards the opacity, 0..1."""
    root = build.canvas.to_pixels(np.array([hilum(build, side)]))[0]
    aim = float(np.arctan2(target[1] - root[1], target[0] - root[0]))
    plane = build.canvas.blank()
    for turn in (-0.45, 0.0, 0.45):
        for curve, width in branches(rng, hilum(build, side), aim + turn, 0.008, 4):
            build.canvas.line(plane, curve, width, 1)
    return build.canvas.blur(plane.astype(np.float32) / 255, 0.0022)


def draw_opacity(
    rng: np.random.Generator, build: Build, tissue: Tissue
) -> tuple[Plane, NDArray[np.bool_]]:
    """Draw air spaces filled with fluid.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of its own stream, so that the chest is the same with and without.
    build : Build
        The patient's proportions.
    tissue : Tissue
        The lungs to fill.

    Returns
    -------
    added_cm : ndarray of float32, shape (size, size)
        Water in place of air; 0 outside the lung fields.
    mask : ndarray of bool, shape (size, size)
        Where it is seen; inside the lung fields.
    """
    canvas = build.canvas
    side = int(rng.choice(SIDES))
    centres, radii = _layout(rng, build, tissue, side)
    shape = _blobs(centres, radii, canvas.size) + 0.3 * canvas.clouds(rng, 9, 4)
    shape = np.clip(shape / 0.85, 0, 1)
    soft = canvas.blur(shape * shape * (3 - 2 * shape), 0.006)
    texture = np.clip(0.82 + 0.14 * canvas.clouds(rng, 28, 3), 0.35, 1.1)
    airway = 1 - 0.3 * _bronchogram(rng, build, side, centres.mean(axis=0))
    filled = rng.uniform(0.45, 0.7)
    added = filled * soft * texture * airway * tissue.air_cm * tissue.lung_mask
    added = added.astype(np.float32)
    return added, added > _SEEN_CM
