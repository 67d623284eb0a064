"""Drawing in patient units: shapes as float32 planes, whatever the size of the image.

Points are (u, y): u runs from the midline to the image's right (the patient's left), y from the top
edge down, both in widths of the image. One pose turns, scales and shifts all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Plane = NDArray[np.float32]
Points = NDArray[np.float64]

_SHIFT = 4  # bits of sub-pixel precision in OpenCV's drawing calls


def spline(points: Sequence[tuple[float, float]] | Points, count: int = 64) -> Points:
    """Smooth open curve through the points, as `count` points.

    Parameters
    ----------
    points : array-like, shape (n, 2)
        Points (u, y) to pass through, at least two, no two neighbours equal.
    count : int
        How many points to return.

    Returns
    -------
    ndarray of float64, shape (count, 2)
        The natural cubic spline over the chord length.
    """
    knots = np.asarray(points, dtype=np.float64)
    chord = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    smooth = CubicSpline(chord, knots, bc_type="natural")
    return np.asarray(smooth(np.linspace(0, chord[-1], count)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The pose of the patient and the size of the image.

    Attributes
    ----------
    size : int
        Side of the square image in pixels.
    angle : float
        Turn of the whole patient in degrees.
    zoom : float
        Scale of the whole patient; 1 fits the detector.
    shift : tuple of float
        Shift (right, down) in widths of the image.
    """

    size: int
    angle: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def to_pixels(self, points: Points) -> Points:
        """Pixel coordinates (x, y) of points (u, y), shape (n, 2)."""
        turn = np.deg2rad(self.angle)
        cos, sin = np.cos(turn), np.sin(turn)
        centred = (np.asarray(points, dtype=np.float64) - (0.0, 0.5)) * self.zoom
        turned = centred @ np.array([[cos, sin], [-sin, cos]])
        return np.asarray((turned + 0.5 + np.asarray(self.shift)) * self.size - 0.5)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        return np.round(self.to_pixels(points) * (1 << _SHIFT)).astype(np.int32)

    def blank(self) -> NDArray[np.uint8]:
        """Return an empty 8-bit plane to draw lines on, shape (size, size)."""
        return np.zeros((self.size, self.size), np.uint8)

    def fill(self, *outlines: Points) -> NDArray[np.uint8]:
        """Fill outlines with smooth edges: 0 outside to 255 inside, shape (size, size)."""
        plane = self.blank()
        for outline in outlines:
            cv2.fillPoly(plane, [self._fixed(outline)], 255, cv2.LINE_AA, _SHIFT)
        return plane

    def line(self, plane: NDArray[np.uint8], points: Points, width: float, value: float) -> None:
        """Draw a curve onto `plane`.

        Parameters
        ----------
        plane : ndarray of uint8, shape (size, size)
            Changed in place.
        points : ndarray, shape (n, 2)
            The curve.
        width : float
            Its width, in widths of the image; one pixel at least is drawn.
        value : float
            0..1, as 0..255 in the plane; reduced where a line thinner than a pixel is drawn as one.
        """
        wanted = width * self.zoom * self.size
        drawn = max(1, round(wanted))
        grey = round(255 * value * min(1.0, wanted / drawn))
        cv2.polylines(plane, [self._fixed(points)], False, grey, drawn, cv2.LINE_AA, _SHIFT)

    def rounded(self, mask: NDArray[np.uint8], depth: float) -> Plane:
        """Thickness profile of a rounded body whose projection is `mask`.

        Parameters
        ----------
        mask : ndarray of uint8, shape (size, size)
            As `fill` gives it.
        depth : float
            Distance from the edge, in widths of the image, at which the full thickness is reached.

        Returns
        -------
        ndarray of float32, shape (size, size)
            0 outside, rising as a quarter circle from the edge to 1.
        """
        # The image's edge is no background here: a body cut by it keeps its full thickness.
        distance = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
        near = np.minimum(distance / (depth * self.zoom * self.size), 1)
        return np.asarray(np.sqrt(near * (2 - near)), dtype=np.float32)

    def blur(self, plane: NDArray[np.floating[Any]], sigma: float) -> Plane:
        """Gaussian blur; `sigma` in widths of the image, applied on a reduced copy when wide."""
        pixels = sigma * self.size
        side = self.size // max(1, min(int(pixels / 4), self.size // 8))
        if side == self.size:
            return np.asarray(cv2.GaussianBlur(plane, (0, 0), pixels), dtype=np.float32)
        small = cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma * side)
        full = cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return np.asarray(full, dtype=np.float32)

    def clouds(self, rng: np.random.Generator, cells: int, octaves: int = 3) -> Plane:
        """Smooth random texture of mean 0 and deviation near 1, the same at every image size.

        Parameters
        ----------
        rng : numpy.random.Generator
            Drawn from the same number of times at every size.
        cells : int
            Random values per side in the coarsest octave.
        octaves : int
            Each has twice the cells and half the amplitude of the one before.

        Returns
        -------
        ndarray of float32, shape (size, size)
        """
        total = np.zeros((self.size, self.size), np.float32)
        for octave in range(octaves):
            side = cells << octave
            grid = rng.standard_normal((side, side), dtype=np.float32)
            total += cv2.resize(grid, (self.size, self.size), interpolation=cv2.INTER_CUBIC) * (
                0.5**octave
            )
        return total
