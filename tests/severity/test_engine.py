"""The engine against a slow, exact, independent reading of Baral 2025, 3.3.5."""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.severity import SYMPTOMS
from pneumoscope.severity.engine import LEVELS, evaluate
from pneumoscope.severity.rule_base import Operator, load_rule_base, parse_rule_base

# The published rules in the paper's own words: poor is low, average is middle, good is high.
PUBLISHED = """
S1 AND breathlessness good, oxygen poor, confusion good
S2 OR fever_value good, fever_duration good, hemoptysis good, chest_pain good
S3 XOR fatigue good, appetite_loss good
S4 NAND sputum poor, cough poor
S5 AND breathlessness good, confusion good, fever_value poor
S6 OR fatigue good, chest_pain good, oxygen poor
S7 XOR breathlessness good, fever_value good, confusion good
S8 NAND sputum average, cough average
M1 AND breathlessness average, oxygen average, fever_value average
M2 OR cough good, sputum good, fatigue good
M3 XOR hemoptysis average, chest_pain average
M4 NOR confusion average, fever_duration average
M5 AND fever_value average, oxygen good
M6 OR breathlessness average, chest_pain average, fatigue average
M7 XOR fever_value average, confusion average
M8 NAND sputum average, cough average
L1 NOR confusion good, fever_duration good
L2 AND fever_value average, fever_duration poor
L3 OR cough average, sputum average, appetite_loss average
L4 XOR fever_value average, fatigue average
N1 AND oxygen good, fever_value poor, breathlessness poor
N2 OR cough poor, fever_value poor, chest_pain poor
N3 NAND fever_value good, cough good
N4 AND cough average, sputum poor, fever_value poor
N5 OR fever_value average, fever_duration poor, oxygen good
N6 XOR fever_value average, fatigue poor, breathlessness poor, cough poor
N7 NAND oxygen good, confusion good
"""
RULES = [
    (name, operator, [tuple(pair.split()) for pair in conditions.split(", ")])
    for name, operator, conditions in re.findall(r"(\w+) (\w+) (.+)", PUBLISHED)
]
SHORT = {"oxygen_level": "oxygen", "cough_severity": "cough", "sputum_production": "sputum"}
RANGE = {"fever_value": (35, 42), "fever_duration": (0, 10), "oxygen_level": (80, 100)}
LETTERS = "NLMS"
BASE = load_rule_base("baral2025")


def membership(theta, term):
    if term == "poor":
        return (Fraction(3, 10) - theta) / Fraction(3, 10) if theta <= Fraction(3, 10) else 0
    if term == "good":
        return (theta - Fraction(7, 10)) / Fraction(3, 10) if theta >= Fraction(7, 10) else 0
    return max(Fraction(0), 1 - abs(theta - Fraction(1, 2)) / Fraction(1, 5))


def plain(patient, contribution):
    """One patient (exact fractions): fired rules, points per level, with image, level, border."""
    theta = {}
    for name, value in patient.items():
        low, high = RANGE.get(name, (0, 1))
        theta[SHORT.get(name, name)] = min((value - low) / Fraction(high - low), Fraction(1))
    fired, points = set(), dict.fromkeys(LETTERS, 0)
    for name, operator, conditions in RULES:
        truths = [membership(theta[symptom], term) > Fraction(1, 2) for symptom, term in conditions]
        gain = 0
        if operator == "AND" and all(truths):
            gain = 10
        elif operator == "OR" and any(truths):
            gain = 8
        elif operator == "XOR" and truths.count(True) == 1:
            gain = 9
        elif operator == "NAND" and not all(truths):
            gain = 7
        if gain:
            fired.add(name)
            points[name[0]] += gain
    total = sum(points.values())
    adjusted = {k: v + Fraction(v, total) * contribution for k, v in points.items()}
    best = max(LETTERS, key=lambda k: (adjusted[k], LETTERS.index(k)))
    border = False
    for table in (points, adjusted):
        first, second = sorted(table.values(), reverse=True)[:2]
        border = border or first - second <= 2
    return fired, points, adjusted, best, border


