from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.errors import InputError
from pneumoscope.synthetic import draw_ct_slice


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(128, 300))
def test_any_seed_gives_a_slice_and_gives_it_again(seed, size):
    one, two = (draw_ct_slice(seed, size=size) for _ in range(2))
    assert one.dtype == np.float32
    assert one.shape == (size, size)
    assert one.min() >= 0
    assert one.max() <= 1
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("seed", range(8))
def test_two_dark_lungs_lie_in_a_brighter_body(seed):
    pixels = draw_ct_slice(seed, size=256)
    middle = pixels[110:146]
    left, right, between = middle[:, 50:70], middle[:, 186:206], middle[:, 120:136]
    assert max(np.median(left), np.median(right)) < np.median(between) - 0.1


@pytest.mark.parametrize(("seed", "size"), [(-1, 256), (2**32, 256), (0, 127), (0, 5000)])
def test_what_is_out_of_range_is_refused(seed, size):
    with pytest.raises(InputError, match="is outside"):
        draw_ct_slice(seed, size=size)
