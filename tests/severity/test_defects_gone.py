"""Each known defect of the published rule base, shown beside its answer in `guideline`.

`test_published_defects.py` shows them one by one in `baral2025` and how far they reach.
"""

from functools import partial

import numpy as np
import pytest

from pneumoscope.errors import SymptomError
from pneumoscope.findings import PatientContext, SeverityLevel
from pneumoscope.severity import INPUTS, SYMPTOMS, assess
from pneumoscope.severity.engine import evaluate
from pneumoscope.severity.guideline_base import guideline_for
from pneumoscope.severity.guideline_engine import evaluate_guideline
from pneumoscope.severity.rule_base import load_rule_base

NEGLIGIBLE, MILD, MODERATE, SEVERE = LEVELS = tuple(SeverityLevel)
published = partial(assess, rule_base="baral2025")
guideline = partial(assess, patient=PatientContext(40, "F"))
HEALTHY = dict.fromkeys(SYMPTOMS, 0.0) | {"fever_value": 36.8, "oxygen_level": 98.0}
ADULT, BARAL = guideline_for(40), load_rule_base("baral2025")


def rows(values):
    """The published inputs in the order of the guideline's; the rest is not known."""
    names = list(SYMPTOMS)
    columns = [
        values[:, names.index(name)] if name in names else np.full(len(values), np.nan)
        for name in ADULT.measured
    ]
    return np.stack(columns, axis=1)


def test_the_image_decides_a_borderline_case():
    cough = HEALTHY | {"cough_severity": 0.5}
    shares = (published(cough, contribution=c) for c in (0.0, 1.0))
    assert len({one.level for one in shares}) == 1
    images = (guideline(cough, probabilities={"PNEUMONIA": p}) for p in (0.0, 1.0))
    assert [one.level for one in images] == [NEGLIGIBLE, MILD]


def test_no_value_of_an_input_is_dead():
    """A theta of 0.3 or 0.7 belongs to a set, and what is between the sets is between them."""
    baral = evaluate(BARAL, np.array([[0.3] * 8 + [37.1, 3, 86]]))
    assert not any(baral.truths[key][0] for key in baral.truths)
    for theta in np.linspace(0, 1, 201):
        symptoms = {
            name: SYMPTOMS[name].minimum + theta * (SYMPTOMS[name].maximum - SYMPTOMS[name].minimum)
            for name in SYMPTOMS
        }
        for graded in guideline(symptoms).inputs:
            assert sum(graded.memberships.values()) == pytest.approx(1)
            assert min(graded.memberships.values()) >= 0


def test_a_hair_more_never_makes_the_score_jump():
    def scores(give, one):
        near = (one | {"chest_pain": v} for v in (0.85, 0.8501))
        return [give(symptoms) for symptoms in near]

    old = [one.scores[SEVERE] for one in scores(published, HEALTHY)]
    assert old[1] - old[0] == 16
    values = np.tile(list(HEALTHY.values()), (10_001, 1))
    for column, name in enumerate(SYMPTOMS):
        low, high = SYMPTOMS[name].minimum, SYMPTOMS[name].maximum
        sweep = values.copy()
        sweep[:, column] = np.linspace(low, high, len(sweep))
        score = evaluate_guideline(ADULT, rows(sweep)).score
        assert np.abs(np.diff(score)).max() < 0.02


def test_the_sickest_are_not_refused():
    sick = HEALTHY | {"oxygen_level": 75.0}
    with pytest.raises(SymptomError):
        published(sick)
    assert guideline(sick).level is SEVERE


def test_absence_of_illness_speaks_for_nothing():
    assert {"S8", "M8"} <= {rule.rule for rule in published(HEALTHY).fired}
    assert [rule.rule for rule in guideline(HEALTHY).fired] == ["N0"]


def test_a_second_sign_never_lowers_the_score():
    tired = HEALTHY | {"fatigue": 1.0}
    both = tired | {"appetite_loss": 1.0}
    assert published(both).scores[SEVERE] < published(tired).scores[SEVERE]
    assert guideline(both).score >= guideline(tired).score
    # Of 20,000 random pairs of a patient and one who is worse in everything, none falls.
    rng = np.random.default_rng(5)
    low = np.array([s.minimum for s in SYMPTOMS.values()])
    high = np.array([s.maximum for s in SYMPTOMS.values()])
    worst = np.array([s.maximum if s.worse == "high" else s.minimum for s in SYMPTOMS.values()])
    better = rng.uniform(low, high, (20_000, len(low)))
    column = list(SYMPTOMS).index("fever_value")
    better[:, column] = rng.uniform(37, 42, len(better))  # a fever; a chill is worse downwards
    worse = better + rng.uniform(0, 1, better.shape) * (worst - better)
    new = [evaluate_guideline(ADULT, rows(values)).score for values in (better, worse)]
    assert (new[1] >= new[0]).all()
    old = [evaluate(BARAL, values).winner for values in (better, worse)]
    assert (old[1] < old[0]).any()


