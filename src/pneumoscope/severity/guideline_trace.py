"""The reasoning of the `guideline` rules, one message for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pneumoscope.findings import (
    Assessment,
    FiredRule,
    Influence,
    LevelInterval,
    Message,
    Quantity,
    SeverityLevel,
    Value,
)
from pneumoscope.severity.guideline_base import AtLeast, GuidelineBase
from pneumoscope.severity.guideline_engine import GRADED, GuidelineEvaluation
from pneumoscope.severity.inputs import HYPERCAPNIC_TARGET, INPUTS
from pneumoscope.severity.printed import format_score
from pneumoscope.severity.reason import reason
from pneumoscope.severity.scores import ILLNESSES
from pneumoscope.severity.symptoms import SYMPTOMS

DEFAULT_RULE = "N0"
_TARGET_END = 92
# By whether the level stays with the normal value, and whether missing values leave it open.
_ADDS = {
    (False, False): "value_adds",
    (False, True): "value_adds_at_least",
    (True, False): "value_adds_level_stays",
    (True, True): "value_adds_level_stays_at_least",
}
_LONG_LIVED = 100  # years: an end of the ages beyond it is none


def fired_rules(
    base: GuidelineBase, values: Mapping[str, float], evaluation: GuidelineEvaluation
) -> tuple[FiredRule, ...]:
    """Name the rules that fired in the first row, each with the values that it fired on.

    Where the rules leave room below mild, the default rule N0 speaks for negligible, so that
    something is always said.
    """
    fired = [
        FiredRule(
            rule=rule.name,
            level=rule.level,
            weight=1.0,
            explanation=_explanation(
                base, [_best(c, evaluation) for c in rule.when], rule.needed, values, evaluation
            ),
            strength=float(strength),
            because=rule.because,
        )
        for rule, strength in zip(base.rules, evaluation.firing[0], strict=True)
        if strength > 0
    ]
    room = 1 - float(evaluation.at_least[0, 0])
    if room > 0:
        why = reason("no_rule_for_more" if room == 1 else "no_rule_fully_for_more")
        fired.append(FiredRule(DEFAULT_RULE, SeverityLevel.NEGLIGIBLE, 1.0, why, room))
    return tuple(fired)


def _best(choices: Sequence[AtLeast], evaluation: GuidelineEvaluation) -> AtLeast:
    return max(choices, key=lambda choice: evaluation.grades[choice.name, choice.term][0])


def _explanation(
    base: GuidelineBase,
    chosen: Sequence[AtLeast],
    needed: int,
    values: Mapping[str, float],
    evaluation: GuidelineEvaluation,
) -> Message:
    conditions: list[Message] = []
    for choice in chosen:
        truth = float(evaluation.grades[choice.name, choice.term][0])
        part = base.inputs[choice.name]
        told = _condition(choice, part.of, values.get(part.of), truth)
        # Several conditions may rest on the same alternative.
        if told is not None and told not in conditions:
            conditions.append(told)
    if needed == len(chosen):
        return reason("conditions_all_needed", conditions=tuple(conditions))
    return reason(
        "conditions_some_needed", conditions=tuple(conditions), needed=needed, of=len(chosen)
    )


def _condition(choice: AtLeast, of: str, value: float | None, truth: float) -> Message | None:
    """Say to what degree a condition holds; None where it does not."""
    if value is None or truth <= 0:
        return None
    told: dict[str, Value] = {"found": Quantity(of, value), "term": choice.term, "truth": truth}
    if of == choice.name:
        return reason("at_least", **told)
    return reason("at_least_in_direction", direction=choice.name, **told)


def explain_guideline(
    base: GuidelineBase,
    known: Mapping[str, float],
    assessment: Assessment,
    alone: Mapping[str, SeverityLevel],
) -> Assessment:
    """Add the messages that lead one case from the symptoms to the level.

    Parameters
    ----------
    base : GuidelineBase
    known : mapping of str to float
        What was given, in the inputs' units.
    assessment : Assessment
        All but its `trace`.
    alone : mapping of str to SeverityLevel
        The level that a missing value would give if it alone were as bad as can be; those that
        change nothing alone are left out.

    Returns
    -------
    Assessment
        With its `trace`: values beyond the usual range, those not counted, rules, truths, the
        image's part, what is missing, what moved the level, what would change it, bedside scores,
        and the result.
    """
    truths = tuple(Quantity(level.value, assessment.adjusted[level]) for level in GRADED)
    trace = (
        _ages(base),
        *_target(base, known),
        *_beyond(base, known),
        *_unused(base, known),
        *map(_speaks, assessment.fired),
        reason("at_least_each_level", truths=truths, score=assessment.score),
        _image(assessment),
        *_missing(assessment.interval, alone),
        *_moved(assessment),
        _turns(assessment),
        *(score.agreement for score in assessment.bedside if score.agreement is not None),
        *_personal(assessment),
        _result(base, assessment),
    )
    return replace(assessment, trace=trace)


def _ages(base: GuidelineBase) -> Message:
    first, last = base.ages
    if last > _LONG_LIVED:
        return reason("rules_from_age", age=first)
    return reason("rules_for_under_five")


def _target(base: GuidelineBase, known: Mapping[str, float]) -> list[Message]:
    """Tell that SpO2 is judged against another target."""
    if not base.by_target or not known.get(HYPERCAPNIC_TARGET):
        return []
    told = [reason("spo2_by_second_scale")]
    if known.get("oxygen_level", 0) > _TARGET_END and "oxygen_therapy" not in known:
        told.append(reason("oxygen_therapy_not_given"))
    return told


def _beyond(base: GuidelineBase, known: Mapping[str, float]) -> list[Message]:
    """Tell of values that are possible, but beyond the range on which symptoms are rated."""
    told = []
    for name in base.measured:
        if name in known and name in SYMPTOMS:
            symptom, found = SYMPTOMS[name], Quantity(name, known[name])
            low, high, unit = symptom.minimum, symptom.maximum, symptom.unit
            if not low <= found.value <= high:
                told.append(reason("beyond_range", found=found, low=low, high=high, unit=unit))
    return told


def _unused(base: GuidelineBase, known: Mapping[str, float]) -> list[Message]:
    """Tell of values that no rule asks for: unsaid, a bad one would seem to be weighed."""
    counted = {*base.measured, *(ILLNESSES if "comorbidity" in base.measured else ())}
    counted |= {HYPERCAPNIC_TARGET} if base.by_target else set()
    names = tuple(name for name in known if name in INPUTS and name not in counted)
    return [reason("not_counted", names=names)] if names else []


def _speaks(rule: FiredRule) -> Message:
    told: dict[str, Value] = {
        "rule": rule.rule,
        "level": rule.level.value,
        "strength": rule.strength,
        "explanation": rule.explanation,
    }
    if rule.because:
        return reason("rule_speaks", because=rule.because, **told)
    return reason("default_rule_speaks", **told)


def _image(assessment: Assessment) -> Message:
    effect = assessment.image
    if effect is None:
        return reason("no_image")
    scores: dict[str, Value] = {"without": effect.score_without, "with": effect.score_with}
    if effect.level_with is not effect.level_without:
        levels: dict[str, Value] = {
            "level_without": effect.level_without.value,
            "level_with": effect.level_with.value,
        }
        return reason("image_changes_level", **levels, **scores)
    # A change that cannot be seen in the scores as they are written must not look like none.
    same = format_score(effect.score_with) == format_score(effect.score_without)
    if effect.score_with > effect.score_without:
        return reason("image_raises_score_a_little" if same else "image_raises_score", **scores)
    nothing = format_score(effect.score_without) == format_score(0.0)
    return reason("image_alone_changes_nothing" if nothing and same else "image_changes_nothing")


def _missing(interval: LevelInterval | None, alone: Mapping[str, SeverityLevel]) -> list[Message]:
    """Tell what to measure or find out, and what each of it could do alone."""
    if interval is None or not interval.missing:
        return []
    missing, least, most = interval.missing, interval.least.value, interval.most.value
    if not interval.is_open:
        return [reason("missing_changes_nothing", missing=missing, level=least)]
    if len(missing) == 1:
        return [reason("missing_one_leaves_open", missing=missing[0], least=least, most=most)]
    between = reason("missing_leave_open", missing=missing, least=least, most=most)
    raises = tuple(
        reason("input_to_level", name=name, level=level.value) for name, level in alone.items()
    )
    if raises:
        return [between, reason("each_would_raise", raises=raises)]
    return [between, reason("none_alone_would_raise")]


def _moved(assessment: Assessment) -> list[Message]:
    if not assessment.influences and assessment.score > 0:
        return [reason("no_value_carries_score")]
    return [_influence(assessment, one) for one in assessment.influences]


def _influence(assessment: Assessment, one: Influence) -> Message:
    interval = assessment.interval
    is_open = interval is not None and interval.is_open
    return reason(
        _ADDS[one.level_without is assessment.level, is_open],
        found=Quantity(one.name, one.value),
        change=one.change,
        healthy=one.healthy,
        level=one.level_without.value,
    )


def _turns(assessment: Assessment) -> Message:
    # What is missing counts as normal here, as in the level that is turned.
    interval = assessment.interval
    is_open = interval is not None and interval.is_open
    points = tuple(
        reason("value_to_level", found=Quantity(one.name, one.value), level=one.level.value)
        for one in assessment.turning_points
    )
    if not points:
        return reason("no_lowest_level_turns" if is_open else "no_level_turns")
    return reason("lowest_level_turns" if is_open else "level_turns", points=points)


def _personal(assessment: Assessment) -> list[Message]:
    view = assessment.personal
    if view is None:
        return []
    told: dict[str, Value] = {"visits": view.visits, "score": view.score}
    if view.most is view.level:
        return [reason("personal_level", level=view.level.value, **told)]
    ends: dict[str, Value] = {"least": view.level.value, "most": view.most.value}
    return [reason("personal_level_open", **ends, **told)]


def _result(base: GuidelineBase, assessment: Assessment) -> Message:
    """Say the level; where missing symptoms leave it open, never its lower end alone."""
    cuts = tuple(reason("level_from", level=n.value, bound=cut) for n, cut in base.cuts.items())
    interval = assessment.interval
    if interval is not None and interval.is_open:
        return reason(
            "severity_open",
            least=interval.least.value,
            most=interval.most.value,
            least_score=interval.least_score,
            most_score=interval.most_score,
            cuts=cuts,
        )
    return reason(
        "severity_borderline" if assessment.borderline else "severity_given",
        level=assessment.level.value,
        score=assessment.score,
        cuts=cuts,
    )