def check_parity(patients, contributions):
    values = np.array([[float(value) for value in p.values()] for p in patients])
    result = evaluate(BASE, values, np.array([float(c) for c in contributions]))
    names = [rule.name for rule in BASE.rules]
    for i, (patient, contribution) in enumerate(zip(patients, contributions, strict=True)):
        fired, points, adjusted, best, border = plain(patient, contribution)
        assert {n for n, on in zip(names, result.fired[i], strict=True) if on} == fired
        assert result.scores[i].tolist() == [points[k] for k in LETTERS]
        assert result.adjusted[i] == pytest.approx([float(adjusted[k]) for k in LETTERS], abs=1e-9)
        assert LETTERS[result.winner[i]] == best
        assert result.borderline[i] == border


def test_columns_are_in_the_order_of_the_letters():
    assert [level.value for level in LEVELS] == ["negligible", "mild", "moderate", "severe"]


def test_parity_on_random_patients():
    rng = np.random.default_rng(3)
    low = [Fraction(s.minimum) for s in SYMPTOMS.values()]
    width = [Fraction(s.maximum - s.minimum) for s in SYMPTOMS.values()]
    patients = [
        {
            name: low[i] + width[i] * Fraction(k, 10_000)
            for i, (name, k) in enumerate(zip(SYMPTOMS, draws, strict=True))
        }
        for draws in rng.integers(0, 10_001, (2000, len(SYMPTOMS))).tolist()
    ]
    check_parity(patients, [Fraction(k, 1000) for k in rng.integers(0, 1001, 2000).tolist()])


def test_parity_at_and_beside_every_boundary():
    # Exact decimals on the edges of the sets: rounding must not let one in.
    edges = [Fraction(k, 100) for k in (0, 15, 30, 40, 50, 60, 70, 85, 100)]
    step = Fraction(1, 1000)
    thetas = sorted({e + d for e in edges for d in (-step, 0, step) if 0 <= e + d <= 1})
    rng = np.random.default_rng(4)
    patients = []
    for _ in range(3000):
        patient = {}
        for name in SYMPTOMS:
            low, high = RANGE.get(name, (0, 1))
            patient[name] = low + (high - low) * thetas[rng.integers(len(thetas))]
        patients.append(patient)
    check_parity(patients, [Fraction(248, 1000)] * len(patients))


@pytest.mark.parametrize("name", SYMPTOMS)
@pytest.mark.parametrize("percent", [15, 30, 40, 60, 70, 85])
def test_no_set_holds_on_its_own_edge(name, percent):
    low, high = RANGE.get(name, (0, 1))
    values = np.array([[s.minimum for s in SYMPTOMS.values()]])
    column = list(SYMPTOMS).index(name)
    values[0, column] = float(low + Fraction(high - low) * Fraction(percent, 100))
    truths = evaluate(BASE, values).truths
    assert not any(truths[name, term][0] for term in BASE.terms)


def test_long_fever_counts_as_ten_days(random_patients):
    values = random_patients(500, 5)
    column = list(SYMPTOMS).index("fever_duration")
    values[:, column] = 10
    longer = values.copy()
    longer[:, column] = np.linspace(10, 30, len(values))
    assert np.array_equal(evaluate(BASE, values).scores, evaluate(BASE, longer).scores)


def test_published_maxima_are_upper_bounds(random_patients):
    scores = evaluate(BASE, random_patients(50_000, 6)).scores
    assert (scores.max(axis=0) <= [59, 27, 51, 59]).all()


