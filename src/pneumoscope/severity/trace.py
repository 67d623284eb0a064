"""The reasoning in plain sentences that a clinician can check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pneumoscope.findings import FiredRule, SeverityLevel
from pneumoscope.severity.engine import LEVELS, TOLERANCE, Evaluation
from pneumoscope.severity.rule_base import Aggregation, Operator, Rule, RuleBase
from pneumoscope.severity.symptoms import SYMPTOMS

_MEANING = {
    Operator.AND: "all must hold",
    Operator.OR: "one is enough",
    Operator.XOR: "exactly one may hold",
    Operator.NAND: "fires unless all hold",
    Operator.NOR: "fires when none holds",
}


# The same where a condition is more or less true.
_SHADED = {
    Operator.AND: "counts as the least true",
    Operator.OR: "counts as the most true",
    Operator.XOR: "counts as the most true, at most what the second leaves",
    Operator.NAND: "counts as what the least true leaves",
    Operator.NOR: "counts as what the most true leaves",
}
_AGGREGATED = {
    Aggregation.SUM: "",
    Aggregation.MAXIMUM: ", of each level its strongest rule's",
    Aggregation.WEIGHTED_AVERAGE: ", of each level the weighted average of its rules",
}


def explain_rules(
    base: RuleBase, values: Mapping[str, float], evaluation: Evaluation
) -> tuple[FiredRule, ...]:
    """Name the rules that fired for one case, each with the values that it fired on.

    Parameters
    ----------
    base : RuleBase
        The rules.
    values : mapping of str to float
        The patient's symptoms.
    evaluation : Evaluation
        Of these values alone (one row).

    Returns
    -------
    tuple of FiredRule
        In the order of the rule base.
    """
    return tuple(
        FiredRule(
            rule.name,
            rule.level,
            base.weights[rule.operator],
            _reason(base, rule, values, evaluation),
            float(strength),
        )
        for rule, strength in zip(base.rules, evaluation.strengths[0], strict=True)
        if strength > 0
    )


def explain(
    base: RuleBase,
    values: Mapping[str, float],
    evaluation: Evaluation,
    fired: Sequence[FiredRule],
    contribution: float,
) -> tuple[str, ...]:
    """Tell one case's way from the symptoms to the level.

    Parameters
    ----------
    base : RuleBase
        The rules.
    values : mapping of str to float
        The patient's symptoms.
    evaluation : Evaluation
        Of these values alone (one row).
    fired : sequence of FiredRule
        From `explain_rules`.
    contribution : float
        The image's share that went into `evaluation`, 0..1.

    Returns
    -------
    tuple of str
        One sentence each: values that were capped, fired rules, values that no set covers, points
        per level, the image's part, ties, borderline, and the result with its band.
    """
    scores = dict(zip(LEVELS, map(float, evaluation.scores[0]), strict=True))
    adjusted = dict(zip(LEVELS, map(float, evaluation.adjusted[0]), strict=True))
    level = LEVELS[evaluation.winner[0]]
    sentences = _capped(base, values)
    sentences += [_told(base, rule) for rule in fired]
    sentences += _uncovered(base, values, evaluation)
    sentences.append(
        f"Points from the symptoms{_AGGREGATED[base.aggregation]}: {_listing(scores)}."
    )
    sentences.append(_image(scores, adjusted, contribution))
    sentences += _contest(base, scores, level, borderline=bool(evaluation.borderline[0]))
    sentences.append(_result(base, level, scores[level]))
    return tuple(sentences)


def _told(base: RuleBase, rule: FiredRule) -> str:
    if base.cut is None:
        points = f"speaks with {rule.weight * rule.strength:.3g} of {rule.weight:g} for"
    else:
        points = f"adds {rule.weight:g} to"
    return f"{rule.rule} {points} {rule.level}: {rule.explanation}."


def _reason(base: RuleBase, rule: Rule, values: Mapping[str, float], evaluation: Evaluation) -> str:
    holding, failing, shades = [], [], []
    for condition in rule.when:
        value = SYMPTOMS[condition.symptom].describe(values[condition.symptom])
        truth = evaluation.truths[condition.symptom, condition.term][0]
        shades.append(f"{value} is {condition.term} to {truth:.3g}")
        if truth > 0:
            holding.append(f"{value} is {condition.term}")
        else:
            failing.append(f"{value} is not {condition.term}")
    if base.cut is None:
        return f"{_joined(shades)} ({_SHADED[rule.operator]})"
    match rule.operator:
        case Operator.AND | Operator.OR:
            shown = holding
        case Operator.NAND | Operator.NOR:
            shown = failing
        case Operator.XOR:
            shown = holding + failing
    return f"{_joined(shown)} ({_MEANING[rule.operator]})"


def _capped(base: RuleBase, values: Mapping[str, float]) -> list[str]:
    sentences = []
    for name, ends in base.inputs.items():
        counted = min(max(values[name], ends[0]), ends[1])
        if counted != values[name]:
            symptom = SYMPTOMS[name]
            sentences.append(
                f"{_capital(symptom.describe(values[name]))} counts as {counted:g} {symptom.unit}: "
                f"this rule base covers {ends[0]:g} to {ends[1]:g}."
            )
    return sentences


def _uncovered(base: RuleBase, values: Mapping[str, float], evaluation: Evaluation) -> list[str]:
    silent = [
        SYMPTOMS[name].describe(values[name])
        for name in base.inputs
        if not any(evaluation.truths[name, term][0] for term in base.terms)
    ]
    if not silent:
        return []
    return [f"Counted as none of {', '.join(base.terms)} by this rule base: {_joined(silent)}."]


def _image(
    scores: Mapping[SeverityLevel, float],
    adjusted: Mapping[SeverityLevel, float],
    contribution: float,
) -> str:
    if contribution == 0:
        return "The image adds nothing."
    if not any(scores.values()):
        return "No rule fired, so the image has nothing to add to."
    added = {level: adjusted[level] - scores[level] for level in LEVELS}
    return (
        f"The image adds {contribution:.3g} points, shared in proportion to the levels' own: "
        f"{_listing(added)}; this cannot change their order."
    )


def _contest(
    base: RuleBase,
    scores: Mapping[SeverityLevel, float],
    level: SeverityLevel,
    *,
    borderline: bool,
) -> list[str]:
    if not borderline:
        return []
    others = [other for other in reversed(LEVELS) if other is not level]
    tied = [other.value for other in others if abs(scores[other] - scores[level]) <= TOLERANCE]
    if tied:
        names = _joined([level.value, *tied])
        return [f"Borderline: {names} are tied, so the most severe of them is given."]
    # The image only widens the lead, so the lead without it is the one that decides.
    runner_up = max(others, key=lambda other: scores[other])
    return [
        f"Borderline: by the symptoms {level} leads {runner_up} by only "
        f"{scores[level] - scores[runner_up]:.3g}; a clear result needs more than {base.margin:g}."
    ]


def _result(base: RuleBase, level: SeverityLevel, score: float) -> str:
    bounds = list(base.bands.values())
    ranges = [f"{LEVELS[0]} below {bounds[0]:g}"]
    ranges += [f"{name} from {bound:g}" for name, bound in list(base.bands.items())[:-1]]
    ranges.append(f"{LEVELS[-1]} {'from' if base.severe_at_bound else 'above'} {bounds[-1]:g}")
    band = base.band(score)
    agreement = "as well" if band is level else "instead"
    return (
        f"Severity: {level}, with {score:.3g} points. The bands for a single score "
        f"({', '.join(ranges)}) would call {score:.3g} points {band} {agreement}."
    )


def _listing(points: Mapping[SeverityLevel, float]) -> str:
    return ", ".join(f"{level} {points[level]:.3g}" for level in reversed(LEVELS))


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
