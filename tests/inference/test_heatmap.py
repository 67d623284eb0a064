"""From a map to a heatmap: the right place, Otsu's threshold, true contours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pneumoscope.findings import Contour
from pneumoscope.inference import to_evidence_heatmap, to_heatmap

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
    heatmap = to_heatmap(cells, shape, "A")
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
    heatmap = to_heatmap(np.zeros((7, 7), np.float32), (60, 80), "A")
    assert heatmap.values.shape == (60, 80)
    assert not heatmap.values.any()
    assert not heatmap.mask.any()
    assert heatmap.mask_fraction == 0
    assert heatmap.contours == ()


@pytest.mark.parametrize("height", [1e-30, 1.0, 1e30])
def test_a_constant_map_covers_the_image(height: float) -> None:
    heatmap = to_heatmap(np.full((7, 7), height, np.float32), (60, 80), "A")
    assert (heatmap.values == 1).all()
    assert heatmap.mask_fraction == 1
    assert overlap(filled(heatmap.contours, (60, 80)), heatmap.mask) == 1


@given(MAPS, SHAPES)
def test_values_and_mask_keep_their_promises(cells: np.ndarray, shape: tuple[int, int]) -> None:
    heatmap = to_heatmap(cells, shape, "A")
    assert heatmap.values.dtype == np.float32
    assert heatmap.values.min() >= 0
    assert heatmap.values.max() == 1
    assert heatmap.mask_fraction == heatmap.mask.mean()
    points = np.concatenate([np.array(contour) for contour in heatmap.contours])
    assert ((points > 0) & (points < 1)).all()


@given(MAPS, SHAPES, st.floats(1e-3, 1e3))
@settings(max_examples=30)
def test_the_scale_of_the_map_does_not_matter(
    cells: np.ndarray, shape: tuple[int, int], scale: float
) -> None:
    plain, scaled = to_heatmap(cells, shape, "A"), to_heatmap(cells * np.float32(scale), shape, "A")
    np.testing.assert_allclose(scaled.values, plain.values, atol=1e-5)
    assert abs(scaled.mask_fraction - plain.mask_fraction) < 0.02


def between_class_variance(levels: np.ndarray, above: np.ndarray) -> float:
    share = above.mean()
    if share in (0, 1):
        return 0.0
    return float(share * (1 - share) * (levels[above].mean() - levels[~above].mean()) ** 2)


@given(MAPS)
@settings(max_examples=25)
def test_the_mask_is_otsus(cells: np.ndarray) -> None:
    heatmap = to_heatmap(cells, (70, 50), "A")
    levels = np.rint(heatmap.values * 255)
    best = max(between_class_variance(levels, levels > t) for t in range(255))
    assert between_class_variance(levels, heatmap.mask) == pytest.approx(best, rel=1e-6)
    assert levels[heatmap.mask].min() > levels[~heatmap.mask].max()


@given(MAPS, st.tuples(st.integers(150, 300), st.integers(150, 300)))
@settings(max_examples=50)
def test_contours_enclose_the_mask(cells: np.ndarray, shape: tuple[int, int]) -> None:
    heatmap = to_heatmap(cells, shape, "A")
    whole = ndimage.binary_fill_holes(heatmap.mask)
    assert overlap(filled(heatmap.contours, shape), whole) > 0.95


def test_contours_come_largest_first() -> None:
    cells = np.zeros((10, 10), np.float32)
    cells[1, 1] = 1
    cells[5:9, 5:9] = 1
    areas = [
        cv2.contourArea(np.array(contour, np.float32))
        for contour in to_heatmap(cells, (200, 200), "A").contours
    ]
    assert len(areas) == 2
    assert areas[0] > areas[1]


@given(MAPS)
@settings(max_examples=25)
def test_the_images_resolution_does_not_move_the_mask(cells: np.ndarray) -> None:
    small, large = to_heatmap(cells, (180, 140), "A"), to_heatmap(cells, (720, 560), "A")
    assert abs(small.mask_fraction - large.mask_fraction) < 0.03
    assert overlap(filled(small.contours, (720, 560)), filled(large.contours, (720, 560))) > 0.85


def test_a_grad_cam_names_its_class() -> None:
    for cells in (np.zeros((7, 7), np.float32), np.eye(7, dtype=np.float32)):
        heatmap = to_heatmap(cells, (60, 80), "PNEUMONIA")
        assert (heatmap.label, heatmap.method, heatmap.outlined) == ("PNEUMONIA", "grad_cam", True)


@given(MAPS, SHAPES)
def test_an_evidence_map_keeps_its_probabilities(cells: np.ndarray, shape: tuple[int, int]) -> None:
    heatmap = to_evidence_heatmap(cells, shape, "A")
    assert heatmap.method == "evidence"
    assert heatmap.values.shape == shape
    assert cells.min() - 1e-6 <= heatmap.values.min()
    assert heatmap.values.max() <= cells.max() + 1e-6
    # Interpolated twice as fine, every cell has a pixel near its middle.
    large = to_evidence_heatmap(cells, (7 * 40, 9 * 40), "A").values
    np.testing.assert_allclose(large[20::40, 20::40], cells, atol=0.1)


@given(MAPS, SHAPES, st.floats(0.01, 1))
def test_evidence_is_outlined_from_its_floor_on(
    cells: np.ndarray, shape: tuple[int, int], floor: float
) -> None:
    heatmap = to_evidence_heatmap(cells, shape, "A", floor=floor)
    free = to_evidence_heatmap(cells, shape, "A")
    np.testing.assert_array_equal(heatmap.values, free.values)
    assert heatmap.outlined == bool(cells.max() >= floor)
    if heatmap.outlined:
        np.testing.assert_array_equal(heatmap.mask, free.mask)
        assert heatmap.contours == free.contours
    else:
        assert not heatmap.mask.any()
        assert heatmap.contours == ()
        assert f"probability of {floor:.4g} from" in heatmap.why_not_outlined


def test_evidence_at_the_floor_itself_is_outlined() -> None:
    cells = np.zeros((7, 7), np.float32)
    cells[3, 3] = 0.25
    heatmap = to_evidence_heatmap(cells, (70, 70), "A", floor=0.25)
    assert heatmap.outlined
    assert heatmap.mask[35, 35]


def test_evidence_that_must_not_be_outlined_is_not_whatever_it_reaches() -> None:
    heatmap = to_evidence_heatmap(
        np.eye(7, dtype=np.float32), (60, 80), "A", floor=0.3, why_not_outlined="never checked"
    )
    assert (heatmap.outlined, heatmap.why_not_outlined) == (False, "never checked")
    assert heatmap.values.max() > 0.5
    assert (heatmap.mask_fraction, heatmap.contours) == (0, ())
