"""Soft parts of one made-up chest as path lengths in cm: body, lungs, heart, vessels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.synthetic.canvas import Canvas, Plane, Points, spline

SIDES = (-1, 1)  # the patient's right lung lies on the image's left


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions of a made-up adult in one view; lengths in widths of the image, depths in cm."""

    canvas: Canvas
    width: float
    apex: float
    dome: float
    dome_step: float
    heart: float
    depth_cm: float
    lung_cm: float
    abdomen_cm: float
    arm_drop: float
    breast: float
    clavicle_rise: float


def draw_build(rng: np.random.Generator, size: int, *, ap: bool, female: bool) -> Build:
    """Draw the proportions of one patient.

    Parameters
    ----------
    rng : numpy.random.Generator
        Drawn from equally often in both views, so that a seed is the same patient in both.
    size : int
        Side of the image in pixels.
    ap : bool
        Anteroposterior: larger heart, higher clavicles, shallower inspiration than posteroanterior.
    female : bool
        Narrower chest, breast shadows.

    Returns
    -------
    Build
    """
    canvas = Canvas(
        size=size,
        angle=rng.normal(0, 1.2),
        zoom=rng.uniform(1.02, 1.22),
        shift=(rng.normal(0, 0.012), rng.normal(0.035, 0.015)),
    )
    fat = rng.beta(2, 4)
    breast = rng.uniform(0.5, 1.0)
    return Build(
        canvas=canvas,
        width=rng.normal(1.06, 0.04) - 0.03 * female,
        apex=rng.normal(0.125, 0.012) + 0.015 * ap,
        dome=np.clip(rng.normal(0.665, 0.03), 0.6, 0.74) - 0.06 * ap,
        dome_step=rng.uniform(0.012, 0.035),
        heart=np.clip(rng.normal(1.0, 0.09), 0.8, 1.2) * (1.2 if ap else 1.0),
        depth_cm=rng.uniform(17, 20) + 8 * fat,
        lung_cm=rng.uniform(11.5, 14) - 1.5 * ap,
        abdomen_cm=rng.uniform(1.5, 4.0),
        arm_drop=rng.uniform(0.0, 1.0),
        breast=breast if female else 0.12 * breast,
        clavicle_rise=rng.normal(0, 0.01) + 0.028 * ap,
    )


@dataclass(frozen=True, slots=True)
class Tissue:
    """What the beam meets, before the bones.

    Attributes
    ----------
    soft_cm : ndarray of float32, shape (size, size)
        Path through water-like tissue and vessels, lungs taken out.
    air_cm : ndarray of float32, shape (size, size)
        Path through lung that the heart leaves.
    lung_mask : ndarray of bool, shape (size, size)
        Lung fields: seen beside the mediastinum and the heart, above the diaphragm.
    """

    soft_cm: Plane
    air_cm: Plane
    lung_mask: NDArray[np.bool_]


def lateral_wall(build: Build) -> Points:
    """Inner border of the chest wall from the apex down to the costophrenic angle, (u, y)."""
    top, low = build.apex, build.dome + 0.105
    knots = [(0.105, 0.0), (0.165, 0.045), (0.215, 0.16), (0.258, 0.36), (0.287, 0.62)]
    points = [(u * build.width, top + t * (low - top)) for u, t in knots]
    return spline([*points, (0.298 * build.width, low - 0.05), (0.295 * build.width, low)])


def lung_outline(build: Build, side: int) -> Points:
    """Return the closed outline of one lung; `side` is -1 or 1, as in `SIDES`."""
    wall = lateral_wall(build)
    dome = build.dome + (build.dome_step if side > 0 else 0.0)
    corner_u, corner_y = wall[-1]
    base = spline(
        [
            (corner_u, corner_y),
            (corner_u * 0.9, dome + 0.042),
            (corner_u * 0.68, dome + 0.004),
            (corner_u * 0.45, dome),
            (0.03, dome + 0.03),
        ]
    )
    inner = spline([(0.03, dome + 0.03), (0.026, 0.4), (0.028, build.apex + 0.09)], 16)
    summit = spline([(0.028, build.apex + 0.09), (0.055, build.apex + 0.02), tuple(wall[0])], 16)
    return np.concatenate([wall, base[1:], inner[1:], summit[1:]]) * (side, 1)


