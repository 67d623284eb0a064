"""The way through the room: symptoms and the image's evidence to an `Assessment`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pneumoscope.errors import InputError
from pneumoscope.findings import Assessment, Bounds, PatientContext, PersonalView
from pneumoscope.severity.engine import LEVELS, evaluate
from pneumoscope.severity.guideline import assess_guideline
from pneumoscope.severity.guideline_base import GUIDELINE
from pneumoscope.severity.inputs import INPUTS, check_inputs
from pneumoscope.severity.personal import rescale
from pneumoscope.severity.reason import reason
from pneumoscope.severity.refusals import RefusedSymptomError
from pneumoscope.severity.rule_base import RuleBase, load_rule_base, published_rule_bases
from pneumoscope.severity.symptoms import check_symptoms
from pneumoscope.severity.trace import explain, explain_rules


def rule_bases() -> tuple[str, ...]:
    """Names of the rule bases that `assess` knows, the default first."""
    return (GUIDELINE, *published_rule_bases())


def assess(
    symptoms: Mapping[str, float],
    *,
    probabilities: Mapping[str, float] | None = None,
    contribution: float | None = None,
    bounds: Bounds | None = None,
    patient: PatientContext | None = None,
    rule_base: str = GUIDELINE,
) -> Assessment:
    """Give a severity, and why.

    Parameters
    ----------
    symptoms : mapping of str to float
        Value per input. `guideline` takes any of `INPUTS` and gives an interval of levels where one
        that every patient is asked for is missing; `baral2025` needs all eleven of `SYMPTOMS`.
    probabilities : mapping of str to float, optional
        Calibrated probability per class of the image, 0..1; `guideline` uses PNEUMONIA and
        ABNORMAL.
    contribution : float, optional
        The image's share for `baral2025`, 0..1: `Confidence.contribution` (Baral 2025, 3.3.5); none
        without an image.
    bounds : Bounds, optional
        The patient's own ranges, made for this rule base: the level within them is given beside.
    patient : PatientContext, optional
        `guideline` needs the age, and uses the sex for PSI.
    rule_base : str
        One of `rule_bases()`.

    Returns
    -------
    Assessment
        With every rule that fired and the trace, one message for each step.

    Raises
    ------
    RefusedSymptomError
        For unknown, impossible, out-of-range or missing symptoms.
    PatientNotCoveredError
        `guideline` does not cover this age, or the age is not known.
    InputError
        For an unknown rule base, or bounds that were made for another.
    ValueError
        For a contribution or a probability outside 0..1.

    See Also
    --------
    parse_symptoms : Symptoms from "name=value" texts.
    rule_bases : Names of the rule bases.

    Examples
    --------
    >>> from pneumoscope.findings import PatientContext
    >>> from pneumoscope.severity import assess
    >>> result = assess({"oxygen_level": 91, "confusion": 0}, patient=PatientContext(age=54))
    >>> str(result.level), str(result.interval.most)
    ('moderate', 'severe')
    """
    share = 0.0 if contribution is None else contribution
    if not 0 <= share <= 1:
        raise ValueError(f"contribution {contribution} is outside 0..1")
    check_rule_base(rule_base)
    if bounds is not None and bounds.rule_base != rule_base:
        raise InputError(
            f"the patient's bounds were made for {bounds.rule_base}, not for {rule_base}; "
            "replay the visits"
        )
    if rule_base == GUIDELINE:
        return assess_guideline(
            symptoms,
            probabilities=probabilities,
            bounds=bounds,
            patient=patient or PatientContext(),
        )
    return _assess_published(load_rule_base(rule_base), symptoms, share, bounds)


def check_case(symptoms: Mapping[str, float], *, rule_base: str = GUIDELINE) -> None:
    """Refuse symptoms that `assess` would refuse of any patient, without assessing.

    Raises
    ------
    RefusedSymptomError
        For unknown, impossible, out-of-range or missing symptoms.
    InputError
        For an unknown rule base.
    """
    check_rule_base(rule_base)
    if rule_base == GUIDELINE:
        check_inputs(symptoms)
    else:
        _published_values(load_rule_base(rule_base), symptoms)


def check_rule_base(rule_base: str) -> None:
    """Refuse a rule base that does not exist.

    Raises
    ------
    InputError
    """
    if rule_base not in rule_bases():
        raise InputError(f"unknown rule base {rule_base!r}; use one of {', '.join(rule_bases())}")


def _published_values(base: RuleBase, symptoms: Mapping[str, float]) -> dict[str, float]:
    """Check symptoms; what only `guideline` takes is refused by its name, not as unknown."""
    others = [name for name in symptoms if name in INPUTS and name not in base.inputs]
    if others:
        told = reason(
            "symptoms_not_taken", rule_base=base.name, symptoms=tuple(others), instead=GUIDELINE
        )
        raise RefusedSymptomError(told)
    return check_symptoms(symptoms, required=base.inputs)


def _assess_published(
    base: RuleBase, symptoms: Mapping[str, float], contribution: float, bounds: Bounds | None
) -> Assessment:
    values = _published_values(base, symptoms)
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
        personal=None if bounds is None else _personal(base, values, contribution, bounds),
    )


def _personal(
    base: RuleBase, values: Mapping[str, float], contribution: float, bounds: Bounds
) -> PersonalView:
    """Count each value by its place within the patient's own range."""
    rescaled = rescale(values, bounds)
    row = [rescaled[name] for name in base.inputs]
    evaluation = evaluate(base, np.array([row]), contribution)
    winner = evaluation.winner[0]
    level = LEVELS[winner]
    return PersonalView(level, float(evaluation.scores[0, winner]), bounds.visits, level)
