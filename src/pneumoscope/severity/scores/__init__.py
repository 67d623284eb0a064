"""Published bedside scores, one file each, with bounds where an input is missing."""

from __future__ import annotations

from dataclasses import replace

from pneumoscope.findings import BedsideScore, Message, SeverityLevel, Value
from pneumoscope.severity.reason import reason
from pneumoscope.severity.scores.curb65 import crb65, curb65
from pneumoscope.severity.scores.imci import IMCI, fast_breathing, imci
from pneumoscope.severity.scores.news2 import news2
from pneumoscope.severity.scores.psi import ILLNESSES, psi
from pneumoscope.severity.scores.score import PRESENT, Known

__all__ = [
    "ILLNESSES",
    "PRESENT",
    "bedside_scores",
    "compare",
    "crb65",
    "curb65",
    "fast_breathing",
    "imci",
    "news2",
    "psi",
]

_FEW = 5  # missing inputs that a sentence can name


def bedside_scores(known: Known, *, sex: str | None = None) -> tuple[BedsideScore, ...]:
    """Give the scores that are made for a patient of this age.

    Parameters
    ----------
    known : mapping of str to float
        Checked inputs by name, in the units of `INPUTS`, and "age" in years.
    sex : {"M", "F"} or None

    Returns
    -------
    tuple of BedsideScore
        For adults CURB-65, CRB-65, NEWS2, and PSI where it is not still any class; for children
        from 2 months to under 5 years the WHO's class; else none.
    """
    age = known["age"]
    if age >= 18:
        index = psi(known, sex)
        open_class = (index.least_class, index.most_class) == ("class I", "class V")
        scores = (curb65(known), crb65(known), news2(known))
        return scores if open_class else (*scores, index)
    if 2 / 12 <= age < 5:
        child = imci(known)
        return () if child is None else (child,)
    return ()


def compare(
    score: BedsideScore, level: SeverityLevel, *, most: SeverityLevel | None = None
) -> BedsideScore:
    """Say whether a level agrees with a score.

    Parameters
    ----------
    score : BedsideScore
    level : SeverityLevel
        The level given.
    most : SeverityLevel, optional
        The most severe level that missing symptoms leave open.

    Returns
    -------
    BedsideScore
        With its `agreement`.
    """
    order = list(SeverityLevel)
    low, high = order.index(level), order.index(most or level)
    first, last = order.index(score.levels[0]), order.index(score.levels[-1])
    if len(order) - 1 in (high - low, last - first):
        return replace(score, agreement=_not_comparable(score))
    if low > last:
        code = "level_above_score"
    elif high < first:
        code = "level_below_score"
    elif low == high and score.least_class == score.most_class:
        code = "level_agrees_with_score"
    else:
        code = "level_does_not_contradict_score"
    levels = _between(level.value, (most or level).value)
    result = _result(score, score.missing)
    agreement = reason(code, result=result, level=levels, score=score.name)
    return replace(score, agreement=agreement)


def _not_comparable(score: BedsideScore) -> Message:
    """Say that nothing could contradict, because every class or every level is still possible."""
    result = _result(score)
    if not score.missing:
        return reason("score_not_comparable", result=result)
    return reason("score_not_comparable_until", result=result, missing=_names(score.missing))


def _result(score: BedsideScore, missing: tuple[str, ...] = ()) -> Message:
    """Give points and class; of the WHO's chart, which has no points, the class alone."""
    told: dict[str, Value] = {
        "score": score.name,
        "class": _between(score.least_class, score.most_class),
    }
    if missing:
        told["missing"] = _names(missing)
    if score.name == IMCI:
        return reason("score_class_incomplete" if missing else "score_class", **told)
    told["points"] = _between(score.least, score.most)
    return reason("score_points_incomplete" if missing else "score_points", **told)


def _names(missing: tuple[str, ...]) -> Value:
    if len(missing) <= _FEW:
        return missing
    return reason("names_and_more", names=missing[:_FEW], more=len(missing) - _FEW)


def _between(least: str | int, most: str | int) -> Value:
    return least if least == most else reason("from_to", least=least, most=most)
