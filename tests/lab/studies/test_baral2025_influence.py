"""The drawn cases fit their level, and the page says of the image what the base does."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.baral2025_influence import _space, draw_cases
from pneumoscope.severity import LEVELS, evaluate, load_rule_base

pytestmark = pytest.mark.lab
BASE = load_rule_base("baral2025")


def test_cases_lie_in_the_range_of_the_last_rule_that_names_an_input():
    cases = draw_cases(BASE, 80, 1)
    np.testing.assert_array_equal(cases, draw_cases(BASE, 80, 1))
    low, high = np.array(list(BASE.inputs.values())).T
    assert ((cases >= low) & (cases <= high)).all()
    names = list(BASE.inputs)
    severe = cases[[k for k in range(80) if LEVELS[k % 4] == "severe"]]
    # S1 asks for low oxygen and S6, later, too; S8 leaves the cough in the middle.
    assert (severe[:, names.index("oxygen_level")] <= 85).all()
    cough = severe[:, names.index("cough_severity")]
    assert ((cough >= 0.3) & (cough <= 0.7)).all()


def test_the_states_reach_every_combination_of_conditions():
    rows = np.concatenate(list(_space(BASE, thinned=True)))
    found = evaluate(BASE, rows)
    for symptom in list(BASE.inputs)[:5]:
        holding = np.array([found.truths[symptom, term] for term in BASE.terms])
        assert holding.any(axis=1).all()
        assert (holding.sum(axis=0) == 0).any()


def test_the_page_proves_that_nothing_changes(tmp_path):
    page = run_study(
        "baral2025-influence", scale="smoke", data=tmp_path, work=tmp_path / "w", out=None
    )
    numbers = json.loads(page.with_suffix(".json").read_text())
    assert numbers["space"]["changed"] == numbers["space"]["resolved"] == 0
    assert numbers["space"]["states"] == 4**11 // 4096
    assert sum(numbers["cases"]["levels"].values()) == 300
    assert all(part["changed"] == 0 for part in numbers["cases"]["by_confidence"].values())
