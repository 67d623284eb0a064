"""The network's input does not depend on the source's resolution, and is made in one order."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import equalise, fingerprint, read_radiograph, reduce_by_area, to_input
from pneumoscope.synthetic import draw_phantom

SPEC = InputSpec()
SIZE = SPEC.size


def shares(source: int, target: int) -> np.ndarray:
    """How much of each source pixel lies in each target pixel, the plain way; rows sum to 1."""
    edges = np.arange(target + 1) * source / target
    weights = np.zeros((target, source))
    for i in range(target):
        for j in range(source):
            weights[i, j] = max(0.0, min(edges[i + 1], j + 1) - max(edges[i], j))
    return weights * target / source


def by_area(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bring an image to another size, each pixel the mean of the area that it covers."""
    rows, columns = shares(pixels.shape[0], height), shares(pixels.shape[1], width)
    return (rows @ pixels @ columns.T).astype(np.float32)


def as_levels(grey: np.ndarray) -> np.ndarray:
    return grey.astype(np.float32) / np.float32(255)


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Between two inputs, in grey levels of 255."""
    return np.abs(to_input(first, SPEC) - to_input(second, SPEC)) * 255


@pytest.fixture(scope="module")
def phantom() -> np.ndarray:
    return draw_phantom(3, size=2048, opacity=True).pixels


@pytest.fixture(scope="module")
def copy(phantom: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The phantom at 224 pixels, through an 8-bit file."""
    path = tmp_path_factory.mktemp("copy") / "small.png"
    Image.fromarray(reduce_by_area(phantom, SIZE)).save(path)
    return read_radiograph(path).pixels


def test_a_large_image_and_its_small_copy_give_the_same_input(
    phantom: np.ndarray, copy: np.ndarray
) -> None:
    assert copy.shape == (SIZE, SIZE)
    np.testing.assert_array_equal(to_input(phantom, SPEC), to_input(copy, SPEC))


@pytest.mark.parametrize("factor", [2, 5, 13])
def test_enlarged_by_a_whole_factor_the_input_is_the_same(factor: int) -> None:
    noise = as_levels(np.random.default_rng(factor).integers(0, 256, (SIZE, SIZE), np.uint8))
    enlarged = np.kron(noise, np.ones((factor, factor), np.float32))
    np.testing.assert_array_equal(to_input(enlarged, SPEC), to_input(noise, SPEC))


def test_enlarged_to_3000_pixels_the_input_is_nearly_the_same(copy: np.ndarray) -> None:
    # 3000 / 224 is no whole number: pixels that lie across an edge blur it a little.
    off = difference(by_area(copy, 3000, 3000), copy)
    assert off.mean() < 0.1
    assert np.percentile(off, 99) < 1.5


def test_in_between_sizes_of_8_bits_give_nearly_the_same_input(phantom: np.ndarray) -> None:
    # Two roundings put a grey value off by one level at most; CLAHE can enlarge that locally.
    middle = as_levels(reduce_by_area(phantom, 4 * SIZE))
    grey = np.abs(reduce_by_area(middle, SIZE).astype(int) - reduce_by_area(phantom, SIZE))
    assert grey.max() <= 1
    off = difference(middle, phantom)
    assert off.mean() < 2.5
    assert off.max() < 32


def test_reduction_comes_before_equalisation(phantom: np.ndarray) -> None:
    clahe = cv2.createCLAHE(2.0, (8, 8))
    grey = np.rint(phantom * 255).astype(np.uint8)
    first_reduced = as_levels(clahe.apply(reduce_by_area(phantom, SIZE)))
    first_equalised = as_levels(reduce_by_area(as_levels(clahe.apply(grey)), SIZE))
    made = to_input(phantom, SPEC)[0]
    np.testing.assert_array_equal(made, first_reduced)
    assert np.abs(made - first_equalised).mean() > 0.01


@given(st.integers(0, 10**6), st.integers(32, 150), st.integers(32, 150), st.integers(16, 40))
@settings(max_examples=40)
def test_parity_with_averaging_the_plain_way(seed: int, height: int, width: int, size: int) -> None:
    pixels = np.random.default_rng(seed).random((height, width), np.float32)
    smaller = by_area(pixels, min(height, size), min(width, size))
    if smaller.shape != (size, size):
        smaller = cv2.resize(smaller, (size, size), interpolation=cv2.INTER_LINEAR)
    made = reduce_by_area(pixels, size)
    assert np.abs(made - smaller * 255.0).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("shape", [(32, 32), (40, 500), (500, 40), (32, 5000), (5000, 32)])
