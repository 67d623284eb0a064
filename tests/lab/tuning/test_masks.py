"""Masks are written and read without loss, and never drop everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("deap")

from pneumoscope.lab.tuning.masks import draw_masks, drop_share, not_empty, pack, unpack

pytestmark = pytest.mark.lab


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_a_mask_is_read_as_it_was_written(bits):
    mask = np.array(bits)
    np.testing.assert_array_equal(unpack(pack(mask), len(bits)), mask)


@pytest.mark.parametrize("text", ["ff", "ffffff", "zz00"])
def test_a_mask_of_other_units_is_refused(text):
    with pytest.raises(ValueError, match=r"bytes|hexadecimal"):
        unpack(text, 10)


@given(st.integers(0, 1000), st.integers(1, 20))
def test_no_mask_drops_everything(seed, units):
    rng = np.random.default_rng(seed)
    masks = rng.random((8, units)) < 0.1
    filled = not_empty(masks, rng)
    assert filled.any(axis=1).all()
    kept = masks.any(axis=1)
    np.testing.assert_array_equal(filled[kept], masks[kept])
    assert (filled[~kept].sum(axis=1) == 1).all()


def test_masks_keep_units_in_their_proportions():
    keep, units = np.array([0.1, 0.5, 0.9]), 40_000
    share = drop_share(draw_masks(keep, units, np.random.default_rng(0)))
    np.testing.assert_allclose(share, 1 - keep, atol=5 * 0.5 / units**0.5)
