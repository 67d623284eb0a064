"""Figures are those of a slow plain count; the limit loses no more lungs than it may."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from pneumoscope.evaluation import LabelledImage
from pneumoscope.lab.lungs.examples import Example
from pneumoscope.lab.lungs.masks import LEFT, RIGHT, UNKNOWN
from pneumoscope.lab.lungs.measure import Seen, choose_certainty, overlap, rate

pytestmark = pytest.mark.lab


@given(seed=st.integers(0, 10_000))
def test_overlap_agrees_with_sets_of_pixels(seed):
    rng = np.random.default_rng(seed)
    truth, found = rng.integers(0, 4, (6, 5)).astype(np.uint8), rng.random((6, 5)) < 0.5
    truth[0, 0] = RIGHT
    lung = {tuple(p) for p in np.argwhere((truth == RIGHT) | (truth == LEFT))}
    ours = {tuple(p) for p in np.argwhere(found & (truth != UNKNOWN))}
    dice, iou = overlap(found, truth)
    assert dice == pytest.approx(2 * len(lung & ours) / (len(lung) + len(ours)))
    assert iou == pytest.approx(len(lung & ours) / len(lung | ours))
    assert dice == pytest.approx(2 * iou / (1 + iou))


def seen(source: str, certainty: float, number: int) -> Seen:
    image = LabelledImage(Path("x"), "x", "NORMAL", f"{source} {number}")
    return Seen(Example(source, image), (0.1, 0.1), (1.0, certainty))


def test_the_limit_keeps_to_its_share_in_every_source():
    rng = np.random.default_rng(1)
    easy = [seen("rsna", value, n) for n, value in enumerate(rng.uniform(0.9, 1, 500))]
    hard = [seen("guangzhou", value, n) for n, value in enumerate(rng.uniform(0.5, 1, 500))]
    knees = [seen("not-chest", 0.0, n) for n in range(50)]
    limit = choose_certainty([*easy, *hard, *knees], 0.02)
    kept = [one for one in hard if not one.example.held_out]
    lost = np.mean([min(one.certainties) < limit for one in kept])
    assert 0.01 < lost <= 0.02
    # What held-out patients look like has no say.
    others = [one for one in hard if one.example.held_out]
    assert choose_certainty([*easy, *kept, *knees], 0.02) == limit
    assert others


@pytest.mark.parametrize(("hits", "low", "high"), [(0, 0, 0.31), (10, 0.69, 1)])
def test_where_none_or_all_are_hit_the_interval_still_has_a_width(hits, low, high):
    found = rate(np.arange(10) < hits, [str(n) for n in range(10)])
    assert found["value"] == hits / 10
    assert found["ci95"] == pytest.approx([low, high], abs=0.01)  # Clopper and Pearson, by table


@pytest.mark.parametrize(("hit", "interval"), [(False, [0, 0.975]), (True, [0.025, 1])])
def test_a_single_patient_has_the_exact_interval_of_one(hit, interval):
    found = rate(np.array([hit] * 3), ["a"] * 3)
    assert found["value"] == hit
    assert found["ci95"] == pytest.approx(interval)  # whichever way a single trial falls
    assert rate(np.array([True, False]), ["a"] * 2)["ci95"] is None


def test_a_rate_counts_pictures_and_draws_patients():
    hits = np.array([True] * 6 + [False] * 14)
    one_each = rate(hits, [str(n) for n in range(20)])
    shared = rate(hits, [str(n // 5) for n in range(20)])
    assert one_each["value"] == shared["value"] == 0.3
    assert (one_each["patients"], shared["patients"]) == (20, 4)
    assert np.ptp(shared["ci95"]) > np.ptp(one_each["ci95"])
    assert rate(np.array([], bool), [])["value"] is None
