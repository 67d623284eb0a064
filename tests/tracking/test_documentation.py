"""The case by hand in docs/explanation/tracking.md, number by number against the program."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumoscope.severity import personal_theta
from pneumoscope.tracking import PUBLISHED, TrackingOptions, adjusted_range, bounds_of
from pneumoscope.tracking.steps import trigg_leach, without_outliers

PAGE = (Path(__file__).parents[2] / "docs/explanation/tracking.md").read_text("utf-8")
CASE = PAGE[PAGE.index("## By hand") : PAGE.index("How the published bounds enter")]
VALUES = np.array([float(v) for v in re.findall(r"\d\.\d", CASE.split("\n")[2])])
KEPT = without_outliers(VALUES, "mad")


def said(*patterns: str) -> list[float]:
    """The numbers of each pattern's one group, on the page with its line breaks taken out."""
    text = " ".join(CASE.split())
    found = [re.findall(pattern, text) for pattern in patterns]
    assert all(len(one) == 1 for one in found), found
    return [float(one[0]) for one in found]


def test_the_outlier_of_the_page_is_the_programs() -> None:
    assert VALUES.tolist() == [0.2, 0.3, 0.2, 0.3, 0.9, 0.3, 0.4]
    assert KEPT.tolist() == [0.2, 0.3, 0.2, 0.3, 0.3, 0.4]
    assert len(without_outliers(VALUES, "zscore")) == len(VALUES)
    middle = np.median(VALUES)
    mad = np.median(np.abs(VALUES - middle))
    told = said(
        r"Median (\S+),",
        r"absolute deviation (\S+),",
        r"robust deviation (\S+):",
        r"is (\S+) of them away and is dropped",
    )
    far = (0.9 - middle) / (1.4826 * mad)
    assert told == [middle, round(mad, 3), round(1.4826 * mad, 3), round(far, 2)]
    told = said(r"mean is (\S+),", r"the standard deviation (\S+):", r"published, 0\.9 is (\S+) of")
    distance = (0.9 - VALUES.mean()) / VALUES.std()
    assert told == [round(VALUES.mean(), 3), round(VALUES.std(), 3), round(distance, 1)]


def test_the_smoothing_of_the_page_is_the_programs_and_its_own_arithmetic() -> None:
    rows = [line.strip(" |").split("|") for line in CASE.splitlines() if line[:3] == "  |"][2:]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert [float(row[0]) for row in cells] == KEPT.tolist()
    assert [row[-1] for row in cells] == [f"{z:.3f}" for z in trigg_leach(KEPT)]
    smoothed, error, size = KEPT[0], 0.0, 0.0
    for value, row in zip(KEPT[1:], cells[1:], strict=True):
        miss = value - smoothed
        error += 0.2 * (miss - error)
        size += 0.2 * (abs(miss) - size)
        factor = min(max(abs(error) / size, 0.1), 0.6)
        smoothed += factor * miss
        numbers = (f"{miss:.4f}", f"{error:.4f}", f"{size:.4f}", f"{factor:.3f}")
        assert row[1:] == [*numbers, f"{smoothed:.3f}"]


def test_the_range_of_the_page_is_the_programs(daily: Callable[..., Any]) -> None:
    inner = adjusted_range(VALUES, TrackingOptions())
    published = adjusted_range(VALUES, PUBLISHED)
    told = said(
        r"/ 2 = (\S+) to",
        r"= \S+ to .*?/ 2 = (\S+)\. \(P",
        r"Published: (\S+) to",
        r"Pub.*? to (\S+)\.\)",
    )
    assert told == [round(float(v), 3) for v in (*inner[[0, -1]], *published[[0, -1]])]
    assert said(r"six values is (\S+),") == [round(float(KEPT.mean()), 3)]
    bounds = bounds_of(daily([{"fatigue": float(value)} for value in VALUES]), "guideline")
    low, high = bounds.ranges["fatigue"]
    assert said(r"\* 0\.5 = (\S+),", r"\+ 0\.5 = (\S+)\.") == [round(low, 3), round(high, 3)]
    counted = [personal_theta({"fatigue": value}, bounds)["fatigue"] for value in (0.3, 0.5)]
    assert said(r"counts as .*?= (\S+),", r"0\.5 as (\S+)\. ") == pytest.approx(counted, abs=5e-4)
