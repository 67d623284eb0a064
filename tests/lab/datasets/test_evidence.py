"""Maps that images teach: by boxes, by their label alone, or not at all; moved as the image is."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")

from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.lab.datasets import (
    LABEL_ONLY,
    UNKNOWN,
    Augmentation,
    EvidenceLessons,
    Lesson,
)
from pneumoscope.lab.datasets.augmentation import augment, augment_with_mask
from pneumoscope.metrics import Box

pytestmark = pytest.mark.lab

KINDS = np.array([[Lesson.ABSENT, Lesson.BOXES], [Lesson.SOMEWHERE, Lesson.NOTHING]], np.int8)
LESSONS = EvidenceLessons(KINDS, {0: (Box(0.25, 0.5, 0.5, 0.25),)}, cells=4)


def test_a_box_fills_its_cells():
    target = LESSONS.target(0, LESSONS.box_mask(0, 64))
    assert (target[0] == 0).all()
    expected = np.zeros((4, 4))
    expected[2, 1:3] = 1
    np.testing.assert_array_equal(target[1], expected)


def test_a_label_alone_and_nothing_known():
    assert LESSONS.box_mask(1, 64) is None
    target = LESSONS.target(1, None)
    assert (target[0] == LABEL_ONLY).all()
    assert (target[1] == UNKNOWN).all()


@given(x=st.floats(0, 0.6), y=st.floats(0, 0.6), width=st.floats(0.1, 0.4))
def test_the_cells_hold_the_share_of_the_image_that_the_box_covers(x, y, width):
    kinds = np.array([[Lesson.BOXES]], np.int8)
    lessons = EvidenceLessons(kinds, {0: (Box(x, y, width, width),)}, cells=8)
    mask = lessons.box_mask(0, 128)
    assert lessons.target(0, mask).mean() == pytest.approx((mask > 0).mean(), abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_mask_moves_with_the_image(seed):
    """A bright square in the image and the mask of it stay on each other."""
    grey = np.full((96, 96), 60, np.uint8)
    grey[30:60, 20:50] = 200
    mask = np.where(grey > 100, 255, 0).astype(np.uint8)
    ranges = Augmentation(brightness=0, contrast=0, resolution=0, jpeg_quality=None)
    moved, beside = augment_with_mask(grey, mask, ranges, np.random.default_rng(seed))
    bright = moved > 130
    assert (bright == (beside > 127)).mean() > 0.99
    np.testing.assert_array_equal(moved, augment(grey, ranges, np.random.default_rng(seed)))


@given(seed=st.integers(0, 1000))
def test_gamma_keeps_the_order_of_grey_values_and_the_ends(seed):
    grey = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    ranges = Augmentation(
        rotation_degrees=0, shift=0, shear=0, zoom=0, horizontal_flip=False, brightness=0,
        contrast=0, gamma=0.5, resolution=0, jpeg_quality=None,
    )  # fmt: skip
    row = augment(grey, ranges, np.random.default_rng(seed))[0].astype(int)
    assert (row[0], row[-1]) == (0, 255)
    assert (np.diff(row) >= 0).all()
