import re
from functools import lru_cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pneumoscope.errors import InputError
from pneumoscope.synthetic import Phantom, View, draw_phantom

SIZE = 192
SEEDS = range(7)


@lru_cache(maxsize=64)
def drawn(seed: int, opacity: bool = False, view: View = "PA") -> Phantom:
    return draw_phantom(seed, size=SIZE, opacity=opacity, view=view)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(128, 300),
    opacity=st.booleans(),
    view=st.sampled_from(["PA", "AP"]),
)
def test_any_seed_gives_a_whole_phantom_and_gives_it_again(
    seed: int, size: int, opacity: bool, view: View
) -> None:
    one, two = (draw_phantom(seed, size=size, opacity=opacity, view=view) for _ in range(2))
    assert one.pixels.dtype == np.float32
    assert one.pixels.shape == one.lung_mask.shape == one.opacity_mask.shape == (size, size)
    assert one.pixels.min() >= 0
    assert one.pixels.max() <= 1
    assert one.opacity_mask.any() == opacity
    assert not (one.opacity_mask & ~one.lung_mask).any()
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(one.opacity_mask, two.opacity_mask)


@pytest.mark.parametrize("view", ["PA", "AP"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_differs_only_around_the_opacity_and_is_brighter_there(
    seed: int, view: View
) -> None:
    clear, ill = drawn(seed, False, view), drawn(seed, True, view)
    difference = ill.pixels - clear.pixels
    # The mask starts where the opacity can be seen, so its soft edge reaches past it.
    near = ndimage.binary_dilation(ill.opacity_mask, iterations=SIZE // 16)
    assert np.abs(difference[~near]).max() < 0.02
    assert (difference >= 0).all()
    assert (difference[ill.opacity_mask] > 0).all()
    assert difference[ill.opacity_mask].mean() > 0.05
    np.testing.assert_array_equal(clear.lung_mask, ill.lung_mask)


@pytest.mark.parametrize("seed", SEEDS)
def test_lungs_are_two_dark_fields_of_plausible_size(seed: int) -> None:
    phantom = drawn(seed)
    share = phantom.lung_mask.mean()
    assert 0.12 < share < 0.45
    labels, _ = ndimage.label(phantom.lung_mask)
    areas = np.sort(np.bincount(labels.ravel())[1:])[::-1]
    assert areas[:2].sum() > 0.98 * phantom.lung_mask.sum()
    assert areas[1] > 0.4 * areas[0]
    below = phantom.pixels[-SIZE // 8 :, SIZE * 3 // 8 : SIZE * 5 // 8]
    assert phantom.pixels[phantom.lung_mask].mean() + 0.2 < below.mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_heart_lies_to_the_image_right(seed: int) -> None:
    rows, columns = np.nonzero(drawn(seed).lung_mask)
    middle = columns[rows < np.quantile(rows, 0.1)].mean()
    low = rows > np.quantile(rows, 0.6)
    left, right = (columns[low] < middle).sum(), (columns[low] > middle).sum()
    assert right < left


@pytest.mark.parametrize("seed", SEEDS)
def test_ap_has_a_larger_heart_and_a_higher_diaphragm(seed: int) -> None:
    pa, ap = drawn(seed, view="PA").lung_mask, drawn(seed, view="AP").lung_mask
    assert np.nonzero(ap)[0].max() < np.nonzero(pa)[0].max()
    assert ap.sum() < pa.sum()


def test_no_two_seeds_are_alike() -> None:
    for one in SEEDS:
        for other in range(one):
            gap = np.abs(drawn(one).pixels - drawn(other).pixels).mean()
            assert gap > 0.02, (one, other)


@pytest.mark.parametrize("seed", [0, 3])
def test_every_size_shows_the_same_chest(seed: int) -> None:
    large = draw_phantom(seed, size=2 * SIZE, opacity=True)
    small = drawn(seed, True)
    shrunk = cv2.resize(large.pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    away_from_mark = np.s_[SIZE // 10 :, :]
    gap = np.abs(shrunk - small.pixels)[away_from_mark]
    assert gap.mean() < 0.02
    halves = large.opacity_mask[::2, ::2]
    assert (halves & small.opacity_mask).sum() > 0.85 * (halves | small.opacity_mask).sum()


@pytest.mark.parametrize("size", [128, 256, 1024])
def test_the_mark_is_burned_into_the_upper_left_corner(size: int) -> None:
    phantom = draw_phantom(1, size=size)
    corner = phantom.pixels[: size // 8, : size // 2]
    assert 0.003 < (corner == 1).mean() < 0.3
    assert not (phantom.lung_mask & (phantom.pixels == 1)).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_grey_values_spread_like_a_radiograph(seed: int) -> None:
    # RSNA normals at 224 pixels: mean 0.51, deviation 0.24; a wide band around both.
    small = cv2.resize(drawn(seed).pixels, (224, 224), interpolation=cv2.INTER_AREA)
    assert 0.3 < small.mean() < 0.7
    assert 0.15 < small.std() < 0.35


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "phantom seed -1 is outside 0..4294967295"),
        ({"seed": 2**32}, "phantom seed 4294967296 is outside"),
        ({"seed": 0, "size": 127}, "phantom size 127 is outside 128..4096 pixels"),
        ({"seed": 0, "size": 4097}, "phantom size 4097"),
        ({"seed": 0, "view": "LATERAL"}, "phantom view 'LATERAL' is not known: give PA or AP"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        draw_phantom(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
