"""Copies of a picture keep its hash, nearly; other pictures do not."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dctn

from pneumoscope.imaging import (
    NEAR_HASH_BITS,
    fewest_bits,
    pack_hashes,
    perceptual_hash,
    perceptual_hashes,
)
from pneumoscope.synthetic import draw_phantom


@pytest.fixture(scope="module")
def phantoms() -> list[np.ndarray]:
    return [draw_phantom(seed, size=300, opacity=seed % 2 == 1).pixels for seed in range(8)]


def bits(copy: np.ndarray, picture: np.ndarray) -> int:
    """How far the copy is from the picture, as an evaluation asks it."""
    queries = pack_hashes(perceptual_hashes(copy))
    return int(fewest_bits(queries, pack_hashes([perceptual_hash(picture)]))[0])


def jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer)).astype(np.float32) / 255


def resized(side: int) -> Callable[[np.ndarray], np.ndarray]:
    way = cv2.INTER_AREA if side < 300 else cv2.INTER_CUBIC
    return lambda pixels: np.clip(cv2.resize(pixels, (side, side), interpolation=way), 0, 1)


def clahe(pixels: np.ndarray) -> np.ndarray:
    grey = cv2.createCLAHE(2.0, (8, 8)).apply(np.rint(pixels * 255).astype(np.uint8))
    return grey.astype(np.float32) / 255


@pytest.mark.parametrize(
    "change",
    [
        jpeg,
        resized(112),
        resized(1024),
        clahe,
        lambda pixels: np.clip(pixels * np.float32(1.1), 0, 1),
        lambda pixels: pixels ** np.float32(1.3),
        lambda pixels: pixels[4:-4, 4:-4],
    ],
    ids=["jpeg", "112", "1024", "clahe", "brighter", "gamma", "cropped"],
)
def test_a_changed_copy_is_near(
    phantoms: list[np.ndarray], change: Callable[[np.ndarray], np.ndarray]
) -> None:
    for phantom in phantoms:
        copy = change(phantom)
        assert not np.array_equal(copy, phantom)
        assert bits(copy, phantom) <= NEAR_HASH_BITS


def test_a_picture_is_near_to_its_crop(phantoms: list[np.ndarray]) -> None:
    for phantom in phantoms:
        assert bits(phantom, phantom[4:-4, 4:-4]) <= NEAR_HASH_BITS


def test_different_phantoms_are_not_near(phantoms: list[np.ndarray]) -> None:
    assert min(bits(a, b) for a, b in combinations(phantoms, 2)) > NEAR_HASH_BITS


def test_the_bits_are_signs_of_the_cosine_transform() -> None:
    # 64 x 64 in blocks of 4 x 4, so that every reduction by area gives them back.
    small = np.random.default_rng(0).integers(0, 256, (64, 64))
    pixels = np.kron(small, np.ones((4, 4))).astype(np.float32) / np.float32(255)
    signs = dctn(small.astype(float), norm="ortho")[1:17, 1:17] > 0
    assert perceptual_hash(pixels) == np.packbits(signs).tobytes().hex()
    assert perceptual_hashes(pixels)[0] == perceptual_hash(pixels)


hexes = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(st.lists(hexes, min_size=1, max_size=4), st.lists(hexes, max_size=6))
def test_distances_agree_with_counting_by_hand(asked: list[str], known: list[str]) -> None:
    slow = [min((int(a, 16) ^ int(k, 16)).bit_count() for a in asked) for k in known]
    assert fewest_bits(pack_hashes(asked), pack_hashes(known)).tolist() == slow


@pytest.mark.parametrize("shape", [(32, 32), (33, 500), (500, 33), (1, 1)])
def test_any_shape_has_a_hash(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).random(shape, np.float32)
    assert [len(each) for each in perceptual_hashes(pixels)] == [64, 64, 64]
