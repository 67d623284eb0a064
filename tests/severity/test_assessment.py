from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope import severity
from pneumoscope.errors import InputError, SymptomError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity import SYMPTOMS
from pneumoscope.severity.engine import evaluate
from pneumoscope.severity.rule_base import load_rule_base

assess = partial(severity.assess, rule_base="baral2025")
PATIENTS = st.fixed_dictionaries({n: st.floats(s.minimum, s.maximum) for n, s in SYMPTOMS.items()})
BASE = load_rule_base("baral2025")


def test_the_all_worst_patient_is_severe_with_exactly_forty_points(worst):
    assessment = assess(worst)
    assert assessment.level is SeverityLevel.SEVERE
    assert assessment.score == 40


@given(PATIENTS)
def test_no_image_and_no_share_are_the_same(patient):
    assert assess(patient, contribution=None) == assess(patient, contribution=0.0)


@given(PATIENTS, st.floats(0, 1))
def test_an_assessment_agrees_with_itself_and_the_engine(patient, contribution):
    assessment = assess(patient, contribution=contribution)
    row = evaluate(BASE, np.array([[patient[name] for name in BASE.inputs]]), contribution)
    assert list(assessment.scores) == list(assessment.adjusted) == list(SeverityLevel)
    assert list(assessment.scores.values()) == row.scores[0].tolist()
    assert list(assessment.adjusted.values()) == row.adjusted[0].tolist()
    assert assessment.score == assessment.scores[assessment.level]
    assert assessment.adjusted[assessment.level] == max(assessment.adjusted.values())
    for level in SeverityLevel:
        weights = [rule.weight for rule in assessment.fired if rule.level is level]
        assert sum(weights) == assessment.scores[level]
    order = [rule.name for rule in BASE.rules]
    fired = [rule.rule for rule in assessment.fired]
    assert fired == sorted(fired, key=order.index)


@given(PATIENTS, st.permutations(list(SYMPTOMS)))
def test_the_order_of_the_symptoms_does_not_matter(patient, order):
    assert assess({name: patient[name] for name in order}) == assess(patient)


def test_all_eleven_are_needed(worst):
    for name in SYMPTOMS:
        rest = {n: v for n, v in worst.items() if n != name}
        with pytest.raises(SymptomError, match=f"missing symptoms: {name};"):
            assess(rest)


def test_what_only_guideline_takes_is_refused_by_name(worst):
    measured = {**worst, "respiratory_rate": 20, "systolic_pressure": 120}
    words = "does not take respiratory_rate, systolic_pressure; leave that out, or use guideline"
    with pytest.raises(SymptomError, match=words):
        severity.assess(measured, rule_base="baral2025")
    with pytest.raises(SymptomError, match=words):
        severity.check_case(measured, rule_base="baral2025")


@pytest.mark.parametrize("contribution", [-1e-9, 1.0000001, float("nan"), float("inf")])
def test_contribution_outside_is_refused(worst, contribution):
    with pytest.raises(ValueError, match=r"outside 0\.\.1") as caught:
        assess(worst, contribution=contribution)
    assert not isinstance(caught.value, InputError)


def test_unknown_rule_base(worst):
    with pytest.raises(InputError, match="baral2025"):
        severity.assess(worst, rule_base="nothing")


@pytest.mark.parametrize(("name", "value"), [("fever_value", 101.0), ("wheeze", 0.5)])
def test_bad_symptoms_are_refused(worst, name, value):
    with pytest.raises(SymptomError, match=name):
        assess({**worst, name: value})
