"""A training image is known again by its pixels, and a changed copy by what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundles import Bundle, read_bundle
from pneumoscope.evaluation import TrainingOverlap
from pneumoscope.evaluation.overlap import Seen, seen_in_training
from pneumoscope.imaging import fingerprint, perceptual_hash
from pneumoscope.synthetic import draw_phantom


@pytest.fixture(scope="module")
def phantoms() -> list[np.ndarray]:
    return [draw_phantom(seed, size=256).pixels for seed in range(3)]


def test_each_bundle_is_asked_for_itself(
    phantoms: list[np.ndarray], tiny_bundle: Bundle, variant: Callable[..., str]
) -> None:
    lines = [f"{fingerprint(each)} {perceptual_hash(each)}" for each in phantoms[:2]]
    bundles = [read_bundle(Path(variant(fingerprints="\n".join(lines)))), tiny_bundle]
    darker = phantoms[1] * np.float32(0.9)
    assert seen_in_training(phantoms[1], bundles) == (Seen.IDENTICAL, Seen.NO)
    assert seen_in_training(darker, bundles) == (Seen.NEAR, Seen.NO)
    assert seen_in_training(phantoms[2], bundles) == (Seen.NO, Seen.NO)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ((Seen.NO, Seen.NO, Seen.NO), None),
        ((Seen.IDENTICAL, Seen.NO, Seen.NO), "identical_in_training"),
        ((Seen.NEAR, Seen.NO, Seen.NEAR), "near_in_training"),
        ((Seen.NEAR, Seen.NO, Seen.IDENTICAL), "identical_and_near_in_training"),
    ],
)
def test_the_overlap_is_told_in_one_message(seen: tuple[Seen, ...], told: str | None) -> None:
    overlap = TrainingOverlap(("a", "b", "c"), seen, near_known=True)
    alone, compared = overlap.warning(), overlap.warning("b")
    assert [each.code for each in alone] == ([] if told is None else [told])
    assert [each.code for each in compared] == ([] if told is None else [f"compared_{told}"])
    for warning in alone:
        assert warning.values["identical"] == len(overlap.identical)
        assert warning.values["near"] == len(overlap.near or ())
    assert len(overlap.identical) + len(overlap.near or ()) + overlap.fresh.sum() == 3


def test_copies_are_unknown_to_a_bundle_without_perceptual_hashes() -> None:
    assert TrainingOverlap(("a",), (Seen.NO,), near_known=False).near is None
