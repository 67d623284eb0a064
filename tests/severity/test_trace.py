import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope import severity
from pneumoscope.catalogue import to_sentence, to_sentences
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity import SYMPTOMS
from pneumoscope.severity.rule_base import Operator, load_rule_base

assess = partial(severity.assess, rule_base="baral2025")
BASE = load_rule_base("baral2025")
RULES = {rule.name: rule for rule in BASE.rules}
PATIENTS = st.fixed_dictionaries({n: st.floats(s.minimum, s.maximum) for n, s in SYMPTOMS.items()})


def explanation(patient, rule):
    return next(to_sentence(f.explanation) for f in assess(patient).fired if f.rule == rule)


@given(PATIENTS, st.floats(0, 1))
def test_every_fired_rule_is_told_once_and_none_else(patient, contribution):
    assessment = assess(patient, contribution=contribution)
    told = [
        m[1]
        for line in to_sentences(assessment.trace)
        if (m := re.match(r"(\w+) adds \d+ to ", line))
    ]
    assert told == [fired.rule for fired in assessment.fired]


@given(PATIENTS, st.floats(0, 1))
def test_sentences_are_plain(patient, contribution):
    for line in to_sentences(assess(patient, contribution=contribution).trace):
        assert "\n" not in line
        assert line.endswith(".")
        assert line[0].isupper()
        assert not re.search(r"\b(good|poor|average|theta|nan)\b", line)


@given(PATIENTS)
def test_explanations_name_what_decided(patient):
    for fired in assess(patient).fired:
        rule = RULES[fired.rule]
        held = len(re.findall(r" is (?:low|middle|high)", to_sentence(fired.explanation)))
        failed = len(re.findall(r" is not (?:low|middle|high)", to_sentence(fired.explanation)))
        total = len(rule.when)
        expected = {
            Operator.AND: held == total and failed == 0,
            Operator.OR: held >= 1 and failed == 0,
            Operator.XOR: held == 1 and failed == total - 1,
            Operator.NAND: held == 0 and failed >= 1,
        }
        assert expected[rule.operator], fired


def test_values_are_told_with_their_units(worst):
    patient = {**worst, "breathlessness": 0.9, "oxygen_level": 81.5, "fever_value": 41.2}
    assert "breathlessness 0.9 is high" in explanation(patient, "S1")
    assert "oxygen level 81.5 % is low" in explanation(patient, "S1")
    assert "fever value 41.2 °C is high" in explanation(patient, "S2")


def test_points_are_told(worst):
    assessment = assess(worst)
    line = next(line for line in to_sentences(assessment.trace) if line.startswith("Points"))
    told = {level: float(points) for level, points in re.findall(r"(\w+) (\d+)[,.]", line)}
    assert told == {level.value: points for level, points in assessment.scores.items()}


def test_the_images_share_is_told(worst):
    with_image = " ".join(to_sentences(assess(worst, contribution=0.248).trace))
    assert "The image adds 0.248 points" in with_image
    assert "cannot change their order" in with_image
    assert "The image adds nothing." in to_sentences(assess(worst).trace)


@given(PATIENTS, st.floats(0, 1))
def test_borderline_is_told_exactly_when_it_is(patient, contribution):
    assessment = assess(patient, contribution=contribution)
    told = [line for line in to_sentences(assessment.trace) if line.startswith("Borderline")]
    assert len(told) == assessment.borderline
    first, second = sorted(assessment.scores.values(), reverse=True)[:2]
    assert assessment.borderline == (first - second <= 2)
    assert any("tied" in line for line in told) == (first == second)


@given(PATIENTS)
def test_the_result_and_its_band_come_last(patient):
    assessment = assess(patient)
    last = to_sentence(assessment.trace[-1])
    assert last.startswith(f"Severity: {assessment.level}, with {assessment.score:g} points.")
    band = BASE.band(assessment.score)
    assert re.search(rf"would call {assessment.score:g} points {band} (as well|instead)\.$", last)
    assert last.endswith("as well.") == (band is assessment.level)


def test_the_worst_patients_points_fall_in_a_lower_band(worst):
    assert BASE.band(assess(worst).score) is SeverityLevel.MODERATE
    assert "would call 40 points moderate instead" in to_sentence(assess(worst).trace[-1])


def test_capped_values_are_told(worst):
    capped = "Fever duration 14 days counts as 10 days: this rule base covers 0 to 10."
    assert capped in to_sentences(assess({**worst, "fever_duration": 14}).trace)
    assert not any(
        "counts as" in line for line in to_sentences(assess({**worst, "fever_duration": 10}).trace)
    )


@pytest.mark.parametrize(("value", "silent"), [(0.3, True), (0.7, True), (0.5, False), (1, False)])
def test_values_that_no_set_covers_are_told(worst, value, silent):
    trace = to_sentences(assess({**worst, "fatigue": value}).trace)
    told = [line for line in trace if line.startswith("Counted as none") and "fatigue" in line]
    assert bool(told) == silent
