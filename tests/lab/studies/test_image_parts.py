"""What is cut out of an image, and what is measured on it."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from pneumoscope.lab.studies.image_parts import (
    BANDS,
    MID_GREY,
    border,
    lung_field,
    only,
    outside_centre,
    radial_power,
)

pytestmark = pytest.mark.lab

SHAPES = st.tuples(st.integers(32, 700), st.integers(32, 700))


@given(SHAPES)
def test_the_border_is_a_twentieth_of_each_side(shape):
    mask = border(shape)
    height, width = shape
    assert mask.shape == shape
    assert mask[0].all()
    assert mask[:, -1].all()
    assert not mask[height // 2, width // 2]
    for side, line in zip(shape, (mask[:, width // 2], mask[height // 2]), strict=True):
        assert abs(line.sum() - 0.1 * side) <= 1


@given(SHAPES)
def test_the_border_lies_outside_the_centre(shape):
    assert not (border(shape) & ~outside_centre(shape)).any()
    assert outside_centre(shape).sum() > border(shape).sum()


def test_a_part_and_its_complement_make_the_image():
    pixels = np.random.default_rng(0).random((50, 40), dtype=np.float32)
    kept = outside_centre(pixels.shape)
    one, other = only(pixels, kept), only(pixels, ~kept)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(np.where(kept, one, other), pixels)
    assert (one[~kept] == MID_GREY).all()
    assert (other[kept] == MID_GREY).all()


def test_a_lung_field_has_no_hole_and_no_island():
    masked = np.zeros((256, 256), np.float32)
    for x in (80, 180):
        cv2.ellipse(masked, (x, 120), (35, 70), 0, 0, 360, 0.6, -1)
    whole = lung_field(masked, (512, 400))
    cv2.circle(masked, (80, 120), 12, 0.0, -1)
    masked[230:236, 20:26] = 0.6
    field = lung_field(masked, (512, 400))
    np.testing.assert_array_equal(field, whole)
    scaled = cv2.resize(masked, (400, 512), interpolation=cv2.INTER_NEAREST)[:440] > 0
    assert field.shape == (512, 400)
    assert field[:440][scaled].all()
    assert not field[:, 210].any()


def test_a_field_without_lungs_is_empty():
    assert not lung_field(np.zeros((64, 64), np.float32), (100, 90)).any()


@pytest.mark.parametrize("waves", [10, 40, 90])
def test_a_wave_lies_in_its_band_whatever_its_direction(waves):
    side = 224
    line = np.rint(127 + 100 * np.sin(2 * np.pi * waves * np.arange(side) / side))
    grey = np.repeat(line[None], side, axis=0).astype(np.uint8)
    power = radial_power(grey)
    assert power.shape == (BANDS,)
    assert abs(power.argmax() - waves / side * 2 * BANDS) <= 1
    np.testing.assert_allclose(power, radial_power(grey.T), atol=1e-6)


def test_a_flat_image_has_no_power_and_no_nan():
    assert np.isfinite(radial_power(np.full((224, 224), 90, np.uint8))).all()
