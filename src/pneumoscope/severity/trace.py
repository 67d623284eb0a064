"""The reasoning of a published rule base, one message for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pneumoscope.findings import FiredRule, Message, Quantity, SeverityLevel, Value
from pneumoscope.severity.engine import LEVELS, TOLERANCE, Evaluation
from pneumoscope.severity.reason import reason
from pneumoscope.severity.rule_base import Aggregation, Operator, Rule, RuleBase
from pneumoscope.severity.symptoms import SYMPTOMS

_JOINED = {
    Operator.AND: "all_must_hold",
    Operator.OR: "one_is_enough",
    Operator.XOR: "exactly_one_may_hold",
    Operator.NAND: "fires_unless_all_hold",
    Operator.NOR: "fires_when_none_holds",
}
# The same where a condition is more or less true.
_SHADED = {
    Operator.AND: "counts_as_least_true",
    Operator.OR: "counts_as_most_true",
    Operator.XOR: "counts_as_most_true_less_second",
    Operator.NAND: "counts_as_what_least_true_leaves",
    Operator.NOR: "counts_as_what_most_true_leaves",
}
_AGGREGATED = {
    Aggregation.SUM: "points_from_symptoms",
    Aggregation.MAXIMUM: "points_of_strongest_rules",
    Aggregation.WEIGHTED_AVERAGE: "points_of_weighted_averages",
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
            _explanation(base, rule, values, evaluation),
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
) -> tuple[Message, ...]:
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
    tuple of Message
        Values that were capped, fired rules, values that no set covers, points
        per level, the image's part, ties, borderline, and the result with its band.
    """
    scores = dict(zip(LEVELS, map(float, evaluation.scores[0]), strict=True))
    adjusted = dict(zip(LEVELS, map(float, evaluation.adjusted[0]), strict=True))
    level = LEVELS[evaluation.winner[0]]
    return (
        *_capped(base, values),
        *(_told(base, rule) for rule in fired),
        *_uncovered(base, values, evaluation),
        reason(_AGGREGATED[base.aggregation], points=_listing(scores)),
        _image(scores, adjusted, contribution),
        *_contest(base, scores, level, borderline=bool(evaluation.borderline[0])),
        _result(base, level, scores[level]),
    )


def _told(base: RuleBase, rule: FiredRule) -> Message:
    told: dict[str, Value] = {
        "rule": rule.rule,
        "level": rule.level.value,
        "weight": rule.weight,
        "explanation": rule.explanation,
    }
    if base.cut is None:
        return reason("rule_speaks_with_points", points=rule.weight * rule.strength, **told)
    return reason("rule_adds_points", **told)


def _explanation(
    base: RuleBase, rule: Rule, values: Mapping[str, float], evaluation: Evaluation
) -> Message:
    holding, failing, shades = [], [], []
    for condition in rule.when:
        found = Quantity(condition.symptom, float(values[condition.symptom]))
        truth = float(evaluation.truths[condition.symptom, condition.term][0])
        shades.append(reason("is_term_to", found=found, term=condition.term, truth=truth))
        if truth > 0:
            holding.append(reason("is_term", found=found, term=condition.term))
        else:
            failing.append(reason("is_not_term", found=found, term=condition.term))
    if base.cut is None:
        return reason(_SHADED[rule.operator], conditions=tuple(shades))
    match rule.operator:
        case Operator.AND | Operator.OR:
            shown = holding
        case Operator.NAND | Operator.NOR:
            shown = failing
        case Operator.XOR:
            shown = holding + failing
    return reason(_JOINED[rule.operator], conditions=tuple(shown))


def _capped(base: RuleBase, values: Mapping[str, float]) -> list[Message]:
    told = []
    for name, (low, high) in base.inputs.items():
        counted = min(max(values[name], low), high)
        if counted != values[name]:
            told.append(
                reason(
                    "value_capped",
                    found=Quantity(name, float(values[name])),
                    counted=counted,
                    unit=SYMPTOMS[name].unit,
                    low=low,
                    high=high,
                )
            )
    return told


def _uncovered(
    base: RuleBase, values: Mapping[str, float], evaluation: Evaluation
) -> list[Message]:
    silent = tuple(
        Quantity(name, float(values[name]))
        for name in base.inputs
        if not any(evaluation.truths[name, term][0] for term in base.terms)
    )
    if not silent:
        return []
    return [reason("counted_as_no_term", terms=tuple(base.terms), found=silent)]


def _image(
    scores: Mapping[SeverityLevel, float],
    adjusted: Mapping[SeverityLevel, float],
    contribution: float,
) -> Message:
    if contribution == 0:
        return reason("image_adds_nothing")
    if not any(scores.values()):
        return reason("image_without_fired_rule")
    added = _listing({level: adjusted[level] - scores[level] for level in LEVELS})
    return reason("image_adds_points", contribution=float(contribution), added=added)


def _contest(
    base: RuleBase,
    scores: Mapping[SeverityLevel, float],
    level: SeverityLevel,
    *,
    borderline: bool,
) -> list[Message]:
    if not borderline:
        return []
    others = [other for other in reversed(LEVELS) if other is not level]
    tied = [other.value for other in others if abs(scores[other] - scores[level]) <= TOLERANCE]
    if tied:
        return [reason("levels_tied", levels=(level.value, *tied))]
    # The image only widens the lead, so the lead without it is the one that decides.
    runner_up = max(others, key=lambda other: scores[other])
    return [
        reason(
            "level_leads_by_little",
            level=level.value,
            runner_up=runner_up.value,
            lead=scores[level] - scores[runner_up],
            margin=base.margin,
        )
    ]


def _result(base: RuleBase, level: SeverityLevel, score: float) -> Message:
    band = base.band(score)
    return reason(
        "severity_as_by_bands" if band is level else "severity_not_as_by_bands",
        level=level.value,
        score=score,
        bands=_bands(base),
        band=band.value,
    )


def _bands(base: RuleBase) -> tuple[Message, ...]:
    bounds = list(base.bands.values())
    last = "level_from" if base.severe_at_bound else "level_above"
    codes = ("level_below", *("level_from" for _ in bounds[:-1]), last)
    return tuple(
        reason(code, level=level.value, bound=bound)
        for code, level, bound in zip(codes, LEVELS, (bounds[0], *bounds), strict=True)
    )


def _listing(points: Mapping[SeverityLevel, float]) -> tuple[Quantity, ...]:
    return tuple(Quantity(level.value, points[level]) for level in reversed(LEVELS))
