"""Bones and airway of one made-up chest."""

from __future__ import annotations

import numpy as np

from pneumoscope.synthetic.anatomy import SIDES, Build, lateral_wall
from pneumoscope.synthetic.canvas import Plane, Points, spline

_RIBS = 10


def _rib_ring(build: Build, rib: int) -> tuple[Points, Points]:
    """Half ring of one rib in projection: the points (u, y) and their angle from the spine.

    A rib is a ring that slopes down to the front, so it projects to an ellipse: the upper arc is
    its posterior part, the lower arc, which ends at the cartilage, its anterior part.
    """
    wall = lateral_wall(build)
    step = (build.dome + 0.07 - build.apex) / _RIBS
    height = 0.036 + 0.0062 * rib
    level = build.apex + 0.02 + step * rib
    reach = float(np.interp(level, wall[:, 1], wall[:, 0])) + 0.008
    angle = np.linspace(np.arcsin(0.036 / reach), np.deg2rad(142 - 2.0 * rib), 40)
    drop = np.where(angle < np.pi / 2, height, 1.35 * height)
    return np.stack([reach * np.sin(angle), level - drop * np.cos(angle)], axis=1), angle


def _ribs(build: Build) -> Plane:
    """Ribs, 0..1; their rims brighter than the marrow, their lateral turn brightest."""
    canvas = build.canvas
    behind, before = canvas.blank(), canvas.blank()
    for rib in range(_RIBS):
        ring, angle = _rib_ring(build, rib)
        # Where the ring runs along the beam, the beam meets more bone.
        strength = 0.62 + 0.38 * np.sin(angle) ** 8
        width = 0.0175 if rib else 0.022
        for side in SIDES:
            for part, value in ((1.0, 1.0), (0.62, 0.62)):
                for i in range(len(ring) - 1):
                    front = angle[i] > np.pi / 2
                    plane = before if front else behind
                    shade = value * strength[i] * (0.78 if front else 1.0)
                    canvas.line(plane, ring[i : i + 2] * (side, 1), part * width, shade)
    return canvas.blur((behind.astype(np.float32) + before) / 255, 0.0018)


def _spine(build: Build) -> Plane:
    """Vertebral bodies, their pedicles and spinous processes, 0..1 and more where they overlap."""
    canvas = build.canvas
    bodies, marks = canvas.blank(), canvas.blank()
    y, height = -0.04, 0.034
    while y < 1.1:
        half, wide = 0.42 * height, 0.029 + 0.009 * max(y, 0)
        waist = [(-wide, y - half), (-0.88 * wide, y), (-wide, y + half)]
        side = spline(waist, 8)
        box = np.concatenate([side, side[::-1] * (-1, 1)])
        bodies = np.maximum(bodies, canvas.fill(box))
        for pedicle in (-0.62, 0.62):
            dot = np.array([(pedicle * wide, y - 0.006), (pedicle * wide, y + 0.002)])
            canvas.line(marks, dot, 0.011, 1)
        canvas.line(marks, np.array([(0, y + 0.006), (0.001, y + 0.02)]), 0.008, 1)
        y, height = y + height, height + 0.0016
    return canvas.blur(bodies.astype(np.float32) / 255 + marks.astype(np.float32) / 420, 0.0028)


def _shoulders(build: Build) -> Plane:
    """Clavicles, scapulae and humeri, 0..1 and more where they overlap."""
    canvas, wide = build.canvas, build.width
    slim, flat = canvas.blank(), canvas.blank()
    rise = build.clavicle_rise
    clavicle = spline(
        [
            (0.034, 0.178 - rise),
            (0.1, 0.163 - rise),
            (0.2, 0.122 - rise),
            (0.285, 0.108 - rise),
            (0.35 * wide, 0.12 - rise),
        ]
    )
    blade = spline(
        [
            (0.375, 0.165),
            (0.3, 0.15),
            (0.288, 0.2),
            (0.3, 0.3),
            (0.318, 0.375),
            (0.335, 0.34),
            (0.36, 0.25),
            (0.375, 0.2),
            (0.392, 0.185),
        ],
        48,
    ) * (wide, 1)
    humerus = spline([(0.418, 0.185), (0.435, 0.3), (0.47 - 0.02 * build.arm_drop, 0.5)])
    acromion = spline([(0.3, 0.15), (0.345, 0.12), (0.4, 0.128), (0.42, 0.145)], 16)
    for side in SIDES:
        flat = np.maximum(flat, canvas.fill(blade * (side, 1)) // 3)
        canvas.line(flat, blade[24:] * (side, 1), 0.008, 0.75)
        canvas.line(flat, acromion * (wide * side, 1), 0.018, 0.6)
        canvas.line(flat, humerus * (wide * side, 1), 0.036, 0.85)
        canvas.line(flat, humerus * (wide * side, 1), 0.019, 0.6)
        canvas.line(flat, humerus[:4] * (wide * side, 1), 0.062, 0.8)
        canvas.line(slim, clavicle * (side, 1), 0.021, 1)
        canvas.line(slim, clavicle[2:] * (side, 1), 0.011, 0.62)
    return canvas.blur((slim.astype(np.float32) + flat) / 255, 0.002)


def bone_cm(build: Build) -> Plane:
    """Path length through bone.

    Parameters
    ----------
    build : Build
        The patient's proportions.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Centimetres of compact bone.
    """
    ribs, spine, shoulders = _ribs(build), _spine(build), _shoulders(build)
    return np.asarray(1.35 * ribs + 0.75 * spine + 1.3 * shoulders, dtype=np.float32)


def airway_cm(build: Build) -> Plane:
    """Path length through trachea and main bronchi, in cm of air, shape (size, size)."""
    canvas, plane = build.canvas, build.canvas.blank()
    carina = build.apex + 0.235
    trachea = np.array([(0.0, -0.1), (-0.003, carina)])
    canvas.line(plane, trachea, 0.033, 1)
    for side, low in ((-1, 0.07), (1, 0.06)):
        bronchus = spline(
            [(0.0, carina), (side * 0.03, carina + 0.03), (side * 0.065, carina + low)]
        )
        canvas.line(plane, bronchus, 0.02, 0.7)
    return canvas.blur(plane.astype(np.float32) * (2.6 / 255), 0.004)