def mediastinum_outline(build: Build) -> Points:
    """Return the closed outline of heart, aortic knob and great vessels."""
    wide, low = build.heart, build.dome + 0.08
    top = build.apex
    right = [(-0.052, -0.1), (-0.046, top + 0.02), (-0.05, 0.27), (-0.05, 0.4)]
    atrium = [(-0.082 * wide, 0.51), (-0.09 * wide, 0.59), (-0.07 * wide, low - 0.02)]
    apex = [(0.02, low + 0.02), (0.13 * wide, low + 0.01), (0.185 * wide, low - 0.04)]
    left = [(0.192 * wide, low - 0.085), (0.165 * wide, 0.56), (0.115 * wide, 0.47), (0.078, 0.41)]
    trunk = [(0.068, 0.37), (0.063, 0.34), (0.068, 0.31), (0.06, 0.27), (0.046, 0.235)]
    return spline([*right, *atrium, *apex, *left, *trunk, (0.042, top + 0.02), (0.052, -0.1)], 160)


def _body_cm(build: Build) -> Plane:
    """Path length through the whole body, lungs counted as solid."""
    wide, drop = build.width, build.arm_drop
    half = [(0.085, -0.2), (0.088, 0.0), (0.13, 0.055), (0.27, 0.085), (0.385, 0.12)]
    flank = [(0.43, 0.19), (0.405, 0.34), (0.385, 0.55), (0.375, 0.8), (0.39, 1.25)]
    edge = spline([(u * wide, y) for u, y in half + flank])
    outline = np.concatenate([edge, edge[::-1] * (-1, 1)])
    trunk = build.canvas.fill(outline)
    arms = build.canvas.blank()
    for side in SIDES:
        reach = [(0.4, 0.17), (0.46 + 0.03 * (1 - drop), 0.33), (0.5 + 0.12 * (1 - drop), 0.75)]
        build.canvas.line(arms, spline([(u * wide, y) for u, y in reach]) * (side, 1), 0.095, 1)
    body = build.depth_cm * build.canvas.rounded(trunk, 0.1) ** 0.8
    body = np.maximum(body, 0.5 * build.depth_cm * build.canvas.rounded(arms, 0.05))
    return build.canvas.blur(body, 0.004)


def _breast_cm(build: Build) -> Plane:
    """Path length through the breasts, hanging before the lower zones."""
    turn = np.linspace(0, 2 * np.pi, 60)
    outlines = []
    for side in SIDES:
        u = side * (0.19 + 0.02 * build.breast) * build.width
        radius = 0.09 + 0.045 * build.breast
        circle = np.stack([u + radius * np.cos(turn), 0.6 + 1.05 * radius * np.sin(turn)], axis=1)
        outlines.append(circle)
    mask = build.canvas.fill(*outlines)
    return build.canvas.blur(2.6 * build.breast * build.canvas.rounded(mask, 0.13), 0.004)


def branches(
    rng: np.random.Generator, start: tuple[float, float], heading: float, width: float, depth: int
) -> list[tuple[Points, float]]:
    """Curves of a tree that forks and tapers, as vessels and bronchi do.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the curves' bends and forks.
    start : tuple of float
        Root (u, y).
    heading : float
        Direction at the root, radians from the image's right, clockwise.
    width : float
        Width at the root, in widths of the image.
    depth : int
        Generations.

    Returns
    -------
    list of (ndarray of shape (5, 2), float)
        Each curve and its width.
    """
    grown: list[tuple[Points, float]] = []
    tips = [(np.array(start), heading, width)]
    for generation in range(depth):
        next_tips = []
        for root, angle, wide in tips:
            length = rng.uniform(0.75, 1.2) * 0.075 * 0.83**generation
            bends = angle + rng.normal(0, 0.12) * np.linspace(0, 2, 4)
            steps = np.stack([np.cos(bends), np.sin(bends)], axis=1) * length / 4
            curve = np.concatenate([[root], root + np.cumsum(steps, axis=0)])
            grown.append((curve, wide))
            for fork in (-1, 1):
                turn = bends[-1] + fork * rng.uniform(0.15, 0.5)
                next_tips.append((curve[-1], turn, wide * rng.uniform(0.55, 0.78)))
        tips = next_tips
    return grown


