"""Images reduced to their lungs or robbed of them: what is hidden is gone and teaches nothing."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")

from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.findings import InputSpec
from pneumoscope.lab.datasets import (
    HIDDEN,
    Augmentation,
    Draw,
    EvidenceLessons,
    Lesson,
    LungChanges,
    RadiographDataset,
    find_lungs,
)
from pneumoscope.lab.datasets.lungs import SIDE, hide_lungs
from pneumoscope.synthetic import draw_phantom

pytestmark = pytest.mark.lab

SPEC = InputSpec(size=64, clahe_clip=2.0, clahe_tiles=4)


def lungs(side):
    """Two upright rectangles."""
    mask = np.zeros((side, side), np.bool_)
    rows = slice(side // 4, 3 * side // 4)
    mask[rows, side // 6 : side // 2 - side // 16] = True
    mask[rows, side // 2 + side // 16 : side - side // 6] = True
    return mask


@given(seed=st.integers(0, 2**16))
def test_nothing_of_hidden_lungs_is_left(seed):
    """Two images that differ in their lungs alone are one image when these are hidden."""
    rng = np.random.default_rng(seed)
    mask = lungs(96)
    first = rng.integers(0, 256, (96, 96), dtype=np.uint8)
    second = first.copy()
    second[mask] = rng.integers(0, 256, int(mask.sum()), dtype=np.uint8)
    np.testing.assert_array_equal(hide_lungs(first, mask), hide_lungs(second, mask))
    far = ~np.asarray(hide_lungs(first, mask) != first)
    assert far[:10].all()  # the border is as it was


def test_shares_are_drawn_and_cut_out_sources_always_change():
    grey = np.full((64, 64), 90, np.uint8)
    changes = LungChanges({0: lungs(SIDE)}, frozenset({3}), only=0.3, hidden=0.2)
    rng = np.random.default_rng(0)
    drawn = [changes.change(0, 0, grey, rng) for _ in range(2000)]
    hidden = np.mean([is_hidden for _, is_hidden in drawn])
    only = np.mean([(image[:3] == 0).all() for image, _ in drawn])
    assert hidden == pytest.approx(0.2, abs=0.03)
    assert only == pytest.approx(0.3, abs=0.04)
    # Without a mask nothing can be changed.
    unknown, is_hidden = changes.change(7, 0, grey, rng)
    assert not is_hidden
    np.testing.assert_array_equal(unknown, grey)
    cut = np.where(lungs(64), grey, 0).astype(np.uint8)
    outlines = [changes.change(8, 3, cut, rng)[0] > 0 for _ in range(4)]
    assert any((outlines[0] != other).any() for other in outlines[1:])


def test_a_hidden_image_teaches_no_class_and_no_evidence(collection):
    lessons = EvidenceLessons(np.full((12, 1), Lesson.SOMEWHERE, np.int8), {}, cells=4)
    changes = LungChanges({0: lungs(SIDE)}, frozenset(), only=0.0, hidden=1.0)
    dataset = RadiographDataset(
        collection, np.array([0, 1]), SPEC, Augmentation(), lessons, changes
    )
    _, label, source, evidence = dataset[Draw(0, 1, 2, 3)]
    assert label == HIDDEN
    assert source == collection.sources[0]
    assert (evidence == 0).all()
    _, label, _, _ = dataset[Draw(1, 1, 2, 3)]  # its lungs are not known
    assert label == collection.labels[1]


def test_lungs_are_found_where_a_phantom_has_them(collection):
    phantom = draw_phantom(3, size=256, opacity=False)
    grey = np.rint(phantom.pixels * 255).astype(np.uint8)
    changed = type(collection)(
        **{name: getattr(collection, name) for name in collection.__slots__}
        | {"pixels": (grey, np.zeros((64, 64), np.uint8))}
    )
    masks = find_lungs(changed, np.array([0, 1]))
    assert 1 not in masks  # a black picture has none
    assert 0.1 < masks[0].mean() < 0.6