def test_small_and_narrow_images_are_accepted(shape: tuple[int, int]) -> None:
    rows, columns = np.indices(shape, np.float32)
    ramp = (rows / shape[0] + columns / shape[1]) / 2
    grey = reduce_by_area(ramp, SIZE).astype(int)
    assert grey.shape == (SIZE, SIZE)
    assert (np.diff(grey, axis=0) >= 0).all()
    assert (np.diff(grey, axis=1) >= 0).all()
    assert abs(grey.mean() / 255 - ramp.mean()) < 0.01
    assert to_input(ramp, SPEC).shape == (3, SIZE, SIZE)


def test_values_outside_the_range_are_clipped() -> None:
    pixels = np.full((64, 64), 2.0, np.float32)
    pixels[:32] = -1
    grey = reduce_by_area(pixels, 64)
    assert (grey[:32] == 0).all()
    assert (grey[32:] == 255).all()


@pytest.mark.parametrize(("clip", "tiles", "size"), [(2.0, 8, 224), (1.0, 4, 96), (3.0, 16, 100)])
def test_parity_with_clahe_by_hand(clip: float, tiles: int, size: int) -> None:
    grey = np.random.default_rng(size).integers(0, 200, (size, size), np.uint8)
    expected = cv2.createCLAHE(clipLimit=clip, tileGridSize=(tiles, tiles)).apply(grey)
    made = equalise(grey, InputSpec(size=size, clahe_clip=clip, clahe_tiles=tiles))
    np.testing.assert_array_equal(np.rint(made[0] * 255), expected)
    assert (expected != grey).any()


def test_without_clahe_the_grey_values_stay() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    made = equalise(grey, InputSpec(size=64, clahe_clip=None, channels=1))
    np.testing.assert_array_equal(made, as_levels(grey)[np.newaxis])


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_the_same_image(channels: int) -> None:
    pixels = np.random.default_rng(1).random((80, 120), np.float32)
    kept = pixels.copy()
    made = to_input(pixels, InputSpec(size=64, channels=channels))
    assert made.shape == (channels, 64, 64)
    assert made.dtype == np.float32
    assert made.flags["C_CONTIGUOUS"]
    assert (made == made[0]).all()
    assert 0 <= made.min() < made.max() <= 1
    np.testing.assert_array_equal(pixels, kept)


@given(st.integers(0, 39), st.integers(0, 49), st.integers(0, 255), st.sampled_from([-1, 1]))
@settings(max_examples=50)
def test_one_grey_level_of_one_pixel_changes_the_fingerprint(
    row: int, column: int, level: int, step: int
) -> None:
    grey = np.random.default_rng(2).integers(0, 256, (40, 50), np.uint8)
    grey[row, column] = level
    before = fingerprint(as_levels(grey))
    grey[row, column] = level + step if 0 <= level + step <= 255 else level - step
    assert fingerprint(as_levels(grey)) != before


def test_the_shape_belongs_to_the_fingerprint() -> None:
    pixels = np.random.default_rng(3).random((40, 50), np.float32)
    names = {fingerprint(pixels), fingerprint(pixels.reshape(50, 40)), fingerprint(pixels.T)}
    assert len(names) == 3
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)


def test_the_fingerprint_is_of_the_picture_not_of_the_memory() -> None:
    pixels = np.random.default_rng(4).random((40, 50), np.float32)
    assert fingerprint(np.asfortranarray(pixels)) == fingerprint(pixels)


def test_metadata_and_format_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    grey = np.random.default_rng(5).integers(0, 256, (64, 80), np.uint8)
    image = Image.fromarray(grey)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "another hospital")
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "noted.png", pnginfo=notes, dpi=(300, 300), compress_level=0)
    image.save(tmp_path / "image.tif")
    files = sorted(tmp_path.iterdir())
    assert len({path.read_bytes() for path in files}) == 3
    assert {fingerprint(read_radiograph(path).pixels) for path in files} == {
        fingerprint(as_levels(grey))
    }
