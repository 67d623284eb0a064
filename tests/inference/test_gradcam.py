"""From an activation map to a heatmap: the right place, Otsu's threshold, true contours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pneumoscope.findings import Contour
from pneumoscope.inference import to_heatmap

MAPS = st.integers(0, 10**6).map(
    lambda seed: np.random.default_rng(seed).random((7, 9), np.float32) ** 3
)
SHAPES = st.tuples(st.integers(40, 300), st.integers(40, 300))


def filled(contours: tuple[Contour, ...], shape: tuple[int, int]) -> np.ndarray:
    """Paint the inside of contours given in fractions of width and height."""
    height, width = shape
    canvas = np.zeros(shape, np.uint8)
    for contour in contours:
        points = np.array(contour) * (width, height) - 0.5
        cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], 1)
    return canvas > 0


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize(
    ("row", "column", "shape"),
    [(1, 6, (400, 300)), (6, 1, (300, 400)), (0, 0, (512, 64)), (7, 9, (64, 512))],
)
def test_a_hot_cell_is_hot_in_its_own_place(row: int, column: int, shape: tuple[int, int]) -> None:
    cells = np.zeros((8, 10), np.float32)
    cells[row, column] = 3
    heatmap = to_heatmap(cells, shape)
    assert heatmap.values.shape == heatmap.mask.shape == shape
    y, x = (row + 0.5) / 8, (column + 0.5) / 10
    inside = heatmap.mask[int(y * shape[0]), int(x * shape[1])]
    assert inside
    assert heatmap.values[int(y * shape[0]), int(x * shape[1])] > 0.9
    rows, columns = np.nonzero(heatmap.mask)
    assert abs(rows.mean() / shape[0] - y) < 0.5 / 8
    assert abs(columns.mean() / shape[1] - x) < 0.5 / 10
    (contour,) = heatmap.contours
    points = np.array(contour)
    assert points[:, 0].min() < x < points[:, 0].max()
    assert points[:, 1].min() < y < points[:, 1].max()
    assert np.ptp(points[:, 0]) < 2.5 / 10
    assert np.ptp(points[:, 1]) < 2.5 / 8


def test_nothing_spoke_for_the_class() -> None:
    heatmap = to_heatmap(np.zeros((7, 7), np.float32), (60, 80))
    assert heatmap.values.shape == (60, 80)
    assert not heatmap.values.any()
    assert not heatmap.mask.any()
    assert heatmap.mask_fraction == 0
    assert heatmap.contours == ()


@pytest.mark.parametrize("height", [1e-30, 1.0, 1e30])
def test_a_constant_map_covers_the_image(height: float) -> None:
    heatmap = to_heatmap(np.full((7, 7), height, np.float32), (60, 80))
    assert (heatmap.values == 1).all()
    assert heatmap.mask_fraction == 1
    assert overlap(filled(heatmap.contours, (60, 80)), heatmap.mask) == 1


@given(MAPS, SHAPES)
@settings(deadline=None)
def test_values_and_mask_keep_their_promises(cells: np.ndarray, shape: tuple[int, int]) -> None:
    heatmap = to_heatmap(cells, shape)
    assert heatmap.values.dtype == np.float32
    assert heatmap.values.min() >= 0
    assert heatmap.values.max() == 1
    assert heatmap.mask_fraction == heatmap.mask.mean()
    points = np.concatenate([np.array(contour) for contour in heatmap.contours])
    assert ((points > 0) & (points < 1)).all()


@given(MAPS, SHAPES, st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=30)
def test_the_scale_of_the_map_does_not_matter(
    cells: np.ndarray, shape: tuple[int, int], scale: float
) -> None:
    plain, scaled = to_heatmap(cells, shape), to_heatmap(cells * np.float32(scale), shape)
    np.testing.assert_allclose(scaled.values, plain.values, atol=1e-5)
    assert abs(scaled.mask_fraction - plain.mask_fraction) < 0.02


def between_class_variance(levels: np.ndarray, above: np.ndarray) -> float:
    share = above.mean()
    if share in (0, 1):
        return 0.0
    return float(share * (1 - share) * (levels[above].mean() - levels[~above].mean()) ** 2)


@given(MAPS)
@settings(deadline=None, max_examples=25)
def test_the_mask_is_otsus(cells: np.ndarray) -> None:
    heatmap = to_heatmap(cells, (70, 50))
    levels = np.rint(heatmap.values * 255)
    best = max(between_class_variance(levels, levels > t) for t in range(255))
    assert between_class_variance(levels, heatmap.mask) == pytest.approx(best, rel=1e-6)
    assert levels[heatmap.mask].min() > levels[~heatmap.mask].max()


@given(MAPS, st.tuples(st.integers(150, 300), st.integers(150, 300)))
@settings(deadline=None, max_examples=50)
def test_contours_enclose_the_mask(cells: np.ndarray, shape: tuple[int, int]) -> None:
    heatmap = to_heatmap(cells, shape)
    whole = ndimage.binary_fill_holes(heatmap.mask)
    assert overlap(filled(heatmap.contours, shape), whole) > 0.95


def test_contours_come_largest_first() -> None:
    cells = np.zeros((10, 10), np.float32)
    cells[1, 1] = 1
    cells[5:9, 5:9] = 1
    areas = [
        cv2.contourArea(np.array(contour, np.float32))
        for contour in to_heatmap(cells, (200, 200)).contours
    ]
    assert len(areas) == 2
    assert areas[0] > areas[1]


@given(MAPS)
@settings(deadline=None, max_examples=25)
def test_the_images_resolution_does_not_move_the_mask(cells: np.ndarray) -> None:
    small, large = to_heatmap(cells, (180, 140)), to_heatmap(cells, (720, 560))
    assert abs(small.mask_fraction - large.mask_fraction) < 0.03
    assert overlap(filled(small.contours, (720, 560)), filled(large.contours, (720, 560))) > 0.85
