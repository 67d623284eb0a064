"""Published bedside scores, one file each, with bounds where an input is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pneumoscope.findings import BedsideScore, SeverityLevel
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
    """Say in a sentence whether a level agrees with a score.

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
    points = str(score.least) if score.least == score.most else f"{score.least} to {score.most}"
    words = _between(score.least_class, score.most_class)
    text = f"{score.name}: {words}" if score.name == IMCI else f"{score.name} {points}: {words}"
    said = f"The level {_between(level, most or level)}"
    if len(order) - 1 in (high - low, last - first):
        return replace(score, agreement=f"{text}. {_too_little(score)}")
    if low > last:
        verdict = f"{said} is more severe than {score.name} alone would say"
    elif high < first:
        verdict = f"{said} is less severe than {score.name} alone would say: check why"
    elif low == high and score.least_class == score.most_class:
        verdict = f"{said} agrees with it"
    else:
        verdict = f"{said} does not contradict it"
    missing = f" (not known: {_names(score.missing)})" if score.missing else ""
    return replace(score, agreement=f"{text}{missing}. {verdict}.")


def _too_little(score: BedsideScore) -> str:
    """Say that nothing could contradict, because every class or every level is still possible."""
    way = f"; measure or ask: {_names(score.missing)}" if score.missing else ""
    return f"Too little is known to compare it with the level{way}."


def _names(missing: Sequence[str]) -> str:
    named = ", ".join(name.replace("_", " ") for name in missing[:_FEW])
    return named if len(missing) <= _FEW else f"{named} and {len(missing) - _FEW} more"


def _between(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"
