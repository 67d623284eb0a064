"""Thresholds, zones and prediction sets over labelled images, against plain counting."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.evaluation import measure_decisions
from pneumoscope.findings import (
    AgeGroupChoice,
    Confidence,
    Decision,
    OperatingPoint,
    Purpose,
    Zone,
)

SURE = Confidence(0, 0, 0, 0, 0)
CLASSES = ("A", "B", "C")
CHOICES = (
    AgeGroupChoice("children", "age"),
    AgeGroupChoice("children", "image", 0.9),
    AgeGroupChoice("adults", "age"),
)


def points(*thresholds: tuple[Purpose, float], label: str = "B") -> tuple[OperatingPoint, ...]:
    return tuple(OperatingPoint(purpose, label, value, "made up") for purpose, value in thresholds)


BOTH = points((Purpose.RULE_OUT, 0.3), (Purpose.RULE_IN, 0.6))
LATER = points((Purpose.RULE_OUT, 0.4), (Purpose.RULE_IN, 0.6))


def decision(rng: np.random.Generator) -> Decision:
    values = dict(zip(CLASSES, rng.dirichlet(np.ones(3)).tolist(), strict=True))
    values["C"] = 1 - values["A"] - values["B"]
    predicted = max(values, key=values.__getitem__)
    view = str(rng.choice(["", "AP"]))
    mine = (BOTH, LATER, BOTH[1:], ())[rng.integers(4)]
    kept = {name for name in CLASSES if values[name] >= 0.3} | {predicted}
    has_set = bool(rng.integers(2))
    return Decision(
        values,
        predicted,
        SURE,
        CHOICES[rng.integers(3)],
        view,
        mine,
        tuple(kept) if has_set else (),
        0.9 if has_set else None,
    )


@given(st.integers(0, 10**6), st.integers(1, 40))
@settings(max_examples=60)
def test_every_count_and_rate_is_that_of_plain_counting(seed: int, images: int) -> None:
    rng = np.random.default_rng(seed)
    decisions = [decision(rng) for _ in range(images)]
    labels = [str(label) for label in rng.choice([*CLASSES, "OTHER"], images)]
    patients = [str(i // 2) for i in range(images)]
    found = measure_decisions(decisions, labels, patients, positive="B", resamples=5)
    groups = {(one.age_group, one.view): one.figures for one in found.profiles}
    for key, figures in [*groups.items(), (None, found.overall)]:
        rows = [
            row
            for row, one in enumerate(decisions)
            if key is None or (one.age_group.name, one.view) == key
        ]
        assert figures.images == len(rows)
        for purpose in Purpose:
            reached = [
                (labels[row] == "B", decisions[row].probabilities["B"] >= point.threshold)
                for row in rows
                for point in decisions[row].operating_points
                if point.purpose is purpose
            ]
            measured = [point for point in figures.points if point.purpose is purpose]
            assert len(measured) == bool(reached)
            for point in measured:
                assert point.images == len(reached)
                ill = [called for truth, called in reached if truth]
                well = [not called for truth, called in reached if not truth]
                for rate, of in ((point.sensitivity, ill), (point.specificity, well)):
                    assert rate.value == (pytest.approx(np.mean(of)) if of else None)
        zones = [decisions[row].zone for row in rows if decisions[row].operating_points]
        assert figures.zones == ({zone: zones.count(zone) for zone in Zone} if zones else None)
        kept = [row for row in rows if decisions[row].prediction_set]
        assert (figures.sets is None) == (not kept)
        if figures.sets is not None:
            several = sum(len(decisions[row].prediction_set) > 1 for row in kept)
            known = [row for row in kept if labels[row] != "OTHER"]
            held = [labels[row] in decisions[row].prediction_set for row in known]
            assert (figures.sets.images, figures.sets.several) == (len(kept), several)
            share = figures.sets.holding_truth.value
            assert share == (pytest.approx(np.mean(held)) if held else None)
    document = found.as_dict()
    assert json.loads(json.dumps(document)) == document
    for one in found.profiles:
        assert sum(one.chosen_by.values()) == one.figures.images


def fixed(point: tuple[OperatingPoint, ...], coverage: float) -> Decision:
    values = {"A": 0.5, "B": 0.5}
    return Decision(values, "A", SURE, CHOICES[0], "", point, ("A",), coverage)


def test_a_threshold_or_coverage_is_named_only_where_it_is_the_same_for_all() -> None:
    def measure(*decisions: Decision) -> tuple[float | None, float | None]:
        n = len(decisions)
        found = measure_decisions(decisions, ["B"] * n, ["p"] * n, positive="B", resamples=5)
        assert found.overall.sets is not None
        return found.overall.points[0].threshold, found.overall.sets.coverage

    assert measure(fixed(BOTH, 0.9), fixed(BOTH, 0.9)) == (0.3, 0.9)
    assert measure(fixed(BOTH, 0.9), fixed(LATER, 0.8)) == (None, None)


@pytest.mark.parametrize("positive", [None, "A"])
def test_thresholds_of_another_class_are_left_out(positive: str | None) -> None:
    found = measure_decisions([fixed(BOTH, 0.9)], ["A"], ["p"], positive=positive, resamples=5)
    assert (found.overall.points, found.overall.zones) == ((), None)
    assert found.overall.sets is not None
