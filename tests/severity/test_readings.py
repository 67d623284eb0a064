"""The other published readings of `baral2025`: OR 5, the rules as drawn, equations 13 and 14."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentence, to_sentences
from pneumoscope.errors import InputError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity import SYMPTOMS, assess, identify_rule_base, rule_bases
from pneumoscope.severity.engine import LEVELS, evaluate
from pneumoscope.severity.rule_base import (
    Operator,
    load_rule_base,
    parse_rule_base,
    rule_base_sources,
)

PROGRAM = load_rule_base("baral2025")
NAMES = ("baral2025-average", "baral2025-drawn", "baral2025-max", "baral2025-or5")
BASES = {name: load_rule_base(name) for name in NAMES}
PATIENTS = st.fixed_dictionaries({n: st.floats(s.minimum, s.maximum) for n, s in SYMPTOMS.items()})
HEALTHY = {n: s.minimum if s.worse == "high" else s.maximum for n, s in SYMPTOMS.items()}
# The rules as drawn that differ from the program's: manuscript of March 2025, Figure 2.
DRAWN = {
    "S4": "NAND sputum_production good, cough_severity good",
    "M2": "OR cough_severity average, sputum_production average, fatigue average",
    "L1": "NOR confusion average, fever_duration average",
    "N3": "NAND fever_value poor, cough_severity poor",
    "N4": "AND fever_value average, oxygen_level good, fever_duration poor",
    "N5": "OR fever_value average, fever_duration average, oxygen_level good",
    "N7": "NOR confusion average, fever_duration average",
}
WORDS = {"low": "poor", "middle": "average", "high": "good"}


def row(patient):
    return np.array([[patient[name] for name in PROGRAM.inputs]])


def written(rule):
    conditions = ", ".join(f"{c.symptom} {WORDS[c.term]}" for c in rule.when)
    return f"{rule.operator} {conditions}"


def membership(base, name, value, term):
    """Baral 2025, Table 5, in plain words; 0..1."""
    low, high = base.inputs[name]
    theta = min(max((value - low) / (high - low), 0), 1)
    shapes = {"low": (0.3 - theta) / 0.3, "high": (theta - 0.7) / 0.3}
    return max(0.0, shapes.get(term, 1 - abs(theta - 0.5) / 0.2))


def plain_strength(base, rule, patient):
    truths = [membership(base, c.symptom, patient[c.symptom], c.term) for c in rule.when]
    alone = [
        min([truth, *(1 - other for j, other in enumerate(truths) if j != i)])
        for i, truth in enumerate(truths)
    ]
    strength = {
        Operator.AND: min(truths),
        Operator.OR: max(truths),
        Operator.XOR: max(alone),
        Operator.NAND: max(1 - truth for truth in truths),
        Operator.NOR: min(1 - truth for truth in truths),
    }
    return strength[rule.operator]


def plain_scores(base, patient):
    scores = []
    for level in LEVELS:
        rules = [rule for rule in base.rules if rule.level is level]
        weights = [base.weights[rule.operator] for rule in rules]
        points = [w * plain_strength(base, r, patient) for w, r in zip(weights, rules, strict=True)]
        average = base.name == "baral2025-average"
        scores.append(sum(points) / sum(weights) if average else max(points))
    return scores


def test_every_reading_can_be_chosen():
    assert rule_bases() == ("guideline", "baral2025", *NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_version_of_a_reading_is_that_of_both_files(name):
    own, origin = rule_base_sources(name)
    assert "varies: baral2025" in own
    assert origin == rule_base_sources("baral2025")[0]
    assert identify_rule_base(name).split("@")[1] != identify_rule_base("baral2025").split("@")[1]


def test_the_version_of_the_programs_base_is_that_of_its_file_alone():
    (text,) = rule_base_sources("baral2025")
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert identify_rule_base("baral2025") == f"baral2025@{version}"


def test_exactly_the_seven_drawn_rules_differ():
    pairs = zip(PROGRAM.rules, BASES["baral2025-drawn"].rules, strict=True)
    differing = {drawn.name: written(drawn) for rule, drawn in pairs if rule != drawn}
    assert differing == DRAWN
    for name in set(NAMES) - {"baral2025-drawn"}:
        assert BASES[name].rules == PROGRAM.rules


@pytest.mark.parametrize("name", ["baral2025-average", "baral2025-max", "baral2025-or5"])
def test_the_texts_weights(name):
    weights = BASES[name].weights
    assert (weights[Operator.AND], weights[Operator.OR]) == (10, 5)
    others = (Operator.XOR, Operator.NAND, Operator.NOR)
    assert [weights[o] for o in others] == [PROGRAM.weights[o] for o in others]


def test_only_by_the_manuscripts_table_forty_points_are_severe():
    for name in ("baral2025", *NAMES):
        drawn = name == "baral2025-drawn"
        at_forty = SeverityLevel.SEVERE if drawn else SeverityLevel.MODERATE
        assert load_rule_base(name).band(40) is at_forty
        assert load_rule_base(name).band(40.01) is SeverityLevel.SEVERE
        assert load_rule_base(name).band(39.99) is SeverityLevel.MODERATE
    said = {name: to_sentence(assess(HEALTHY, rule_base=name).trace[-1]) for name in NAMES}
    assert "severe from 40" in said["baral2025-drawn"]
    assert "severe above 40" in said["baral2025-or5"]


@given(PATIENTS)
def test_or_5_takes_three_points_for_each_or_rule_that_fires(patient):
    program, text = (evaluate(base, row(patient)) for base in (PROGRAM, BASES["baral2025-or5"]))
    assert np.array_equal(program.fired, text.fired)
    for index, level in enumerate(LEVELS):
        ors = [rule.level is level and rule.operator is Operator.OR for rule in PROGRAM.rules]
        fewer = 3 * program.fired[0, ors].sum()
        assert text.scores[0, index] == program.scores[0, index] - fewer


@given(PATIENTS, st.sampled_from(["baral2025-max", "baral2025-average"]))
def test_the_equations_against_a_plain_reading(patient, name):
    base = BASES[name]
    found = evaluate(base, row(patient))
    assert found.scores[0] == pytest.approx(plain_scores(base, patient), abs=1e-6)


@given(PATIENTS, st.floats(0, 1))
def test_no_equation_reaches_the_bands_that_are_published_beside_it(patient, contribution):
    for name, most, bands in (
        ("baral2025-max", 10, {"negligible", "mild"}),
        ("baral2025-average", 1, {"negligible"}),
    ):
        found = assess(patient, contribution=contribution, rule_base=name)
        assert 0 <= found.score <= most
        assert BASES[name].band(found.score) in bands
    assert found.borderline  # no two averages are more than the margin apart


@pytest.mark.parametrize("name", ["baral2025-max", "baral2025-average"])
def test_of_true_and_false_alone_the_fuzzy_operators_are_those_of_logic(name):
    # At these places every membership is 0 or 1, by the cut and without it.
    rng = np.random.default_rng(0)
    thetas = rng.choice([0.0, 0.3, 0.5, 1.0], (500, len(PROGRAM.inputs)))
    ends = np.array(list(PROGRAM.inputs.values()))
    values = ends[:, 0] + thetas * (ends[:, 1] - ends[:, 0])
    assert np.allclose(
        evaluate(BASES[name], values).strengths, evaluate(PROGRAM, values).fired, atol=1e-9
    )


@given(PATIENTS, st.floats(0, 1))
def test_in_no_reading_does_the_image_change_the_level(patient, contribution):
    for name in NAMES:
        alone = assess(patient, rule_base=name)
        assert assess(patient, contribution=contribution, rule_base=name).level is alone.level


def test_equation_13_by_hand():
    # 40 °C is theta 5/7, so high to 1/21; 0.9 is high to 2/3. S1 needs the least of three: oxygen
    # 83 % is theta 0.15, low to 0.5.
    patient = {**HEALTHY, "breathlessness": 0.9, "confusion": 0.9, "oxygen_level": 83.0}
    patient |= {"fever_value": 40.0}
    found = assess(patient, rule_base="baral2025-max")
    strength = {rule.rule: rule.strength for rule in found.fired}
    assert strength["S1"] == pytest.approx(0.5)
    assert strength["S2"] == pytest.approx(1 / 21)
    assert strength["S7"] == pytest.approx(1 / 3)  # high to 2/3, but two of the three are
    assert "S5" not in strength  # a fever of 40 °C is not low at all
    # S8 is the strongest for severe: nothing is coughed up, so NAND is wholly true; 7 points.
    assert found.scores[SeverityLevel.SEVERE] == pytest.approx(7)
    # Mild: L1 is NOR, L2 to L4 have no middle of anything.
    assert found.scores[SeverityLevel.MILD] == 0
    # Negligible: N2 has chest pain low to 1 (5 points), N3 and N7 are NAND and wholly or 1 true.
    assert found.scores[SeverityLevel.NEGLIGIBLE] == pytest.approx(7)
    assert found.level is SeverityLevel.SEVERE  # the tie goes to the more severe


def test_equation_14_by_hand():
    # Weights of the severe rules: S1 10, S2 5, S3 9, S4 7, S5 10, S6 5, S7 9, S8 7, together 62.
    # Of a healthy patient without a cough only S8 (NAND of middle) is true: 7 / 62.
    found = assess({**HEALTHY, "fever_value": 37.0}, rule_base="baral2025-average")
    assert found.scores[SeverityLevel.SEVERE] == pytest.approx(7 / 62)
    # Moderate: 10 5 9 0 10 5 9 7, together 55; M8 is as S8.
    assert found.scores[SeverityLevel.MODERATE] == pytest.approx(7 / 55)
    assert found.scores[SeverityLevel.MILD] == 0


@given(PATIENTS, st.sampled_from(NAMES))
def test_the_trace_tells_every_rule_and_reads_as_a_sentence(patient, name):
    found = assess(patient, rule_base=name)
    for rule in found.fired:
        assert 0 < rule.strength <= 1
        told = [line for line in to_sentences(found.trace) if line.startswith(f"{rule.rule} ")]
        assert len(told) == 1
        assert to_sentence(rule.explanation) in told[0]
    assert all(line[0].isupper() and line.endswith(".") for line in to_sentences(found.trace))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("varies: baral2025\nrules:\n  - {name: S99, level: severe}", "S99"),
        ("varies: baral2025\nrules: [S1]", "no such rule"),
        ("varies: baral2025\nrules: {S1: 1}", "no such rule"),
        ("varies: nothing", "unknown rule base 'nothing'"),
        ("varies: baral2025\naggregation: median", "aggregation"),
        ("varies: baral2025\nsevere_at_bound: perhaps", "severe_at_bound"),
        ("varies: baral2025\ncut: 1", "cut"),
        ("varies: baral2025\ncolour: 1", "colour"),
    ],
)
def test_a_bad_variation_names_the_fault(text, named):
    with pytest.raises(InputError, match=named):
        parse_rule_base(text, "mine")


@pytest.mark.parametrize("origin", ["baral2025", "baral2025-or5"])
def test_a_variation_of_nothing_is_the_same(origin):
    assert parse_rule_base(f"varies: {origin}", origin) == load_rule_base(origin)
