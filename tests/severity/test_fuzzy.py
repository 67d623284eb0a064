"""Fuzzy operators against plain logic, and whole systems against the library simpful."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.severity import SYMPTOMS
from pneumoscope.severity.engine import evaluate
from pneumoscope.severity.fuzzy import (
    Clause,
    FuzzyRule,
    FuzzySystem,
    TNorm,
    at_least,
    centroid,
    conjunction,
    ordered,
    ramps,
    strongest,
    total_points,
    truth,
    weighted_average,
)
from pneumoscope.severity.rule_base import Operator, load_rule_base

TRUTHS = st.lists(st.floats(0, 1), min_size=1, max_size=5)
every_norm = pytest.mark.parametrize("norm", TNorm)
PLAIN = {
    Operator.AND: all,
    Operator.OR: any,
    Operator.XOR: lambda bits: sum(bits) == 1,
    Operator.NAND: lambda bits: not all(bits),
    Operator.NOR: lambda bits: not any(bits),
}


@every_norm
@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_on_true_and_false_it_is_plain_logic(norm, operator, count):
    for number in range(2**count):
        bits = [bool(number >> i & 1) for i in range(count)]
        result = truth(operator, np.array(bits, float)[None], norm)[0]
        assert result == float(PLAIN[operator](bits)), bits


@every_norm
@given(truths=TRUTHS, raised=st.floats(0, 1))
def test_conjunction_is_a_t_norm(norm, truths, raised):
    row = np.array(truths)
    joined = conjunction(row, norm)
    assert 0 <= joined <= row.min() + 1e-12
    assert conjunction(np.append(row, 1.0), norm) == pytest.approx(joined)
    assert conjunction(row[::-1], norm) == pytest.approx(joined)
    more = row.copy()
    more[0] = max(more[0], raised)
    assert conjunction(more, norm) >= joined - 1e-12


@every_norm
@given(truths=TRUTHS, data=st.data())
def test_at_least_so_many_hold(norm, truths, data):
    row = np.array(truths)
    need = data.draw(st.integers(1, len(row)))
    result = strongest(row, need, norm)
    assert result == pytest.approx(conjunction(np.sort(row)[::-1][:need], norm))
    bits = (row > 0.5).astype(float)
    assert strongest(bits, need, norm) == float(bits.sum() >= need)
    if need < len(row):
        assert strongest(row, need + 1, norm) <= result + 1e-12


@pytest.mark.parametrize(
    ("slopes", "fine"),
    [
        ([(1, 2), (2, 3)], True),
        ([(9, 8), (7, 5)], True),
        ([(1, 2), (1.5, 3)], False),
        ([(1, 2), (5, 3)], False),
        ([(2, 2)], False),
    ],
)
def test_slopes_that_make_a_partition(slopes, fine):
    assert ordered(slopes) == fine


def test_slopes_rise_fall_and_miss():
    values = np.array([[0.0, 0.0], [1.0, 1.0], [3.0, 3.0], [np.nan, np.nan]])
    result = ramps(values, np.array([0.0, 2.0]), np.array([2.0, 0.0]))
    assert result.tolist() == [[0, 1], [0.5, 0.5], [1, 0], [0, 0]]


@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=5))
def test_at_least_is_the_best_of_this_and_worse(rows):
    result = at_least(np.array(rows))
    for given_row, row in zip(rows, result, strict=True):
        assert row.tolist() == [max(given_row[i:]) for i in range(4)]


def test_points_of_true_conditions_are_those_of_the_published_engine():
    base = load_rule_base("baral2025")
    low = [s.minimum for s in SYMPTOMS.values()]
    high = [s.maximum for s in SYMPTOMS.values()]
    values = np.random.default_rng(7).uniform(low, high, (500, len(low)))
    result = evaluate(base, values)
    firing = np.zeros_like(result.fired, dtype=float)
    gains = np.zeros((len(base.rules), 4))
    for i, rule in enumerate(base.rules):
        held = np.stack([result.truths[c.symptom, c.term] for c in rule.when], -1).astype(float)
        firing[:, i] = truth(rule.operator, held)
        gains[i, "NLMS".index(rule.name[0])] = base.weights[rule.operator]
    assert np.array_equal(total_points(firing, gains), result.scores)


TERMS = {
    "low": [(0, 1), (0.5, 0)],
    "middle": [(0, 0), (0.5, 1), (1, 0)],
    "high": [(0.5, 0), (1, 1)],
}
OUTPUTS = {"mild": [(0, 1), (5, 0)], "medium": [(0, 0), (5, 1), (10, 0)], "bad": [(5, 0), (10, 1)]}
RULES = (
    FuzzyRule(Operator.AND, (Clause("a", "low"), Clause("b", "low")), "mild"),
    FuzzyRule(Operator.OR, (Clause("a", "middle"), Clause("b", "middle")), "medium"),
    FuzzyRule(Operator.OR, (Clause("a", "high"), Clause("b", "high")), "bad"),
    FuzzyRule(Operator.AND, (Clause("a", "high"), Clause("b", "low", negated=True)), "bad"),
)
SYSTEM = FuzzySystem({"a": TERMS, "b": TERMS}, OUTPUTS, RULES)


def oracle(outputs):
    """The same system in simpful; `outputs` are its sets or its crisp values."""
    simpful = pytest.importorskip("simpful")
    system = simpful.FuzzySystem(show_banner=False, verbose=False)
    for name in ("a", "b"):
        sets = [simpful.FuzzySet(points=points, term=term) for term, points in TERMS.items()]
        system.add_linguistic_variable(name, simpful.LinguisticVariable(sets))
    if isinstance(next(iter(outputs.values())), list):
        sets = [simpful.FuzzySet(points=points, term=term) for term, points in outputs.items()]
        system.add_linguistic_variable(
            "out", simpful.LinguisticVariable(sets, universe_of_discourse=[0, 10])
        )
    else:
        for term, value in outputs.items():
            system.set_crisp_output_value(term, value)
    texts = []
    for rule in RULES:
        parts = [
            f"(NOT ({c.column} IS {c.term}))" if c.negated else f"({c.column} IS {c.term})"
            for c in rule.when
        ]
        texts.append(f"IF {f' {rule.operator} '.join(parts)} THEN (out IS {rule.then})")
    system.add_rules(texts)
    return system


def cases():
    return np.random.default_rng(8).uniform(0, 1, (60, 2))


def test_the_centroid_is_simpfuls():
    system, values = oracle(OUTPUTS), cases()
    ours = centroid(SYSTEM.activation(values), OUTPUTS)
    for row, result in zip(values, ours, strict=True):
        system.set_variable("a", row[0])
        system.set_variable("b", row[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = system.Mamdani_inference(["out"], subdivisions=4000)["out"]
        assert result == pytest.approx(expected, abs=5e-3)


def test_the_weighted_average_is_simpfuls():
    centres = {"mild": 0.0, "medium": 5.0, "bad": 10.0}
    system, values = oracle(centres), cases()
    # Sugeno's average counts every rule, so the rules and not the terms carry the weights.
    firing = SYSTEM.firing(values)
    ours = weighted_average(firing, np.array([centres[rule.then] for rule in RULES]))
    for row, result in zip(values, ours, strict=True):
        system.set_variable("a", row[0])
        system.set_variable("b", row[1])
        expected = system.Sugeno_inference(["out"])["out"]
        assert result == pytest.approx(expected, abs=1e-9)


def test_where_nothing_fires_there_is_no_number():
    nothing = np.zeros((1, 3))
    assert np.isnan(centroid(nothing, OUTPUTS)).all()
    assert np.isnan(weighted_average(nothing, np.array([0.0, 5.0, 10.0]))).all()


def test_a_mean_is_not_monotone_and_at_least_is():
    """Why `guideline` adds up at_least: a newly firing mild rule drags a centroid down."""
    without = np.array([[0.0, 0.0, 1.0]])
    with_mild = np.array([[1.0, 0.0, 1.0]])
    assert centroid(with_mild, OUTPUTS) < centroid(without, OUTPUTS)
    assert at_least(with_mild).sum() >= at_least(without).sum()


def test_weights_scale_a_rule():
    half = FuzzyRule(Operator.OR, (Clause("a", "high"), Clause("b", "high")), "bad", 0.5)
    system = FuzzySystem({"a": TERMS, "b": TERMS}, OUTPUTS, (half,))
    assert system.firing(np.array([[1.0, 0.0]])).tolist() == [[0.5]]
    assert system.activation(np.array([[1.0, 0.0]])).tolist() == [[0, 0, 0.5]]
