"""Masks of lungs become a right and a left one; what a network cut out is not believed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.lungs.masks import (
    ELSEWHERE,
    LEFT,
    RIGHT,
    UNKNOWN,
    believable,
    hull,
    to_fields,
    with_doubt,
)
from pneumoscope.synthetic import draw_phantom

pytestmark = pytest.mark.lab

SIDE = 200
ROWS, COLUMNS = np.indices((SIDE, SIDE))


def ellipse(row: float, column: float, high: float, wide: float) -> np.ndarray:
    return ((ROWS - row) / high) ** 2 + ((COLUMNS - column) / wide) ** 2 <= 1


ONE, OTHER = ellipse(100, 60, 70, 30), ellipse(100, 145, 60, 28)
LUNGS = ONE | OTHER


def test_the_lungs_are_told_apart_by_their_side():
    fields = to_fields(LUNGS)
    assert np.array_equal(fields == RIGHT, ONE)
    assert np.array_equal(fields == LEFT, OTHER)
    mirrored = to_fields(LUNGS[:, ::-1])
    assert np.array_equal(mirrored == LEFT, ONE[:, ::-1])


def test_islands_holes_and_cracks_are_mended():
    island = ellipse(188, 150, 8, 8) | ellipse(20, 100, 5, 5)
    crack = np.abs(ROWS - 80) < 3
    hole = ellipse(120, 60, 20, 10)
    fields = to_fields((LUNGS & ~crack & ~hole) | island)
    for lung, true in ((RIGHT, ONE), (LEFT, OTHER)):
        shared = ((fields == lung) & true).sum() / ((fields == lung) | true).sum()
        assert shared > 0.97
    assert not fields[island & ~LUNGS].any()


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros_like(LUNGS),
        ONE,
        LUNGS | (np.abs(ROWS - 100) < 4),
        ellipse(50, 60, 30, 30) | ellipse(150, 60, 30, 30),
    ],
    ids=["none", "one", "joined", "above each other"],
)
def test_what_is_not_two_lungs_gives_no_fields(mask):
    assert to_fields(mask) is None


def test_whole_lungs_are_believed_and_the_rest_of_lungs_is_not():
    assert believable(to_fields(LUNGS))
    for cut in (
        ONE & (ROWS < 70),  # much lower than the other
        ONE & (np.abs(COLUMNS - 60) > 14) & (ROWS > 60) | ONE & (ROWS < 50),  # ragged
        ellipse(100, 60, 60, 6),  # much narrower
    ):
        assert not believable(to_fields(cut | OTHER))
    assert not believable(to_fields(ellipse(100, 80, 14, 8) | ellipse(100, 110, 14, 8)))  # tiny


def test_doubt_is_inside_hulls_and_boxes_and_takes_nothing_away():
    bay = ellipse(100, 90, 30, 20)
    fields = to_fields(LUNGS & ~bay)
    boxed = np.zeros_like(LUNGS)
    boxed[60:90, 100:112] = True
    doubted = with_doubt(fields, boxed)
    known = fields != ELSEWHERE
    assert np.array_equal(doubted[known], fields[known])
    unknown = doubted == UNKNOWN
    assert np.array_equal(unknown, (boxed | hull(fields == RIGHT) | hull(fields == LEFT)) & ~known)
    assert (unknown & bay & ONE).sum() > 0.5 * (bay & ONE).sum()


def test_a_hull_holds_its_mask_and_an_empty_one_nothing():
    assert np.all(hull(LUNGS)[LUNGS])
    assert hull(LUNGS)[100, 102]
    assert not hull(np.zeros_like(LUNGS)).any()


@pytest.mark.parametrize("seed", range(4))
def test_masks_of_phantoms_stay_as_they_are(seed):
    mask = draw_phantom(seed, size=256).lung_mask
    fields = to_fields(mask)
    assert np.mean((fields != ELSEWHERE) != mask) < 0.005
    assert believable(fields)
