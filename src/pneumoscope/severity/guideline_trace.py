"""The reasoning of the `guideline` rules in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pneumoscope.findings import Assessment, FiredRule, LevelInterval, SeverityLevel
from pneumoscope.severity.guideline_base import AtLeast, GuidelineBase
from pneumoscope.severity.guideline_engine import GRADED, GuidelineEvaluation
from pneumoscope.severity.inputs import HYPERCAPNIC_TARGET, INPUTS
from pneumoscope.severity.printed import format_score
from pneumoscope.severity.scores import ILLNESSES
from pneumoscope.severity.symptoms import SYMPTOMS

_OTHERS = {
    "age": "age {:g} years",
    "image_pneumonia": "P(PNEUMONIA) {:.3f}",
    "image_finding": "P(PNEUMONIA) + P(ABNORMAL) {:.3f}",
}
DEFAULT_RULE = "N0"
_TARGET_END = 92


def describe(name: str, value: float) -> str:
    """Say an input's value in words, such as "oxygen level 91 %"."""
    if name in _OTHERS:
        return _OTHERS[name].format(value)
    return INPUTS[name].describe(value)


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[0].upper() + text[1:]


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
            explanation=_reason(
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
        reason = "no rule speaks for more" if room == 1 else "no rule fully speaks for more"
        fired.append(FiredRule(DEFAULT_RULE, SeverityLevel.NEGLIGIBLE, 1.0, reason, room))
    return tuple(fired)


def _best(choices: Sequence[AtLeast], evaluation: GuidelineEvaluation) -> AtLeast:
    return max(choices, key=lambda choice: evaluation.grades[choice.name, choice.term][0])


def _reason(
    base: GuidelineBase,
    chosen: Sequence[AtLeast],
    needed: int,
    values: Mapping[str, float],
    evaluation: GuidelineEvaluation,
) -> str:
    parts = []
    for choice in chosen:
        grade = float(evaluation.grades[choice.name, choice.term][0])
        if grade > 0:
            part = base.inputs[choice.name]
            value = describe(part.of, values[part.of])
            term = choice.term.replace("_", " ")
            kind = "" if part.of == choice.name else f"{choice.name.replace('_', ' ')} "
            parts.append(f"{value}: {kind}at least {term} ({format_score(grade)})")
    need = "all needed" if needed == len(chosen) else f"{needed} of {len(chosen)} needed"
    return f"{', '.join(dict.fromkeys(parts))}; {need}"


def explain_guideline(
    base: GuidelineBase,
    known: Mapping[str, float],
    assessment: Assessment,
    alone: Mapping[str, SeverityLevel],
) -> Assessment:
    """Add the sentences that lead one case from the symptoms to the level.

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
    first, last = base.ages
    who = f"from {first:g} years" if last > 100 else "from 2 months to under 5 years"
    sentences = [f"Rules for patients {who}."]
    sentences += [*_target(base, known), *_beyond(base, known), *_unused(base, known)]
    sentences += [
        f"{rule.rule} speaks for {rule.level} with {format_score(rule.strength)}: "
        f"{rule.explanation}. {rule.because}".rstrip()
        for rule in assessment.fired
    ]
    truths = ", ".join(f"{level} {format_score(assessment.adjusted[level])}" for level in GRADED)
    sentences.append(
        f"At least: {truths}; together the score, {format_score(assessment.score)} of 3."
    )
    sentences += [_image(assessment), *_missing(assessment.interval, alone)]
    sentences += [*_moved(assessment), *_turns(assessment)]
    sentences += [score.agreement for score in assessment.bedside]
    sentences += _personal(assessment)
    cuts = ", ".join(f"{level} from {cut:g}" for level, cut in base.cuts.items())
    sentences.append(f"Severity: {_result(assessment)} ({cuts}).")
    return replace(assessment, trace=tuple(sentences))


def _result(assessment: Assessment) -> str:
    """Say the level; where missing symptoms leave it open, never its lower end alone."""
    interval = assessment.interval
    if interval is not None and interval.is_open:
        return (
            f"{interval.least} to {interval.most} until what is missing is known, score "
            f"{format_score(interval.least_score)} to {format_score(interval.most_score)}"
        )
    borderline = ", borderline" if assessment.borderline else ""
    return f"{assessment.level}{borderline}, score {format_score(assessment.score)}"


def _target(base: GuidelineBase, known: Mapping[str, float]) -> list[str]:
    """Tell that SpO2 is judged against another target."""
    if not base.by_target or not known.get(HYPERCAPNIC_TARGET):
        return []
    sentences = [
        "SpO2 is judged by the second scale of NEWS2, because a clinician set a target of 88 to "
        "92 %: below 88 % is too low, and above 92 % is too much only while oxygen is given (Royal "
        "College of Physicians 2017, BTS oxygen 2017)."
    ]
    if known.get("oxygen_level", 0) > _TARGET_END and "oxygen_therapy" not in known:
        sentences.append("Not given: oxygen therapy, so that this SpO2 is not counted as too much.")
    return sentences


def _beyond(base: GuidelineBase, known: Mapping[str, float]) -> list[str]:
    """Tell of values that are possible, but beyond the range on which symptoms are rated."""
    sentences = []
    for name in base.measured:
        if name in known and name in SYMPTOMS:
            symptom = SYMPTOMS[name]
            if not symptom.minimum <= known[name] <= symptom.maximum:
                text = describe(name, known[name])
                sentences.append(
                    f"{capital(text)} is beyond {symptom.range_text}: it counts as the "
                    "end of that range. See that it was measured well."
                )
    return sentences


def _unused(base: GuidelineBase, known: Mapping[str, float]) -> list[str]:
    """Tell of values that no rule asks for: unsaid, a bad one would seem to be weighed."""
    counted = {*base.measured, *(ILLNESSES if "comorbidity" in base.measured else ())}
    counted |= {HYPERCAPNIC_TARGET} if base.by_target else set()
    names = [n.replace("_", " ") for n in known if n in INPUTS and n not in counted]
    return [f"Not counted by these rules: {', '.join(names)}."] if names else []


def _image(assessment: Assessment) -> str:
    effect = assessment.image
    if effect is None:
        return "There is no image: the level is from the symptoms alone."
    without, score = format_score(effect.score_without), format_score(effect.score_with)
    if effect.level_with is not effect.level_without:
        return (
            f"The image changes the level from {effect.level_without} to {effect.level_with}: the "
            f"score is {without} without it and {score} with it."
        )
    if effect.score_with > effect.score_without:
        if score == without:
            return "The image raises the score by less than 0.01; the level stays."
        return f"The image raises the score from {without} to {score}; the level stays."
    if score == without == "0.00":
        return "The image changes nothing: alone, without a symptom, it adds nothing."
    return "The image changes nothing: the symptoms alone say as much."


def _missing(interval: LevelInterval | None, alone: Mapping[str, SeverityLevel]) -> list[str]:
    """Tell what to measure or find out, and what each of it could do alone."""
    if interval is None or not interval.missing:
        return []
    names = ", ".join(name.replace("_", " ") for name in interval.missing)
    if not interval.is_open:
        return [f"Not given: {names}. Whatever they are, the level is {interval.least}."]
    they, are = ("it", "is") if len(interval.missing) == 1 else ("they", "are")
    between = (
        f"Not given: {names}. The level lies between {interval.least}, if {they} {are} normal, and "
        f"{interval.most}, if {they} {are} as bad as can be: measure or ask."
    )
    if len(interval.missing) == 1:
        return [between]
    parts = [f"{name.replace('_', ' ')} ({level})" for name, level in alone.items()]
    if parts:
        return [
            between,
            f"As bad as can be, each of these alone would raise it: {', '.join(parts)}.",
        ]
    return [between, "None of them alone would raise it, only some together."]


def _moved(assessment: Assessment) -> list[str]:
    if not assessment.influences and assessment.score > 0:
        return ["No single value carries the score: with any one of them normal it stays."]
    interval = assessment.interval
    least = "at least " if interval is not None and interval.is_open else ""
    sentences = []
    for one in assessment.influences:
        would = "would still be" if one.level_without is assessment.level else "would be"
        sentences.append(
            f"{capital(describe(one.name, one.value))} adds {format_score(one.change)} to the "
            f"score: if it were {one.healthy:g}, the level {would} {least}{one.level_without}."
        )
    return sentences


def _turns(assessment: Assessment) -> list[str]:
    # What is missing counts as normal here, as in the level that is turned.
    interval = assessment.interval
    level = "lowest possible level" if interval is not None and interval.is_open else "level"
    if not assessment.turning_points:
        return [f"No single given value, changed alone, would change the {level}."]
    parts = [f"{describe(one.name, one.value)} ({one.level})" for one in assessment.turning_points]
    return [f"The {level} would change, all else as it is, from: {'; '.join(parts)}."]


def _personal(assessment: Assessment) -> list[str]:
    view = assessment.personal
    if view is None:
        return []
    score = format_score(view.score)
    said = f"{view.level}, score {score}"
    if view.most is not view.level:
        said = f"{view.level} to {view.most}, score from {score}"
    return [
        f"Within this patient's own bounds from {view.visits} visits the level would be "
        f"{said}. It stands beside the level and never "
        "replaces it: what is usual for a patient may still be illness."
    ]