# One patient who reaches each level's maximum, so that the bounds above are tight.
EXTREMES = {
    "severe": (
        59,
        "breathlessness=1 confusion=1 oxygen_level=80 fever_value=35 fever_duration=10 fatigue=1 "
        "sputum_production=1 cough_severity=1",
    ),
    "moderate": (51, "fever_value=38.5 oxygen_level=100 fatigue=1 hemoptysis=.5 breathlessness=.5"),
    "mild": (27, "fever_value=38.5 appetite_loss=.5 oxygen_level=90"),
    "negligible": (59, "fever_value=35 oxygen_level=100 cough_severity=.5 fatigue=1"),
}


@pytest.mark.parametrize("level", EXTREMES)
def test_published_maxima_are_reached(level):
    maximum, text = EXTREMES[level]
    patient = {n: s.minimum for n, s in SYMPTOMS.items()}
    patient |= {n: float(v) for n, v in (pair.split("=") for pair in text.split())}
    scores = evaluate(BASE, np.array([list(patient.values())])).scores[0]
    assert scores[LEVELS.index(level)] == maximum


def test_rules_without_weight_never_fire(random_patients):
    values = random_patients(2000, 7)
    nor = [i for i, rule in enumerate(BASE.rules) if rule.operator is Operator.NOR]
    assert not evaluate(BASE, values).fired[:, nor].any()
    weighted = replace(BASE, weights={**BASE.weights, Operator.NOR: 1.0})
    assert evaluate(weighted, values).fired[:, nor].any(axis=0).all()


def test_the_weight_of_the_text_can_be_tried(random_patients):
    values = random_patients(2000, 8)
    text = replace(BASE, weights={**BASE.weights, Operator.OR: 5.0})
    code = evaluate(BASE, values)
    ors = np.array([rule.operator is Operator.OR for rule in BASE.rules])
    fewer = 3 * (code.fired & ors).sum(axis=1)
    assert np.array_equal(
        evaluate(text, values).scores.sum(axis=1), code.scores.sum(axis=1) - fewer
    )


@given(
    seed=st.integers(0, 2**32),
    first=st.floats(0, 1),
    second=st.floats(0, 1),
)
def test_contributions_belong_to_their_own_case(seed, first, second):
    values = np.random.default_rng(seed).uniform(
        [s.minimum for s in SYMPTOMS.values()], [s.maximum for s in SYMPTOMS.values()], (2, 11)
    )
    both = evaluate(BASE, values, np.array([first, second]))
    for row, contribution in enumerate((first, second)):
        alone = evaluate(BASE, values[row : row + 1], contribution)
        assert np.array_equal(alone.adjusted[0], both.adjusted[row])
        added = alone.adjusted[0].sum() - alone.scores[0].sum()
        assert added == pytest.approx(contribution, abs=1e-9)


def tiny(*levels):
    """A base whose every rule fires on high fatigue, with 10 points for its level."""
    rules = [
        {"name": level, "level": level, "operator": "AND", "when": ["fatigue is high"]}
        for level in levels
    ]
    data = {
        "inputs": {"fatigue": [0, 1]},
        "terms": {"high": [[0.7, 0], [1, 1]]},
        "cut": 0.5,
        "weights": {"AND": 10, "OR": 0, "XOR": 0, "NAND": 0, "NOR": 0},
        "bands": {"mild": 10, "moderate": 25, "severe": 40},
        "margin": 2,
        "rules": rules,
    }
    return parse_rule_base(yaml.safe_dump(data, sort_keys=False), "tiny")


def test_without_any_point_the_image_adds_nothing():
    result = evaluate(tiny("mild"), np.array([[0.0], [1.0]]), 0.5)
    assert result.adjusted[0].tolist() == [0, 0, 0, 0]
    assert result.adjusted[1].tolist() == [0, 10.5, 0, 0]


@pytest.mark.parametrize(
    ("pair", "winner"),
    [(("mild", "severe"), "severe"), (("moderate", "negligible"), "moderate")],
)
def test_ties_go_to_the_more_severe(pair, winner):
    for rules in (pair, pair[::-1]):
        result = evaluate(tiny(*rules), np.array([[1.0]]), 0.7)
        assert LEVELS[result.winner[0]] == winner
        assert result.borderline[0]
