"""The leak tax: its interval, and the study from end to end on made-up images."""

import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp

pytest.importorskip("torch")

from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.leak_tax import corrected_interval

pytestmark = pytest.mark.lab

DIFFERENCES = [0.01, 0.03, -0.01, 0.02, 0.015]


def test_without_overlap_it_is_the_usual_interval():
    usual = ttest_1samp(DIFFERENCES, 0).confidence_interval()
    estimate = corrected_interval(DIFFERENCES, 0.0)
    assert (estimate.low, estimate.high) == pytest.approx((usual.low, usual.high))


def test_overlap_widens_it_as_nadeau_and_bengio_say():
    usual, corrected = (corrected_interval(DIFFERENCES, ratio) for ratio in (0.0, 0.25))
    assert corrected.value == usual.value == pytest.approx(np.mean(DIFFERENCES))
    widening = (corrected.high - corrected.low) / (usual.high - usual.low)
    assert widening**2 == pytest.approx((1 / 5 + 0.25) / (1 / 5))


def test_one_repeat_has_no_interval():
    assert corrected_interval([0.1], 0.25).low is None


def test_the_study_runs_and_takes_what_is_finished(study_data, tmp_path):
    def run():
        page = run_study("leak-tax", scale="smoke", data=study_data, work=tmp_path, out=None)
        return page.read_text(), json.loads(page.with_suffix(".json").read_text())

    text, numbers = run()
    for name, tax in numbers["tax"].items():
        image, patient = ([row[name] for row in arm] for arm in numbers["metrics"].values())
        assert tax["value"] == pytest.approx(np.mean(image) - np.mean(patient))
    assert "patients are in more than one part" in text
    work = tmp_path / "leak-tax-smoke"
    for number in (1, 2):
        kept = [json.loads((work / f"{by}-{number}/result.json").read_bytes()) for by in ARMS]
        assert kept[0]["leaks"]
        assert not kept[1]["leaks"]
    before = {path: path.stat().st_mtime_ns for path in work.glob("*/result.json")}
    assert run()[1] == numbers
    assert {path: path.stat().st_mtime_ns for path in before} == before


ARMS = ("image", "patient")