def hilum(build: Build, side: int) -> tuple[float, float]:
    """Root (u, y) of one lung's vessels; the patient's left hilum lies higher."""
    return side * (0.072 + 0.01 * build.heart), build.apex + 0.305 - 0.015 * (side > 0)


def _vessel_cm(rng: np.random.Generator, build: Build) -> Plane:
    """Path length through the vessels of both lungs."""
    widest = 0.017
    curves: list[tuple[Points, float]] = []
    for side in SIDES:
        for tilt in (-1.3, -0.8, -0.3, 0.2, 0.65, 1.0, 1.3):
            heading = tilt + rng.normal(0, 0.08)
            # The lower zones carry the wider vessels in the upright patient.
            width = widest * rng.uniform(0.5, 0.75) * (1 + 0.25 * np.sign(tilt))
            aim = heading if side > 0 else np.pi - heading
            curves += branches(rng, hilum(build, side), aim, width, 6)
    plane = build.canvas.blank()
    for curve, width in sorted(curves, key=lambda item: item[1]):
        build.canvas.line(plane, curve, width, min(1.0, width / widest + 0.05))
    hila = build.canvas.blank()
    for side in SIDES:
        u, y = hilum(build, side)
        axis = np.array([(u, y - 0.022), (u + side * 0.012, y + 0.03)])
        build.canvas.line(hila, axis, 0.026, 1)
    blur = build.canvas.blur
    tree = blur(plane.astype(np.float32) * (2.4 / 255), 0.0013)
    return tree + blur(hila.astype(np.float32) * (2.2 / 255), 0.009)


def draw_tissue(rng: np.random.Generator, build: Build) -> Tissue:
    """Draw the soft parts of one chest.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of vessels and texture.
    build : Build
        The patient's proportions.

    Returns
    -------
    Tissue
        Path lengths in cm and the lung fields.
    """
    canvas = build.canvas
    lungs = canvas.fill(*(lung_outline(build, side) for side in SIDES))
    middle = canvas.fill(mediastinum_outline(build))
    lung_cm = build.lung_cm * canvas.blur(canvas.rounded(lungs, 0.12), 0.0012)
    heart_cm = 13.0 * canvas.blur(canvas.rounded(middle, 0.09), 0.002)
    air_cm = np.maximum(lung_cm - heart_cm, 0)
    mottle = 1 + 0.05 * canvas.clouds(rng, 48, 2)
    vessels = np.minimum(_vessel_cm(rng, build), 0.5 * air_cm)
    body = _body_cm(build)
    below = canvas.fill(_abdomen_outline(build)).astype(np.float32) / 255
    body *= 1 + build.abdomen_cm / build.depth_cm * canvas.blur(below, 0.045)
    body += _breast_cm(build) + 0.25 * canvas.clouds(rng, 6) * (body > 1)
    mask = (lungs > 127) & (middle <= 127)
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    soft = np.maximum(body - air_cm + 0.26 * air_cm * mottle + vessels, 0)
    return Tissue(soft.astype(np.float32), air_cm.astype(np.float32), mask)


def _abdomen_outline(build: Build) -> Points:
    """Return the outline of the belly, whose girth adds to the chest's from the domes down."""
    low = build.dome + 0.05
    return np.array(
        [
            (-0.6, low + 0.1),
            (-0.15, low),
            (0.15, low + 0.02),
            (0.6, low + 0.12),
            (0.6, 1.4),
            (-0.6, 1.4),
        ]
    )
