"""Chest radiograph or CT slice? Told by the picture, where no header says it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import ImageKind
from pneumoscope.imaging.network_input import reduce_by_area

COEFFICIENTS = "appearance.json"
"""Beside this file; made and measured by ``bench/appearance.py``."""

_SIDE, _SMALL = 128, 64
_CELLS, _DIRECTIONS = 4, 6
_EVEN = 0.03  # of the grey scale: rows and columns that vary less are a border


@dataclass(frozen=True, slots=True, eq=False)
class _Typical:
    """Where the `edge_directions` of a kind lie."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    farthest: float

    def holds(self, directions: NDArray[np.float64]) -> bool:
        """Whether a picture is no stranger than nearly all of its kind."""
        away = (directions - self.mean) / self.spread
        return bool(np.sqrt(np.mean(away**2)) <= self.farthest)


@dataclass(frozen=True, slots=True, eq=False)
class _Coefficients:
    """A logistic model of `edge_directions`, the scores from which it is believed, and of whom."""

    weights: NDArray[np.float64]
    intercept: float
    ct_from: float
    radiograph_below: float
    ct: _Typical
    radiograph: _Typical


def likely_kind(pixels: NDArray[np.float32]) -> ImageKind | None:
    """Tell a frontal chest radiograph from an axial chest CT slice by the picture alone.

    Made to be silent rather than wrong: it answers where the picture clearly is one of the two and
    resembles others of its kind. How often it is right is in docs/explanation/imaging.md.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1. Its negative and its mirror image get the same answer.

    Returns
    -------
    ImageKind or None
        None where it could be either.
    """
    known, directions = _coefficients(), edge_directions(pixels)
    log_odds = float(np.sum(known.weights * directions) + known.intercept)
    # Every picture is on one side of a plane; few resemble what the plane was fitted to.
    if log_odds >= known.ct_from and known.ct.holds(directions):
        return ImageKind.CHEST_CT
    if log_odds < known.radiograph_below and known.radiograph.holds(directions):
        return ImageKind.CHEST_RADIOGRAPH
    return None


def edge_directions(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure in which directions the edges of a picture run, and where.

    Histograms of oriented gradients (Dalal and Triggs 2005, doi:10.1109/CVPR.2005.177) over a
    coarse grid. In a CT slice the edges of body and lungs form rings, strongest at the lungs'
    borders; in a radiograph they are weak, run upright beside the spine and across the ribs, and
    meet at the diaphragm below. Borders that were added are cut off first. The picture's size, its
    shape, its brightness, its polarity and its sides do not count.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1.

    Returns
    -------
    ndarray of float64, shape (4, 2, 6)
        Rows and columns of the grid, the right half mirrored onto the left, and directions; the
        roots of the shares of the picture's edges, 0..1.
    """
    small = cv2.resize(_framed(pixels), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    down, right = np.gradient(small.astype(np.float64))
    strength = np.hypot(down, right)
    # Half a turn is the same edge, of the other polarity.
    direction = np.mod(np.arctan2(down, right) / np.pi, 1) * _DIRECTIONS
    parts = [strength * _nearness(direction, number) for number in range(_DIRECTIONS)]
    cell = _SMALL // _CELLS
    grid = np.stack(parts).reshape(_DIRECTIONS, _CELLS, cell, _CELLS, cell).sum(axis=(2, 4))
    shares = np.sqrt(grid / max(grid.sum(), np.finfo(np.float64).tiny)).transpose(1, 2, 0)
    # A mirror exchanges the columns, and each direction with its opposite.
    mirrored = shares[:, ::-1, -np.arange(_DIRECTIONS)]
    folded: NDArray[np.float64] = (shares + mirrored)[:, : _CELLS // 2] / 2
    return folded


def _nearness(direction: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Share an edge between the two directions beside its own."""
    apart = np.abs(direction - number)
    near: NDArray[np.float64] = np.clip(1 - np.minimum(apart, _DIRECTIONS - apart), 0, 1)
    return near


def _framed(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reduce a picture, stretch its greys, and cut off even borders."""
    grey = reduce_by_area(pixels, _SIDE).astype(np.float32)
    low, high = np.percentile(grey, (1, 99))
    grey = np.clip((grey - low) / max(high - low, 1), 0, 1).astype(np.float32)
    rows = _uneven(grey.std(axis=1))
    columns = _uneven(grey[rows].std(axis=0))
    rows = _uneven(grey[:, columns].std(axis=1))
    cut = grey[rows, columns]
    # A picture that is mostly even is no picture with a border.
    return np.ascontiguousarray(cut) if min(cut.shape) >= _SIDE // 2 else grey


def _uneven(spread: NDArray[np.float32]) -> slice:
    """From the first to the last line that varies."""
    found = np.flatnonzero(spread > _EVEN)
    return slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(None)


@cache
def _coefficients() -> _Coefficients:
    text = files("pneumoscope.imaging").joinpath(COEFFICIENTS).read_text("utf-8")
    stored: dict[str, Any] = json.loads(text)
    return _Coefficients(
        weights=np.array(stored["weights"], dtype=np.float64),
        intercept=float(stored["intercept"]),
        ct_from=float(stored["ct_from"]),
        radiograph_below=float(stored["radiograph_below"]),
        ct=_typical(stored["ct"]),
        radiograph=_typical(stored["radiograph"]),
    )


def _typical(stored: dict[str, Any]) -> _Typical:
    mean, spread = (np.array(stored[name], dtype=np.float64) for name in ("mean", "spread"))
    return _Typical(mean, spread, float(stored["farthest"]))
