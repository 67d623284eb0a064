"""The way through the room: symptoms and the image's share to an `Assessment`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pneumoscope.findings import Assessment
from pneumoscope.severity.engine import LEVELS, evaluate
from pneumoscope.severity.rule_base import load_rule_base
from pneumoscope.severity.symptoms import check_symptoms
from pneumoscope.severity.trace import explain, explain_rules


def assess(
    symptoms: Mapping[str, float],
    *,
    contribution: float = 0.0,
    rule_base: str = "baral2025",
) -> Assessment:
    """Give a severity, and why (Baral 2025, 3.6).

    Parameters
    ----------
    symptoms : mapping of str to float
        Value per symptom, in the units of `SYMPTOMS`. `baral2025` needs all eleven.
    contribution : float
        The image's share, 0..1: `Confidence.contribution` (Baral 2025, 3.5).
    rule_base : str
        One of `rule_bases()`.

    Returns
    -------
    Assessment
        With every rule that fired and the trace in plain sentences.

    Raises
    ------
    SymptomError
        For unknown, impossible, out-of-range or missing symptoms.
    InputError
        For an unknown rule base.
    ValueError
        For a contribution outside 0..1.
    """
    if not 0 <= contribution <= 1:
        raise ValueError(f"contribution {contribution} is outside 0..1")
    base = load_rule_base(rule_base)
    values = check_symptoms(symptoms, required=base.inputs)
    row = np.array([[values[name] for name in base.inputs]])
    evaluation = evaluate(base, row, contribution)
    level = LEVELS[evaluation.winner[0]]
    scores = dict(zip(LEVELS, map(float, evaluation.scores[0]), strict=True))
    fired = explain_rules(base, values, evaluation)
    return Assessment(
        rule_base=base.name,
        level=level,
        score=scores[level],
        scores=scores,
        adjusted=dict(zip(LEVELS, map(float, evaluation.adjusted[0]), strict=True)),
        borderline=bool(evaluation.borderline[0]),
        fired=fired,
        trace=explain(base, values, evaluation, fired, contribution),
    )
