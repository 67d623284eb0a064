"""Held-out images whose patient trained, and the comparison among alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from pneumoscope.lab.datasets import SchemeSettings, draw, identify, linked_groups, units_of
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.folds import one_by_one
from pneumoscope.lab.studies.leaked_images import (
    HeldOut,
    held_out_images,
    leak_differences,
    standardised,
)

pytestmark = pytest.mark.lab


def _plain(values, shared, strata, weights):
    """Mantel and Haenszel's means, stratum by stratum."""
    sums, total = np.zeros(2), 0.0
    for stratum in set(strata.tolist()):
        sides = [weights * (strata == stratum) * side for side in (shared, ~shared)]
        n1, n0 = (side.sum() for side in sides)
        if n1 and n0:
            share = n1 * n0 / (n1 + n0)
            sums += [share * (side @ values) / side.sum() for side in sides]
            total += share
    return sums / total if total else np.full(2, np.nan)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6))
def test_it_is_the_plain_computation(seed, rows, strata):
    rng = np.random.default_rng(seed)
    values, shared = rng.random(rows), rng.random(rows) < 0.5
    stratum = rng.integers(strata, size=rows)
    weights = rng.integers(3, size=(4, rows)).astype(float)
    expected = [_plain(values, shared, stratum, row) for row in weights]
    np.testing.assert_allclose(standardised(values, shared, stratum, weights), expected)


def test_what_only_the_strata_explain_is_no_difference():
    strata = np.repeat([0, 1], 100)
    shared = np.concatenate([np.arange(100) < 90, np.arange(100) < 10])
    values = np.where(strata == 0, 1.0, 0.2)
    assert values[shared].mean() - values[~shared].mean() > 0.5
    inside, outside = standardised(values, shared, strata, np.ones((1, 200)))[0]
    assert inside == pytest.approx(outside)


def test_without_a_counterpart_there_is_no_difference():
    shared = np.array([True, True, False])
    answer = standardised(np.ones(3), shared, np.array([0, 0, 1]), np.ones((1, 3)))
    assert np.isnan(answer).all()


def _rows(repeats=4, patients=60, *, gain=0.0, seed=5):
    """Two images per patient, the first held out; the networks are better where it shares."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.arange(patients) % 2, repeats)
    shared = rng.random(truth.size) < 0.5
    right = rng.random(truth.size) < 0.7 + gain * shared
    return HeldOut(
        repeat=np.repeat(np.arange(repeats), patients),
        kind=np.where(truth == 1, "PNEUMONIA", "NORMAL"),
        images=np.full(truth.size, 2),
        shared=shared,
        group=np.tile(np.arange(patients), repeats).astype(np.str_),
        truth=truth,
        score=np.where(right == (truth == 1), 0.9, 0.1),
    )


def test_a_planted_gain_is_found_and_none_is_not():
    for gain, found in ((0.3, True), (0.0, False)):
        shared, alone, difference = leak_differences(_rows(gain=gain))["accuracy, among alike"]
        assert difference.value == pytest.approx(shared.value - alone.value)
        assert (difference.low > 0) == found


def test_the_flag_says_who_trained(study_data):
    data = identify([study_data / "guangzhou"])
    groups = linked_groups(data.patients, data.fingerprints)
    scheme = SchemeSettings(scheme="monte-carlo", folds=2, holdout=0.3, calibrate=0.0)
    for by, crosses in (("image", True), ("patient", False)):
        splits = one_by_one(draw(units_of(data.strata, groups, by), scheme))
        results = [_answers(split, data) for split in splits]
        rows = held_out_images(data, groups, data.strata, splits, results, "PNEUMONIA")
        expected = [
            data.patients[i] in {data.patients[j] for j in split.folds[0].indices("train")}
            for split in splits
            for i in split.folds[0].indices("report")
        ]
        assert rows.shared.tolist() == expected
        assert any(expected) == crosses
        assert set(rows.images.tolist()) == {3}


def _answers(split, data):
    report = split.folds[0].indices("report")
    return Result(
        classes=("NORMAL", "PNEUMONIA"),
        epochs=(),
        files=tuple(data.files[i] for i in report),
        patients=tuple(data.patients[i] for i in report),
        labels=tuple(data.strata[i].rpartition(" ")[2] for i in report),
        probabilities=np.full((len(report), 2), 0.5),
        certificate="",
        leaks=(),
    )
