"""Thresholds keep what they promise, and intervals are of patients."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.findings import PictureCheck
from pneumoscope.inference import LEARNT_CODES
from pneumoscope.lab.picture_check.measure import Seen, choose_thresholds, rate
from pneumoscope.lab.picture_check.pictures import PHANTOMS

pytestmark = pytest.mark.lab


def seen(group: str, scores: list[float]) -> list[Seen]:
    others = dict.fromkeys(LEARNT_CODES, 0.0)
    return [
        Seen(group, str(number), PictureCheck(scores=others | {"cropped": score}))
        for number, score in enumerate(scores)
    ]


def refused(group: list[Seen], threshold: float) -> int:
    return sum(one.check.scores["cropped"] >= threshold for one in group)


def test_no_group_is_refused_more_often_than_allowed() -> None:
    rng = np.random.default_rng(0)
    large, small = (seen(name, rng.random(size).tolist()) for name, size in (("a", 600), ("b", 9)))
    phantoms = seen(PHANTOMS, [0.2, 0.7])
    threshold = choose_thresholds([*large, *small, *phantoms], 0.01, 0.5)["cropped"]
    assert refused(large, threshold) <= 6
    assert refused(small, threshold) <= 1
    assert refused(phantoms, threshold) == 0
    # It is the lowest such one.
    lower = threshold - 2e-6
    assert refused(large, lower) > 6 or refused(small, lower) > 1 or refused(phantoms, lower) > 0


def test_a_code_that_never_rises_keeps_the_least_threshold() -> None:
    thresholds = choose_thresholds(seen("a", [0.1] * 10), 0.01, 0.01)
    assert set(thresholds) == set(LEARNT_CODES)
    assert all(value == pytest.approx(0.5, abs=1e-5) for value in thresholds.values())


def test_the_interval_is_wilsons_over_patients() -> None:
    alone = rate([False] * 10, [str(n) for n in range(10)])
    z = 1.959964
    assert alone["value"] == 0
    assert alone["ci95"] == pytest.approx([0, z**2 / (10 + z**2)], abs=1e-6)
    together = rate([False] * 10, ["same"] * 10)
    assert together["patients"] == 1
    assert together["ci95"][1] > alone["ci95"][1]
    assert rate([], [])["value"] is None
