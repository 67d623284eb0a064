"""Picture and fields change together; painted opacities leave the fields alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from pneumoscope.lab.lungs.augmentation import augment, opacify
from pneumoscope.lab.lungs.masks import ELSEWHERE, LEFT, RIGHT, UNKNOWN, to_fields
from pneumoscope.synthetic import draw_phantom

pytestmark = pytest.mark.lab

SIDE, SIZE = 192, 96
PHANTOM = draw_phantom(5, size=SIDE)
GREY = np.rint(PHANTOM.pixels * 255).astype(np.uint8)
FIELDS = to_fields(PHANTOM.lung_mask)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_shape_type_and_labels_stay(seed):
    grey, fields = augment(GREY, FIELDS, SIZE, np.random.default_rng(seed))
    assert grey.shape == fields.shape == (SIZE, SIZE)
    assert grey.dtype == fields.dtype == np.uint8
    assert set(np.unique(fields)) <= {ELSEWHERE, RIGHT, LEFT}
    # Crops are narrow, but never lose the lungs.
    assert np.isin(fields, (RIGHT, LEFT)).mean() > 0.04


def test_the_right_lung_stays_on_the_left_of_the_picture():
    middles = []
    for seed in range(100):
        _, fields = augment(GREY, FIELDS, SIZE, np.random.default_rng(seed))
        middles.append([np.nonzero(fields == lung)[1].mean() for lung in (RIGHT, LEFT)])
    assert all(right < left for right, left in middles)


def test_the_picture_moves_with_its_fields():
    # Lungs at 200 and the rest at 50: whatever the changes, the fields lie on the bright part.
    marked = np.where(FIELDS != ELSEWHERE, 200, 50).astype(np.uint8)
    contrasts = []
    for seed in range(100):
        grey, fields = augment(marked, FIELDS, SIZE, np.random.default_rng(seed))
        lungs, near = fields != ELSEWHERE, fields == ELSEWHERE
        contrasts.append(grey[lungs].mean() - grey[near].mean())
    assert np.median(contrasts) > 60
    assert np.mean(np.array(contrasts) > 0) > 0.9


def test_unknown_places_stay_unknown():
    doubted = np.where(FIELDS == LEFT, np.uint8(UNKNOWN), FIELDS)
    _, fields = augment(GREY, doubted, SIZE, np.random.default_rng(0))
    assert UNKNOWN in fields


def test_opacities_only_brighten_and_mostly_the_lungs():
    brighter = []
    for seed in range(60):
        painted = opacify(GREY, FIELDS, np.random.default_rng(seed)).astype(int) - GREY
        assert painted.min() >= -1  # rounded down
        brighter.append([painted[FIELDS != ELSEWHERE].mean(), painted[FIELDS == ELSEWHERE].mean()])
    inside, outside = np.mean(brighter, axis=0)
    assert inside > 5 * max(outside, 0)
    assert inside > 5


def test_without_lungs_nothing_is_painted():
    nowhere = np.zeros_like(FIELDS)
    painted = opacify(GREY, nowhere, np.random.default_rng(0))
    assert np.array_equal(painted, GREY)


def test_a_seed_gives_the_same_example_and_leaves_its_input_alone():
    grey, fields = GREY.copy(), FIELDS.copy()
    first, second = (augment(grey, fields, SIZE, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert np.array_equal(grey, GREY)
    assert np.array_equal(fields, FIELDS)
