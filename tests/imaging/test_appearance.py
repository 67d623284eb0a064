"""Radiograph or CT slice by the picture alone: phantoms of both, altered copies, and strangers."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.evaluation import read_manifest
from pneumoscope.findings import ImageKind
from pneumoscope.imaging import likely_kind, read_radiograph
from pneumoscope.imaging.appearance import edge_directions
from pneumoscope.synthetic import draw_ct_slice, draw_phantom

SEEDS = range(24)
RADIOGRAPH, CT = ImageKind.CHEST_RADIOGRAPH, ImageKind.CHEST_CT


@cache
def radiograph(seed):
    view = "AP" if seed % 4 > 1 else "PA"
    return draw_phantom(seed, size=256, opacity=seed % 2 == 1, view=view).pixels


@cache
def ct_slice(seed):
    return draw_ct_slice(seed, size=256)


def bordered(level, share):
    def change(pixels):
        width = round(share * pixels.shape[0])
        return np.pad(pixels, width, constant_values=level).astype(np.float32)

    return change


def jpeg(pixels):
    grey = np.rint(pixels * 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 30])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32) / np.float32(255)


def resized(width, height):
    return lambda pixels: cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


ALTERED = {
    "as it is": lambda pixels: pixels,
    "inverted": lambda pixels: 1 - pixels,
    "black border": bordered(0, 0.2),
    "white border": bordered(1, 0.1),
    "inverted, then a black border": lambda pixels: bordered(0, 0.2)(1 - pixels),
    "JPEG": jpeg,
    "small": resized(96, 96),
    "large and wide": resized(900, 640),
    "dark": lambda pixels: pixels**2,
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_no_radiograph_is_taken_for_a_ct_slice(change):
    kinds = [likely_kind(change(radiograph(seed)).astype(np.float32)) for seed in SEEDS]
    assert CT not in kinds


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_ct_slices_are_known_for_such_and_never_for_radiographs(change):
    kinds = [likely_kind(change(ct_slice(seed)).astype(np.float32)) for seed in SEEDS]
    assert RADIOGRAPH not in kinds
    assert kinds.count(CT) >= 0.7 * len(kinds)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(40, 400), st.integers(40, 400), st.booleans())
def test_polarity_and_sides_do_not_count(seed, height, width, of_noise):
    rng = np.random.default_rng(seed)
    pixels = rng.random((height, width), dtype=np.float32)
    if not of_noise:
        pixels = cv2.resize(draw_ct_slice(seed, size=160), (width, height))
    found = edge_directions(pixels)
    assert found.shape == (4, 2, 6)
    assert (found >= 0).all()
    # Grey is rounded to 8 bits first, and ties go the other way in the negative.
    np.testing.assert_allclose(edge_directions(1 - pixels), found, atol=0.02)
    np.testing.assert_allclose(
        edge_directions(np.ascontiguousarray(pixels[:, ::-1])), found, atol=0.02
    )


def test_edges_are_found_where_they_are_and_run_as_they_run():
    pixels = np.full((128, 128), 0.5, np.float32)
    pixels[:, ::16] = 0.6  # so that no line counts as an even border
    pixels[::16] = 0.6
    pixels[100:104, 8:120] = 1
    found = edge_directions(pixels)
    row, _, direction = np.unravel_index(found.argmax(), found.shape)
    assert row == 3
    assert direction == 3  # the grey changes downwards: a quarter turn of half a turn


def strangers():
    rng = np.random.default_rng(0)
    yield rng.random((96, 96), dtype=np.float32)
    yield np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96)
    yield np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96).T.copy()
    yield (np.indices((96, 96)).sum(axis=0) // 12 % 2).astype(np.float32)
    bright = rng.random((80, 96), dtype=np.float32) * np.float32(0.15)
    bright[20:, 48:] += np.float32(0.8)
    yield bright
    yield np.eye(40, dtype=np.float32)
    thin = np.zeros((32, 2000), np.float32)
    thin[:, 700] = 1
    yield thin


@pytest.mark.parametrize("pixels", list(strangers()))
def test_of_strangers_nothing_is_said(pixels):
    assert likely_kind(pixels) is None


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["guangzhou", "rsna", "rsna-normals"])
def test_real_radiographs_are_not_refused(shared_data, folder):
    images = read_manifest(shared_data / folder).images[::25]
    kinds = [likely_kind(read_radiograph(image.path).pixels) for image in images]
    assert CT not in kinds


@pytest.mark.shared
def test_most_real_slices_are_known(shared_data):
    images = read_manifest(shared_data / "covid-ct").images[::5]
    kinds = [likely_kind(read_radiograph(image.path).pixels) for image in images]
    assert RADIOGRAPH not in kinds
    assert kinds.count(CT) >= 0.95 * len(kinds)
