"""A made-up axial CT slice of a chest from a seed, for the tests: what a bundle must not mix up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import InputError
from pneumoscope.synthetic.canvas import Canvas, Plane, Points
from pneumoscope.synthetic.patient import Stream, check_seed, stream
from pneumoscope.synthetic.phantom import LARGEST, SMALLEST, burn_mark

# In Hounsfield units.
_AIR, _LUNG, _FAT, _MUSCLE, _BLOOD, _BONE, _TABLE = -1000, -860, -90, 50, 40, 420, -450
# Centre and width of the windows that chests are shown in.
_WINDOWS = ((-600.0, 1500.0), (-500.0, 1200.0), (40.0, 400.0))
_LUNG_SHARE = 0.8


def draw_ct_slice(seed: int, *, size: int = 512) -> NDArray[np.float32]:
    """Draw a made-up axial slice through a chest, in a lung or a mediastinal window.

    Far plainer than a patient's: a body, two lungs with vessels, a mediastinum, spine, ribs,
    sternum and the table.

    Parameters
    ----------
    seed : int
        0 to 4294967295.
    size : int
        Side in pixels, 128 to 4096.

    Returns
    -------
    ndarray of float32, shape (size, size)
        0 black to 1 white, "PHANTOM" written in the upper left corner.

    Raises
    ------
    InputError
        For a seed or size outside these ranges.
    """
    check_seed(seed)
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"phantom size {size} is outside {SMALLEST}..{LARGEST} pixels")
    rng = stream(seed, Stream.CT_SLICE)
    canvas = Canvas(size, rng.uniform(-4, 4), rng.uniform(0.95, 1.1), (0.0, rng.uniform(-0.03, 0)))
    values = canvas.blur(_tissues(canvas, rng), 0.0012)
    values += 25 * canvas.clouds(rng, 64, 1) + rng.normal(0, 25, values.shape)
    centre, width = _WINDOWS[int(rng.integers(2)) if rng.random() < _LUNG_SHARE else 2]
    pixels: NDArray[np.float32] = np.clip((values - centre) / width + 0.5, 0, 1).astype(np.float32)
    burn_mark(pixels)
    return pixels


def _tissues(canvas: Canvas, rng: np.random.Generator) -> Plane:
    """Lay organ over organ, in Hounsfield units."""
    values = np.full((canvas.size, canvas.size), _AIR, np.float32)
    wide, deep = rng.uniform(0.43, 0.47), rng.uniform(0.31, 0.38)
    lung = (rng.uniform(0.15, 0.175), rng.uniform(0.62, 0.7) * deep)
    _line(canvas, values, _arc((0, 0.3), (0.44, 0.62), 0.2, 0.8), 0.008, _TABLE)
    _fill(canvas, values, _FAT, _ellipse((0, 0.5), (wide, deep)))
    _fill(canvas, values, _MUSCLE, _ellipse((0, 0.5), (wide - 0.025, deep - 0.02)))
    for angle in rng.uniform(0, 2 * np.pi, 14):
        middle = ((wide - 0.06) * np.cos(angle), 0.5 + (deep - 0.04) * np.sin(angle))
        _fill(canvas, values, _BONE, _ellipse(middle, (0.022, 0.01), angle + np.pi / 2))
    for side in (-1, 1):
        _lung(canvas, values, rng, side, lung)
    heart = (rng.uniform(0.1, 0.16), rng.uniform(0.1, 0.15))
    _fill(canvas, values, _BLOOD, _ellipse((rng.uniform(0.01, 0.05), 0.42), heart))
    _fill(canvas, values, _BLOOD, _ellipse((0.045, 0.61), (0.028, 0.028)))
    _fill(canvas, values, _AIR, _ellipse((-0.01, rng.uniform(0.52, 0.56)), (0.016, 0.014)))
    _fill(canvas, values, _BONE, _ellipse((0, 0.5 - deep + 0.055), (0.045, 0.013)))
    _fill(canvas, values, _BONE, _ellipse((0, 0.5 + deep - 0.13), (0.052, 0.042)))
    _fill(canvas, values, _MUSCLE, _ellipse((0, 0.5 + deep - 0.08), (0.018, 0.016)))
    _line(canvas, values, np.array([[0, 0.5 + deep - 0.065], [0, 0.5 + deep - 0.02]]), 0.014, _BONE)
    return values


def _lung(
    canvas: Canvas,
    values: Plane,
    rng: np.random.Generator,
    side: int,
    radii: tuple[float, float],
) -> None:
    centre = (side * (radii[0] + 0.055), 0.5)
    inside = _fill(canvas, values, _LUNG, _ellipse(centre, radii))
    values += inside * (40 * canvas.clouds(rng, 8) + 60 * canvas.clouds(rng, 32, 2))
    hilum = np.array([side * 0.075, 0.52])
    drawn = canvas.blank()
    for _ in range(18):
        turn, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0.05, 0.9))
        end = np.array(centre) + reach * np.array(radii) * (np.cos(turn), np.sin(turn))
        # Vessels that run through the slice, and those that cross it.
        canvas.line(drawn, np.stack([hilum, end]), 0.007 * (1.15 - reach), 1 - 0.4 * reach)
        cross = rng.uniform(0.003, 0.007)
        cv2.max(drawn, canvas.fill(_ellipse((end[0], end[1]), (cross, cross))), drawn)
    vessels = inside * drawn.astype(np.float32) / 255
    values += vessels * (_BLOOD - values)


def _fill(canvas: Canvas, values: Plane, level: float, outline: Points) -> Plane:
    """Set what an outline holds to a level, and return it as 0..1."""
    inside: Plane = canvas.fill(outline).astype(np.float32) / np.float32(255)
    values += inside * (level - values)
    return inside


def _line(canvas: Canvas, values: Plane, points: Points, width: float, level: float) -> None:
    drawn = canvas.blank()
    canvas.line(drawn, points, width, 1)
    values += drawn.astype(np.float32) / 255 * (level - values)


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Points:
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    u, y = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([centre[0] + cos * u - sin * y, centre[1] + sin * u + cos * y], axis=1)


def _arc(
    centre: tuple[float, float], radii: tuple[float, float], first: float, last: float
) -> Points:
    """Part of an ellipse below its centre, from one share of the half circle to another."""
    angles = np.pi * np.linspace(first, last, 64)
    return np.stack(
        [centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1
    )
