"""Made-up pictures that are no chest radiographs: noise, pages, drawings, limbs, collages."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.lungs.augmentation import Grey

_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPRSTUVW0123456789     .,:-"))

_Rng = np.random.Generator
_Place = NDArray[np.float64]


def draw_junk(radiographs: Grey, side: int, rng: _Rng) -> Grey:
    """Draw one such picture.

    Parameters
    ----------
    radiographs : ndarray of uint8, shape (n, height, width)
        What collages and shuffled pictures are made of.
    side : int
        Of the picture, in pixels.
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (side, side)
    """
    number = int(rng.integers(len(_DRAWN) + 2))
    if number < len(_DRAWN):
        return _DRAWN[number](side, rng)
    few = radiographs[rng.integers(len(radiographs), size=4)]
    make = _collage if number == len(_DRAWN) else _shuffled
    return _sized(make(few, rng), side)


def _noise(side: int, rng: _Rng) -> Grey:
    """Noise, from single pixels to clouds."""
    values = rng.standard_normal((side, side)).astype(np.float32)
    if rng.random() < 0.75:
        values = cv2.GaussianBlur(values, (0, 0), float(np.exp(rng.uniform(-1, 3.2)))).astype(
            np.float32
        )
    return _stretched(values)


def _gradient(side: int, rng: _Rng) -> Grey:
    down, right = np.indices((side, side), np.float32) / side
    y, x = rng.uniform(0, 1, 2)
    if rng.random() < 0.5:
        values = (down - 0.5) * (y - 0.5) + (right - 0.5) * (x - 0.5)
    else:
        values = np.hypot(down - y, (right - x) * rng.uniform(0.5, 2))
    return _stretched((values * rng.choice([-1, 1])).astype(np.float32))


def _page(side: int, rng: _Rng) -> Grey:
    """Lines of text, dark on light or light on dark, with a heading or a box at times."""
    paper, ink = (int(v) for v in (rng.uniform(200, 255), rng.uniform(0, 70)))
    page = np.full((side, side), paper, np.uint8)
    scale = float(rng.uniform(0.25, 0.7))
    left, step = int(rng.uniform(2, side / 6)), int(scale * rng.uniform(28, 44)) + 2
    for y in range(step, side, step):
        if rng.random() < 0.12:
            continue
        text = "".join(rng.choice(_LETTERS, int(rng.integers(8, 60))))
        cv2.putText(page, text, (left, y), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
    if rng.random() < 0.3:
        box = _ends(rng.uniform(0, side, 2), rng.uniform(0, side / 3, 2))
        cv2.rectangle(page, *box, ink, int(rng.choice([-1, 1])))
    return page if rng.random() < 0.7 else np.asarray(255 - page, np.uint8)


def _leaves(side: int, rng: _Rng) -> Grey:
    """Shapes that hide each other, of all sizes: the statistics of photographs.

    The dead leaves of Lee, Mumford and Huang (2001, doi:10.1023/A:1011109015675).
    """
    scene = np.full((side, side), int(rng.integers(256)), np.uint8)
    for radius in np.sort(side * 0.5 * rng.power(1.2, int(rng.integers(5, 120))))[::-1] + 2:
        shade = int(rng.integers(256))
        y, x = (int(v) for v in rng.integers(0, side, 2))
        if rng.random() < 0.5:
            axes = (int(radius), int(radius * rng.uniform(0.3, 1)))
            cv2.ellipse(scene, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, shade, -1)
        else:
            turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
            corners = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], axis=1)
            cv2.fillPoly(scene, [corners.astype(np.int32)], shade)
    shading = _noise(side, rng).astype(np.float32) / 255 - 0.5
    return np.clip(scene + shading * rng.uniform(0, 100), 0, 255).astype(np.uint8)


def _drawing(side: int, rng: _Rng) -> Grey:
    """Lines, curves and axes on paper."""
    paper = np.full((side, side), int(rng.uniform(180, 255)), np.uint8)
    for _ in range(int(rng.integers(3, 25))):
        points = rng.integers(0, side, (int(rng.integers(2, 8)), 2)).astype(np.int32)
        shade, width = int(rng.uniform(0, 120)), int(rng.integers(1, 4))
        if rng.random() < 0.5:
            cv2.polylines(paper, [points], bool(rng.random() < 0.3), shade, width, cv2.LINE_AA)
        else:
            axes = (int(rng.uniform(4, side / 2)), int(rng.uniform(4, side / 2)))
            centre = (int(points[0, 0]), int(points[0, 1]))
            cv2.ellipse(paper, centre, axes, float(rng.uniform(0, 180)), 0, 360, shade, width)
    return paper if rng.random() < 0.6 else np.asarray(255 - paper, np.uint8)


def _pattern(side: int, rng: _Rng) -> Grey:
    """Stripes, squares, or a test card's bars."""
    down, right = np.indices((side, side)) / side
    angle, cycles = rng.uniform(0, np.pi), rng.uniform(1, 20, 2)
    along, across = (np.cos(a) * right + np.sin(a) * down for a in (angle, angle + np.pi / 2))
    values = np.sin(2 * np.pi * cycles[0] * along)
    if rng.random() < 0.5:
        values = values * np.sin(2 * np.pi * cycles[1] * across)
    if rng.random() < 0.5:
        values = np.sign(values)
    return _stretched(values.astype(np.float32))


