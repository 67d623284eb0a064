"""One fuzzy system in this package, simpful and scikit-fuzzy, in the same run.

    python bench/severity.py --cases 300

Two inputs, four rules (one of them with a NOT), Mamdani, centroid. The answers are compared first.
Then the `guideline` rules are timed over many patients at once, and one whole assessment.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median

import numpy as np
import simpful
import skfuzzy
from skfuzzy import control

from pneumoscope.findings import PatientContext
from pneumoscope.severity import SYMPTOMS, assess
from pneumoscope.severity.fuzzy import Array, Clause, FuzzyRule, FuzzySystem, centroid
from pneumoscope.severity.guideline_base import guideline_for
from pneumoscope.severity.guideline_engine import evaluate_guideline
from pneumoscope.severity.rule_base import Operator

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
GRID = 4001


def ours(values: Array) -> Array:
    system = FuzzySystem({"a": TERMS, "b": TERMS}, OUTPUTS, RULES)
    return centroid(system.activation(values), OUTPUTS)


def with_simpful(values: Array) -> Array:
    system = simpful.FuzzySystem(show_banner=False, verbose=False)
    for name, terms in (("a", TERMS), ("b", TERMS), ("out", OUTPUTS)):
        sets = [simpful.FuzzySet(points=points, term=term) for term, points in terms.items()]
        ends = [0, 10] if name == "out" else [0, 1]
        system.add_linguistic_variable(
            name, simpful.LinguisticVariable(sets, universe_of_discourse=ends)
        )
    system.add_rules(
        [
            "IF (a IS low) AND (b IS low) THEN (out IS mild)",
            "IF (a IS middle) OR (b IS middle) THEN (out IS medium)",
            "IF (a IS high) OR (b IS high) THEN (out IS bad)",
            "IF (a IS high) AND (NOT (b IS low)) THEN (out IS bad)",
        ]
    )
    answers = []
    for a, b in values:
        system.set_variable("a", a)
        system.set_variable("b", b)
        answers.append(system.Mamdani_inference(["out"], subdivisions=GRID - 1)["out"])
    return np.array(answers)


def with_skfuzzy(values: Array) -> Array:
    inputs = [control.Antecedent(np.linspace(0, 1, 201), name) for name in ("a", "b")]
    out = control.Consequent(np.linspace(0, 10, GRID), "out")
    for variable, terms in ((inputs[0], TERMS), (inputs[1], TERMS), (out, OUTPUTS)):
        for term, points in terms.items():
            at, degree = zip(*points, strict=True)
            variable[term] = np.interp(variable.universe, at, degree)
    a, b = inputs
    rules = [
        control.Rule(a["low"] & b["low"], out["mild"]),
        control.Rule(a["middle"] | b["middle"], out["medium"]),
        control.Rule(a["high"] | b["high"], out["bad"]),
        control.Rule(a["high"] & ~b["low"], out["bad"]),
    ]
    # No cache of repeated inputs: there are none.
    simulation = control.ControlSystemSimulation(control.ControlSystem(rules), cache=False)
    answers = []
    for one in values:
        simulation.input["a"], simulation.input["b"] = one
        simulation.compute()
        answers.append(simulation.output["out"])
    return np.array(answers)


def timed(work: Callable[[Array], object], values: Array, repeats: int) -> float:
    """Median seconds per case."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(values)
        times.append((time.perf_counter() - start) / len(values))
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    values = np.random.default_rng(0).uniform(0, 1, (options.cases, 2))
    expected = ours(values)
    base = timed(ours, values, options.repeats)
    print(f"{options.cases} cases, the same grid of {GRID} points")
    print(f"pneumoscope: {base * 1e6:.0f} us a case")
    libraries = {
        f"simpful {simpful.__version__}" if hasattr(simpful, "__version__") else "simpful": (
            with_simpful
        ),
        f"scikit-fuzzy {skfuzzy.__version__}": with_skfuzzy,
    }
    for name, work in libraries.items():
        apart = np.abs(work(values) - expected).max()
        slower = timed(work, values, options.repeats) / base
        print(f"{name}: {slower:.0f} times as long, answers at most {apart:.4f} apart")
    rules = guideline_for(50)
    low = [s.minimum for s in SYMPTOMS.values()]
    high = [s.maximum for s in SYMPTOMS.values()]
    drawn = np.random.default_rng(1).uniform(low, high, (10_000, len(low)))
    names = list(SYMPTOMS)
    full = np.full((len(drawn), len(rules.measured)), np.nan)
    for column, name in enumerate(rules.measured):
        if name in names:
            full[:, column] = drawn[:, names.index(name)]
    many = timed(lambda rows: evaluate_guideline(rules, rows), full, options.repeats)
    print(f"guideline, 10,000 patients at once: {many * 1e6:.1f} us a patient")
    patient = dict(zip(names, drawn[0].tolist(), strict=True))
    one = timed(
        lambda rows: [assess(patient, patient=PatientContext(50)) for _ in rows],
        full[:20],
        options.repeats,
    )
    print(f"guideline, one assessment with all its reasons: {one * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
