"""What is left of a radiograph is its lungs; what is left of their outline is chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.lab.datasets import mend, only_lungs, random_outline

pytestmark = pytest.mark.lab

SIDE = 192
ROWS, COLUMNS = np.indices((SIDE, SIDE))
RIGHT = ((ROWS - 95) / 60) ** 2 + ((COLUMNS - 55) / 28) ** 2 <= 1
LEFT = ((ROWS - 95) / 60) ** 2 + ((COLUMNS - 137) / 28) ** 2 <= 1
LUNGS = RIGHT | LEFT
HOLE = (ROWS - 95) ** 2 + (COLUMNS - 55) ** 2 <= 12**2
BAY = (np.abs(ROWS - 100) < 15) & (COLUMNS > 137)
GREY = np.random.default_rng(1).integers(60, 200, (SIDE, SIDE), dtype=np.uint8)
REACH = 45
"""Pixels: no outline moves further, ellipses and hulls included."""


def outlines(mask, count=200):
    return [random_outline(mask, np.random.default_rng(seed)) for seed in range(count)]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_pixels_are_kept_smoothed_or_black(seed):
    cut = only_lungs(GREY, LUNGS, np.random.default_rng(seed))
    assert cut.dtype == np.uint8
    assert cut.shape == GREY.shape
    near = ndimage.binary_dilation(LUNGS, iterations=REACH)
    assert not cut[~near].any()
    # The greys are noise of 60 to 200: only a smoothed patch is near their mean everywhere.
    changed = (cut != GREY) & (cut > 0)
    assert np.all(np.abs(cut[changed].astype(int) - 130) < 40)


def test_an_outline_is_no_longer_the_given_one():
    found = outlines(LUNGS)
    areas = np.array([outline.sum() for outline in found]) / LUNGS.sum()
    assert areas.min() < 0.95
    assert areas.max() > 1.1
    assert 0.9 < np.median(areas) < 1.15
    assert not any(np.array_equal(outline, LUNGS) for outline in found)
    shared = [(outline & LUNGS).sum() / (outline | LUNGS).sum() for outline in found]
    assert min(shared) > 0.5


def test_holes_and_islands_no_longer_tell_their_mask_from_a_whole_one():
    islands = np.zeros_like(LUNGS)
    islands[178:184, 90:96] = True
    broken = (LUNGS & ~HOLE) | islands
    whole, mended = outlines(LUNGS), outlines(broken)
    inside = ndimage.binary_erosion(HOLE, iterations=3)

    def covered(found, where):
        return np.mean([outline[where].mean() for outline in found])

    assert covered(mended, inside) == pytest.approx(covered(whole, inside), abs=0.05)
    assert covered(mended, islands) < 0.1


def test_half_of_the_outlines_close_a_bay():
    closed = [outline[100, 150] for outline in outlines(LUNGS & ~BAY)]
    assert 0.25 < np.mean(closed) < 0.75


def test_a_seed_gives_the_same_picture_and_leaves_its_input_alone():
    grey, mask = GREY.copy(), LUNGS.copy()
    first, second = (only_lungs(grey, mask, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(grey, GREY)
    assert np.array_equal(mask, LUNGS)


@pytest.mark.parametrize("side", [33, 192, 300])
def test_without_lungs_nothing_is_left(side):
    grey, none = np.full((side, side), 90, np.uint8), np.zeros((side, side), bool)
    for seed in range(8):
        assert not only_lungs(grey, none, np.random.default_rng(seed)).any()
    filled, mask = mend(none.astype(np.uint8))
    assert not mask.any()
    assert not filled.any()


def test_mending_closes_holes_bays_and_gaps_between_the_pieces_of_a_lung():
    gap = np.abs(ROWS - 70) < 8
    cut_out = np.where(LUNGS & ~(HOLE | BAY | (gap & RIGHT)), GREY, 0).astype(np.uint8)
    grey, mask = mend(cut_out)
    # Lungs of this shape are their own hulls.
    assert (mask & LUNGS).sum() / (mask | LUNGS).sum() > 0.97
    assert not mask[:, 96].any()
    kept = ndimage.binary_erosion(cut_out > 0, np.ones((5, 5)))
    assert np.array_equal(grey[kept], GREY[kept])
    assert np.all(np.abs(grey[HOLE & ~kept].astype(int) - 130) < 25)


def test_what_is_filled_is_like_what_is_near():
    shaded = np.where(COLUMNS < 96, 60, 180).astype(np.uint8)
    grey, _ = mend(np.where(LUNGS & ~HOLE, shaded, 0).astype(np.uint8))
    assert np.all(np.abs(grey[HOLE].astype(int) - 60) < 8)
    assert abs(int(grey[95, 137]) - 180) < 8
    assert 60 <= grey[5, 96] <= 180
