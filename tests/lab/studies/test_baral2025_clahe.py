"""The measures of CLAHE, and what the study's page claims of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import to_input
from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.baral2025_clahe import (
    CLIPS,
    SIZE,
    TILES,
    _draw,
    equalise_first,
    grey_measures,
)

pytestmark = pytest.mark.lab


def _noise(seed: int, side: int = SIZE) -> np.ndarray:
    """Smooth noise of few grey levels, so that CLAHE has something to do."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(0.5, 0.08, (side, side)), 0, 1).astype(np.float32)


@given(st.integers(0, 2**32 - 1))
def test_the_measures_are_those_of_the_histogram(seed):
    rng = np.random.default_rng(seed)
    grey = rng.integers(0, 256, (40, 30)).astype(np.uint8)
    mean, contrast, bits = grey_measures(grey)
    shares = np.unique(grey, return_counts=True)[1] / grey.size
    assert mean == pytest.approx(grey.astype(float).mean())
    assert contrast == pytest.approx(np.sqrt(np.mean((grey - mean) ** 2)))
    assert bits == pytest.approx(entropy(shares, base=2))
    assert grey_measures(rng.permuted(grey.ravel()).reshape(30, 40)) == pytest.approx(
        (mean, contrast, bits)
    )


def test_entropy_runs_from_0_to_8_bits():
    assert grey_measures(np.full((9, 9), 7, np.uint8)) == (7, 0, 0)
    every_level = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert grey_measures(every_level)[2] == pytest.approx(8)


@pytest.mark.parametrize("tiles", TILES)
@pytest.mark.parametrize("clip", CLIPS)
def test_both_orders_are_one_where_nothing_is_resized(clip, tiles):
    pixels = _noise(1)
    ours = to_input(pixels, InputSpec(SIZE, clip, tiles, channels=1))[0]
    np.testing.assert_array_equal(equalise_first(pixels, clip, tiles), np.rint(ours * 255))


def test_the_orders_differ_where_the_file_is_larger():
    pixels = _noise(2, 512)
    ours = to_input(pixels, InputSpec(SIZE, 2.0, 8, channels=1))[0]
    published = equalise_first(pixels, 2.0, 8)
    assert published.shape == (SIZE, SIZE)
    assert np.abs(published - np.rint(ours * 255)).mean() > 1


def test_a_small_tile_makes_clip_limits_one_and_the_same():
    pixels = _noise(3)
    one, two, three = (equalise_first(pixels, clip, 16) for clip in CLIPS)
    np.testing.assert_array_equal(one, two)
    assert (two != three).any()


def test_images_are_drawn_without_repeats_and_all_where_few():
    images = list(range(30))
    drawn = _draw(images, 12)
    assert len(set(drawn)) == 12
    assert drawn == _draw(images, 12)
    assert _draw(images, 500) == images


def test_the_smoke_run_writes_its_page(data_folder, tmp_path):
    page = run_study("baral2025-clahe", scale="smoke", data=data_folder, work=tmp_path, out=None)
    text = page.read_text()
    assert "Published: 500" not in text
    numbers = json.loads(page.with_suffix(".json").read_text())["measures"]
    # Five classes of two sets; no CLAHE, and two orders of three limits and three tiles.
    assert len(numbers) == 5 * (1 + 2 * 9)
    for row in numbers:
        assert row["images"] == 8
        assert row["mean"]["ci95"][0] <= row["mean"]["value"] <= row["mean"]["ci95"][1]
        assert 0 < row["entropy"]["value"] <= 8
    assert {path.name for path in page.parent.glob("*.svg")} == {
        "baral2025-clahe-guangzhou.svg",
        "baral2025-clahe-rsna.svg",
    }
