"""Random changes do what their ranges say, and no more."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pydantic import ValidationError

from pneumoscope.imaging import reduce_by_area
from pneumoscope.lab.datasets import Augmentation, augment
from pneumoscope.synthetic import draw_phantom

pytestmark = pytest.mark.lab

SIZE, CENTRE = 101, 50.0
NOTHING = {
    "rotation_degrees": 0,
    "shift": 0,
    "shear": 0,
    "zoom": 0,
    "horizontal_flip": False,
    "brightness": 0,
    "contrast": 0,
    "resolution": 0,
    "jpeg_quality": None,
}


def _only(**ranges):
    return Augmentation(**(NOTHING | ranges))


def _many(grey, ranges, count=300):
    return [augment(grey, ranges, np.random.default_rng(seed)) for seed in range(count)]


def _dot(x, y):
    """A soft dot on black, whose centre of mass is (x, y)."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.rint(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)).astype(np.uint8)


def _centre(grey):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.array([(columns * grey).sum(), (rows * grey).sum()]) / grey.sum()


@pytest.fixture(scope="module")
def chest():
    return reduce_by_area(draw_phantom(3, size=256, opacity=True).pixels, 112)


@given(st.integers(0, 2**32), st.integers(8, 64))
def test_without_ranges_nothing_changes(seed, size):
    rng = np.random.default_rng(seed)
    grey = rng.integers(0, 256, (size, size), dtype=np.uint8)
    np.testing.assert_array_equal(augment(grey, _only(), rng), grey)


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.sampled_from([32, 57, 112]))
def test_the_generator_decides_and_shape_and_type_stay(seed, size):
    grey = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    before = grey.copy()
    first, second = (augment(grey, Augmentation(), np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(grey, before)
    assert first.shape == grey.shape
    assert first.dtype == np.uint8


def test_different_draws_differ(chest):
    assert len({image.tobytes() for image in _many(chest, Augmentation(), 20)}) == 20


def test_flip_mirrors_half_of_the_images(chest):
    images = _many(chest, _only(horizontal_flip=True))
    mirrored = [np.array_equal(image, chest[:, ::-1]) for image in images]
    assert all(m or np.array_equal(i, chest) for m, i in zip(mirrored, images, strict=True))
    assert 0.4 < np.mean(mirrored) < 0.6


def test_shift_moves_by_up_to_its_share_of_the_side():
    moved = np.array([_centre(i) - CENTRE for i in _many(_dot(50, 50), _only(shift=0.2))])
    limit = 0.2 * SIZE
    assert (np.abs(moved) <= limit + 0.1).all()
    assert (moved.min(axis=0) < -0.9 * limit).all()
    assert (moved.max(axis=0) > 0.9 * limit).all()


def test_rotation_turns_about_the_centre_by_up_to_its_degrees():
    moved = np.array([_centre(i) - CENTRE for i in _many(_dot(80, 50), _only(rotation_degrees=20))])
    np.testing.assert_allclose(np.hypot(*moved.T), 30, atol=0.2)
    degrees = np.rad2deg(np.arctan2(moved[:, 1], moved[:, 0]))
    assert (np.abs(degrees) <= 20.3).all()
    assert degrees.min() < -18
    assert degrees.max() > 18


def test_zoom_scales_about_the_centre():
    moved = np.array([_centre(i) - CENTRE for i in _many(_dot(75, 75), _only(zoom=0.2))])
    assert ((moved >= 25 * 0.8 - 0.2) & (moved <= 25 * 1.2 + 0.2)).all()
    assert moved.min() < 25 * 0.84
    assert moved.max() > 25 * 1.16


def test_shear_slides_rows_sideways():
    moved = np.array([_centre(i) - CENTRE for i in _many(_dot(50, 80), _only(shear=0.1))])
    np.testing.assert_allclose(moved[:, 1], 30, atol=0.2)
    assert (np.abs(moved[:, 0]) <= 30 * 0.1 + 0.2).all()
    assert np.ptp(moved[:, 0]) > 5


def test_a_shifted_image_repeats_its_border():
    grey = np.full((SIZE, SIZE), 90, np.uint8)
    for image in _many(grey, _only(shift=0.5, rotation_degrees=45, zoom=0.5), 30):
        np.testing.assert_array_equal(image, grey)


def test_brightness_scales_the_mean_and_contrast_the_deviation():
    grey = np.random.default_rng(0).integers(80, 160, (64, 64), dtype=np.uint8)
    means = np.array([i.mean() for i in _many(grey, _only(brightness=0.1))]) / grey.mean()
    assert 0.895 < means.min() < 0.92
    assert 1.08 < means.max() < 1.105
    changed = _many(grey, _only(contrast=0.2))
    spreads = np.array([i.std() for i in changed]) / grey.std()
    assert 0.79 < spreads.min() < 0.82
    assert 1.18 < spreads.max() < 1.21
    np.testing.assert_allclose([i.mean() for i in changed], grey.mean(), atol=0.5)


def test_degrading_takes_detail_but_keeps_the_picture(chest):
    blurred = cv2.GaussianBlur(chest, (0, 0), 2).astype(float)
    for image in _many(chest, _only(resolution=0.5, jpeg_quality=(40, 95)), 60):
        difference = np.abs(image.astype(float) - chest)
        assert 0 < difference.mean() < 6
        # What is left after a strong blur is the same picture.
        left = np.abs(cv2.GaussianBlur(image, (0, 0), 2).astype(float) - blurred)
        assert left.mean() < 2


@pytest.mark.parametrize(
    "ranges",
    [
        {"shift": 1.5},
        {"zoom": -0.1},
        {"rotation_degrees": 181},
        {"resolution": 0.95},
        {"jpeg_quality": (95, 40)},
        {"jpeg_quality": (0, 40)},
        {"contrast": float("nan")},
        {"vertical_flip": True},
    ],
    ids=str,
)
def test_impossible_ranges_are_refused(ranges):
    with pytest.raises(ValidationError):
        Augmentation(**ranges)
