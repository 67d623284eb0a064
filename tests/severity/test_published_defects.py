"""The known defects of the published rule base, each one shown. `baral2025` keeps them."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope import severity
from pneumoscope.errors import SymptomError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity import SYMPTOMS
from pneumoscope.severity.engine import LEVELS, evaluate
from pneumoscope.severity.rule_base import load_rule_base

assess = partial(severity.assess, rule_base="baral2025")
BASE = load_rule_base("baral2025")
SEVERE = SeverityLevel.SEVERE


def fired(patient):
    return {rule.rule for rule in assess(patient).fired}


@given(
    st.fixed_dictionaries({n: st.floats(s.minimum, s.maximum) for n, s in SYMPTOMS.items()}),
    st.floats(0, 1),
)
def test_the_image_never_changes_the_level(patient, contribution):
    alone, with_image = assess(patient), assess(patient, contribution=contribution)
    assert with_image.level is alone.level
    assert with_image.borderline == alone.borderline


def test_the_image_never_changes_the_level_nor_resolves_a_tie(random_patients):
    values = random_patients(50_000, 1)
    full = evaluate(BASE, values, 1.0)
    assert np.array_equal(
        np.argsort(full.scores, kind="stable"), np.argsort(full.adjusted, kind="stable")
    )
    best = np.sort(full.scores, axis=1)
    tied = best[:, -1] == best[:, -2]
    assert tied.any()
    best = np.sort(full.adjusted, axis=1)
    assert (best[tied, -1] == best[tied, -2]).all()


@pytest.mark.parametrize("name", SYMPTOMS)
def test_half_of_each_input_is_dead(name):
    low, high = BASE.inputs[name]
    thetas = (np.arange(10_000) + 0.5) / 10_000
    values = np.tile([float(s.minimum) for s in SYMPTOMS.values()], (len(thetas), 1))
    values[:, list(SYMPTOMS).index(name)] = low + thetas * (high - low)
    truths = evaluate(BASE, values).truths
    alive = np.any([truths[name, term] for term in BASE.terms], axis=0)
    assert alive.mean() == pytest.approx(0.5, abs=0.001)


def test_the_score_jumps_at_the_edge_of_a_dead_zone(best):
    # Nothing changes from slight to strong chest pain, then a hair more brings 16 points.
    scores = [assess({**best, "chest_pain": v}).scores[SEVERE] for v in (0.16, 0.39, 0.85, 0.8501)]
    assert scores[0] == scores[1] == scores[2]
    assert scores[3] - scores[2] == 8 + 8


def test_absence_of_cough_and_sputum_collects_points_for_severe(best):
    assert best["cough_severity"] == best["sputum_production"] == 0
    assert "S8" in fired(best)
    coughing = {**best, "cough_severity": 0.5, "sputum_production": 0.5}
    assert "S8" not in fired(coughing)


def test_a_second_sign_loses_points(best):
    tired = {**best, "fatigue": 1.0}
    tired_without_appetite = {**tired, "appetite_loss": 1.0}
    assert assess(tired_without_appetite).scores[SEVERE] == assess(tired).scores[SEVERE] - 9
    breathless = {**best, "breathlessness": 1.0}
    breathless_and_confused = {**breathless, "confusion": 1.0, "fever_value": 36.5}
    assert "S7" in fired(breathless)
    assert "S7" not in fired(breathless_and_confused)


def test_mild_hardly_exists(random_patients):
    winners = np.bincount(evaluate(BASE, random_patients(20_000, 2)).winner, minlength=4)
    share = dict(zip(LEVELS, winners / winners.sum(), strict=True))
    assert share[SeverityLevel.MILD] < 0.01
    assert share[SEVERE] > 0.5


def test_rules_that_contradict_their_comments(worst):
    # N7 gives the sickest patient points for negligible; M4 and L1 speak for no one.
    assert "N7" in fired(worst)
    assert {"M4", "L1"} & fired(worst) == set()


def test_the_all_worst_patient_does_not_reach_the_band_for_severe(worst):
    assert assess(worst).level is SEVERE
    assert BASE.band(assess(worst).score) is not SEVERE


def test_the_sickest_are_refused(worst):
    with pytest.raises(SymptomError, match=r"80\.\.100 %"):
        assess({**worst, "oxygen_level": 78})
