"""Damage is what it is called, and what a cut leaves of the lungs is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.lab.lungs.masks import LEFT, RIGHT
from pneumoscope.lab.picture_check.damage import (
    Box,
    draw_cut,
    draw_margins,
    is_chest,
    is_cropped,
    kept,
    photographed,
    split_lungs,
    turned,
)
from pneumoscope.synthetic import Phantom

pytestmark = pytest.mark.lab
SEEDS = st.integers(0, 10_000)


@pytest.fixture
def fields() -> np.ndarray:
    """Two lungs of 40 x 20 on 64 x 64."""
    mask = np.zeros((64, 64), np.bool_)
    mask[12:52, 8:28] = mask[12:52, 36:56] = True
    return split_lungs(mask, 64)


def test_the_lungs_are_told_apart(fields: np.ndarray) -> None:
    assert np.unique(fields[:, :32]).tolist() == [0, RIGHT]
    assert np.unique(fields[:, 32:]).tolist() == [0, LEFT]
    assert not split_lungs(np.zeros((90, 70), np.bool_), 64).any()


@pytest.mark.parametrize(
    ("box", "least", "both"),
    [
        (Box(0, 1, 0, 1), 1, 1),
        (Box(0, 1, 0.5, 1), 0, 0.5),
        (Box(0.5, 1, 0, 1), 0.5, 0.5),
        (Box(0, 0.1, 0, 1), 0, 0),
    ],
)
def test_what_a_cut_leaves_of_the_lungs(
    fields: np.ndarray, box: Box, least: float, both: float
) -> None:
    assert kept(fields, box) == pytest.approx((least, both))


def test_without_two_lungs_nothing_is_known(fields: np.ndarray) -> None:
    fields[fields == LEFT] = 0
    assert kept(fields, Box(0, 1, 0, 1)) is None


def test_between_whole_and_cut_nothing_is_claimed() -> None:
    assert [is_cropped(share) for share in (0, 0.5, 0.75, 1)] == [True, True, None, False]
    assert [is_chest(share) for share in (0, 0.2, 0.5, 1)] == [False, None, True, True]


@given(seed=SEEDS, height=st.integers(40, 90), width=st.integers(40, 90))
def test_parts_lie_within_the_picture(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width), np.uint8)
    margins, cut = draw_margins(rng).of(picture), draw_cut(rng).of(picture)
    assert margins.size > 0.7 * picture.size
    assert 0 < cut.size < 0.9 * picture.size
    assert min(cut.shape) >= 0.15 * min(picture.shape)


@given(seed=SEEDS)
def test_a_photograph_has_the_same_size_and_another_look(seed: int) -> None:
    picture = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    photograph = photographed(picture, np.random.default_rng(seed))
    assert photograph.shape == picture.shape
    assert photograph.dtype == np.uint8
    assert np.abs(photograph.astype(int) - picture).mean() > 2
    assert np.array_equal(photograph, photographed(picture, np.random.default_rng(seed)))


def test_four_quarters_are_a_whole_turn(phantoms: list[Phantom]) -> None:
    picture = np.rint(phantoms[0].pixels * 255).astype(np.uint8)
    assert np.array_equal(turned(turned(picture, 3), 1), picture)
    assert np.array_equal(turned(picture, 2), picture[::-1, ::-1])
