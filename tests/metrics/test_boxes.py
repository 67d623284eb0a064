"""Boxes: every one has pixels, and about its area."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.metrics import Box, box_mask


def test_a_mask_marks_the_pixels_of_its_boxes():
    mask = box_mask([Box(0.25, 0.5, 0.5, 0.25), Box(0, 0, 0.25, 0.25)], (8, 4))
    expected = np.zeros((8, 4), bool)
    expected[4:6, 1:3] = expected[:2, :1] = True
    np.testing.assert_array_equal(mask, expected)


@given(
    x=st.floats(0, 1),
    width=st.floats(1e-6, 1),
    y=st.floats(0, 1),
    height=st.floats(1e-6, 1),
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_every_box_has_pixels_and_about_its_area(x, width, y, height, shape):
    box = Box(min(x, 1 - width), min(y, 1 - height), width, height)
    mask = box_mask([box], shape)
    rows, columns = mask.any(axis=1).sum(), mask.any(axis=0).sum()
    assert mask.sum() == rows * columns
    assert abs(rows - height * shape[0]) <= 1
    assert abs(columns - width * shape[1]) <= 1
    assert min(rows, columns) >= 1