def _limbs(side: int, rng: _Rng) -> Grey:
    """Soft rods with a denser core on a dark ground, as arms, legs and fingers."""
    flesh, bone = (np.zeros((side, side), np.float32) for _ in range(2))
    angle, spread = rng.uniform(0, np.pi), rng.uniform(0, 0.5)
    count = int(rng.integers(1, 6))
    width = side * rng.uniform(0.25, 0.6) / count
    for place in np.linspace(-0.5, 0.5, count) if count > 1 else (0.0,):
        lean = angle + place * spread * 2
        middle = side / 2 + place * side * 0.8 * np.array([-np.sin(angle), np.cos(angle)])
        reach = side * rng.uniform(0.4, 0.8) * np.array([np.cos(lean), np.sin(lean)])
        ends = _ends(middle, reach)
        cv2.line(flesh, *ends, 1.0, max(2, int(width)))
        gap = rng.uniform(-0.3, 0.3)
        joint = _ends(middle + gap * reach, 0.03 * reach)
        cv2.line(bone, *ends, 1.0, max(1, int(width * rng.uniform(0.3, 0.6))))
        cv2.line(bone, *joint, 0.2, max(1, int(width * 0.7)))
    soft = [cv2.GaussianBlur(part, (0, 0), float(rng.uniform(0.8, 5))) for part in (flesh, bone)]
    values = rng.uniform(0.2, 0.5) * soft[0] + rng.uniform(0.2, 0.5) * soft[1]
    noise = rng.normal(0, rng.uniform(0.005, 0.04), values.shape)
    return np.clip((values + noise + rng.uniform(0, 0.15)) * 255, 0, 255).astype(np.uint8)


def _ends(middle: _Place, reach: _Place) -> tuple[tuple[int, int], tuple[int, int]]:
    (x, y), (across, down) = middle, reach
    return (int(x - across), int(y - down)), (int(x + across), int(y + down))


def _collage(few: Grey, rng: _Rng) -> Grey:
    """Two to four radiographs side by side, as figures of papers are."""
    pair = np.hstack([few[0], few[1]])
    kind = int(rng.integers(3))
    if kind == 0:
        return pair
    return np.vstack([few[0], few[1]] if kind == 1 else [pair, np.hstack([few[2], few[3]])])


def _shuffled(few: Grey, rng: _Rng) -> Grey:
    """A radiograph whose parts have changed places."""
    count = int(rng.integers(3, 6))
    cell = few.shape[1] // count
    cut = few[0, : cell * count, : cell * count].reshape(count, cell, count, cell)
    cells = rng.permutation(cut.transpose(0, 2, 1, 3).reshape(-1, cell, cell))
    mixed = cells.reshape(count, count, cell, cell).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(mixed.reshape(cell * count, cell * count))


def _stretched(values: NDArray[np.float32]) -> Grey:
    low, high = float(values.min()), float(values.max())
    return np.rint((values - low) / max(high - low, 1e-6) * 255).astype(np.uint8)


def _sized(picture: Grey, side: int) -> Grey:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)


_DRAWN: tuple[Callable[[int, _Rng], Grey], ...] = (
    _noise, _gradient, _page, _leaves, _leaves, _drawing, _pattern, _limbs,
)  # fmt: skip
