"""An example's labels say what was done to it, and are silent about what nobody can know."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.inference import LEARNT_CODES
from pneumoscope.lab.picture_check.damage import split_lungs
from pneumoscope.lab.picture_check.examples import chances, draw
from pneumoscope.lab.picture_check.junk import draw_junk
from pneumoscope.lab.picture_check.pictures import FIELDS_SIDE, PHANTOMS, SIDE, Pool
from pneumoscope.synthetic import Phantom

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def pool(phantoms: list[Phantom]) -> Pool:
    """Six of one source, one of another, and a phantom; four pictures of white noise."""
    grey = [cv2.resize(phantom.pixels, (SIDE, SIDE)) * 255 for phantom in phantoms]
    noise = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE))
    return Pool(
        np.rint(grey).astype(np.uint8),
        np.array([split_lungs(phantom.lung_mask, FIELDS_SIDE) for phantom in phantoms]),
        ("many",) * 6 + ("one", PHANTOMS),
        noise.astype(np.uint8),
        ("noise",) * 4,
    )


def test_sources_are_drawn_by_the_root_of_their_number(pool: Pool) -> None:
    weights = chances(pool)
    assert weights.sum() == pytest.approx(1)
    assert weights[:6].sum() / weights[6] == pytest.approx(np.sqrt(6))
    assert weights[7] == pytest.approx(0.05)


def test_labels_agree_with_each_other(pool: Pool) -> None:
    rng, weights = np.random.default_rng(0), chances(pool)
    counts: Counter[str] = Counter()
    for _ in range(400):
        grey, labels = draw(pool, weights, 112, rng)
        assert grey.shape == (112, 112)
        assert grey.dtype == np.uint8
        told = dict(zip(LEARNT_CODES, labels.tolist(), strict=True))
        assert set(told.values()) <= {-1, 0, 1}
        counts.update(code for code, value in told.items() if value == 1)
        lies = {told[code] for code in ("inverted", "upside_down", "rotated", "mirrored")}
        if told["not_frontal_chest"] != 0:
            # How a picture lies that may be no chest is not known.
            assert lies == {-1}
        else:
            assert not told["upside_down"] == told["rotated"] == 1
        if 1 in (told["upside_down"], told["rotated"]) or told["cropped"] != 0:
            assert told["mirrored"] == -1
    assert min(counts[code] for code in LEARNT_CODES) >= 10


@given(seed=st.integers(0, 10_000), side=st.integers(64, 160))
def test_made_up_pictures_are_pictures(seed: int, side: int) -> None:
    radiographs = np.random.default_rng(0).integers(0, 256, (3, 60, 60)).astype(np.uint8)
    picture = draw_junk(radiographs, side, np.random.default_rng(seed))
    assert picture.shape == (side, side)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, draw_junk(radiographs, side, np.random.default_rng(seed)))