def test_rules_say_what_they_do():
    """N7 gives the sickest points for negligible; no rule of the guideline speaks for it."""
    worst = {n: s.maximum if s.worse == "high" else s.minimum for n, s in SYMPTOMS.items()}
    assert "N7" in {rule.rule for rule in published(worst).fired}
    result = guideline(worst)
    assert result.level is SEVERE
    assert {rule.level for rule in result.fired} == {MILD, MODERATE, SEVERE}
    assert result.score == 3
    assert all(rule.because for rule in result.fired)


def test_every_level_exists():
    """Between a healthy and the worst adult every level is met, none on less than a hundredth."""
    rng = np.random.default_rng(6)
    worst = np.array([s.maximum if s.worse == "high" else s.minimum for s in SYMPTOMS.values()])
    healthy = np.array(list(HEALTHY.values()))
    # How ill each patient is as a whole, and how far each sign follows.
    ill = rng.beta(1, 4, (20_000, 1)) * rng.uniform(0, 1, (20_000, len(worst)))
    values = healthy + ill * (worst - healthy)
    share = np.bincount(evaluate_guideline(ADULT, rows(values)).level, minlength=4) / len(values)
    assert share.min() > 0.01
    old = np.bincount(evaluate(BARAL, values).winner, minlength=4) / len(values)
    assert old[LEVELS.index(MILD)] < 0.01


def test_a_confident_mistake_of_the_image_does_not_make_the_healthy_ill():
    certain = {"PNEUMONIA": 1.0, "ABNORMAL": 0.0, "NORMAL": 0.0}
    raised = published(HEALTHY, contribution=0.75)
    assert sum(raised.adjusted.values()) > sum(raised.scores.values())
    result = guideline(HEALTHY, probabilities=certain)
    assert (result.level, result.score) == (NEGLIGIBLE, 0)


def test_there_are_fuzzy_degrees():
    """The published rules are true or false; those of the guideline are true to a degree."""
    some = HEALTHY | {"confusion": 0.2}
    assert {rule.strength for rule in published(some).fired} == {1.0}
    assert guideline(some).scores[MODERATE] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "value"), [("respiratory_rate", 32), ("systolic_pressure", 80), ("urea", 9)]
)
def test_what_the_guidelines_rest_on_is_an_input(name, value):
    with pytest.raises(SymptomError, match="does not take"):
        published(HEALTHY | {name: value})
    assert name in INPUTS
    others = {"respiratory_rate": 32, "systolic_pressure": 80, "urea": 9}
    two = HEALTHY | {"confusion": 0.5} | dict([next(i for i in others.items() if i[0] != name)])
    assert guideline(two | {name: value}).level is SEVERE  # three points of CURB-65
    assert guideline(two).level is MODERATE


def test_age_is_an_input_and_children_have_rules_of_their_own():
    ill = HEALTHY | {"cough_severity": 0.5, "sputum_production": 0.5, "fever_value": 38.5}
    assert published(ill, patient=PatientContext(3)) == published(ill, patient=PatientContext(80))
    young, old, child = (assess(ill, patient=PatientContext(age)) for age in (30, 80, 3))
    assert (young.level, old.level) == (MILD, MODERATE)
    assert child.trace[0] != young.trace[0]


def test_an_underrated_adult_is_no_longer_negligible():
    """The case that `baral2025` calls negligible: feverish, breathless, SpO2 92 %."""
    ill = {
        **HEALTHY,
        "breathlessness": 0.5,
        "sputum_production": 0.6,
        "fatigue": 0.6,
        "appetite_loss": 0.5,
        "confusion": 0.1,
        "chest_pain": 0.4,
        "cough_severity": 0.7,
        "fever_value": 38.7,
        "fever_duration": 4.0,
        "oxygen_level": 92.0,
    }
    assert published(ill).level is NEGLIGIBLE
    assert guideline(ill).level is MODERATE
