"""The shares by which the published readings of the severity differ."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.baral2025_readings import READINGS, SEED, draw
from pneumoscope.severity import SYMPTOMS, assess, rule_bases

pytestmark = pytest.mark.lab


def test_every_published_reading_is_measured():
    assert set(READINGS) == set(rule_bases()) - {"guideline"}


def test_patients_are_drawn_over_the_whole_ranges():
    values = draw(20_000, 1)
    for column, symptom in zip(values.T, SYMPTOMS.values(), strict=True):
        width = symptom.maximum - symptom.minimum
        assert symptom.minimum <= column.min() < symptom.minimum + 0.01 * width
        assert symptom.maximum >= column.max() > symptom.maximum - 0.01 * width
        assert column.mean() == pytest.approx(symptom.minimum + width / 2, abs=0.01 * width)


def test_the_shares_of_a_smoke_page_are_those_of_one_patient_after_the_other(tmp_path):
    page = run_study("baral2025-readings", scale="smoke", data=tmp_path, work=tmp_path, out=None)
    numbers = json.loads(page.with_suffix(".json").read_text())
    patients = [dict(zip(SYMPTOMS, map(float, row), strict=True)) for row in draw(1000, SEED)]
    levels = {
        name: [assess(patient, rule_base=name).level for patient in patients]
        for name in ("baral2025", "baral2025-max")
    }
    for name, found in levels.items():
        figures = numbers["levels"][name]
        for level, share in figures["levels"].items():
            assert share == pytest.approx(np.mean([one == level for one in found]))
        others = [a is not b for a, b in zip(found, levels["baral2025"], strict=True)]
        assert figures["other_than_program"] == pytest.approx(np.mean(others))
    assert numbers["levels"]["baral2025-average"]["borderline"] == 1
    assert numbers["bands"]["baral2025-max"]["severe_by_the_band_too"] == 0
