"""A level that is suddenly higher: a worsening only where like is compared with like."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from pneumoscope.findings import (
    About,
    Assessment,
    LevelInterval,
    Message,
    SeverityLevel,
    Value,
    Visit,
)
from pneumoscope.severity import HYPERCAPNIC_TARGET

EARLIER_VISITS = 10
_IMAGE = "radiograph"
_FEW = 5  # names that a sentence can hold
_LEVELS = tuple(SeverityLevel)


@dataclass(frozen=True, slots=True)
class Leap:
    """A level that is two higher than before, or severe where it was not.

    Attributes
    ----------
    worse : bool
        True where the patient is worse by what is comparable; False where the level may be higher
        only because more is known.
    reason : Message
    """

    worse: bool
    reason: Message


def find_leap(
    visits: Sequence[Visit],
    assessments: Sequence[Assessment | None],
    score: Callable[[Visit], Assessment],
) -> Leap | None:
    """Say whether the level at the last visit leapt, which no trend can show in time.

    The rule. The last visit is compared with the one before it that has a level. By the values
    that both give (the radiograph is one of them), it is a worsening if the level leaps; or if it
    leaps from the most severe level that the earlier visit leaves open, by these values and those
    that were missing then. So a value that is given for the first time is never a worsening by
    itself. Where it cannot be told, the visit before that is asked, up to ten back, until one was
    already as ill.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time.
    assessments : sequence of Assessment or None
        By the population's ranges, one per visit; None where there is none.
    score : callable
        Assesses a visit, or what is left of one, by the same rules.

    Returns
    -------
    Leap or None
        None where the level did not leap.
    """
    now = assessments[-1] if assessments else None
    if now is None:
        return None
    unsure = None
    for number in range(len(visits) - 1, max(len(visits) - 1 - EARLIER_VISITS, 0), -1):
        before = assessments[number - 1]
        if before is None:
            continue
        if not _leaps(before.level, now.level):
            return None
        rise = _comparable(visits[number - 1], visits[-1], before.level, score)
        if rise is not None:
            return Leap(True, _rose(*rise, None if number == len(visits) - 1 else number))
        unsure = unsure or Leap(False, _unsure(visits[number - 1], visits[-1], before, now, number))
    return unsure


def _leaps(before: SeverityLevel, now: SeverityLevel) -> bool:
    rise = _LEVELS.index(now) - _LEVELS.index(before)
    return rise >= 2 or (rise > 0 and now is SeverityLevel.SEVERE)


def _comparable(
    earlier: Visit, last: Visit, level: SeverityLevel, score: Callable[[Visit], Assessment]
) -> tuple[Value, SeverityLevel] | None:
    """Give the leap between two visits by what is comparable: from where, and to which level."""
    shared = _shared(earlier, last)
    then, today = score(_only(earlier, shared)), score(_only(last, shared))
    start = _worse(then.level, level)
    if _leaps(start, today.level):
        return start.value, today.level
    open_then = then.interval or LevelInterval(then.level, then.level, then.score, then.score)
    start = _worse(open_then.most, level)
    today = score(_only(last, {*shared, *open_then.missing}))
    at_most = Message("at_most", About.SEVERITY, {"level": start.value})
    return (at_most, today.level) if _leaps(start, today.level) else None


def _shared(first: Visit, second: Visit) -> set[str]:
    """Name what both visits give, and in the same sense."""
    names = _given(first) & _given(second)
    if first.symptoms.get(HYPERCAPNIC_TARGET) != second.symptoms.get(HYPERCAPNIC_TARGET):
        names.discard(HYPERCAPNIC_TARGET)  # another target is no sign of illness
    return names


def _given(visit: Visit) -> set[str]:
    return {*visit.symptoms, *(() if visit.probabilities is None else (_IMAGE,))}


def _only(visit: Visit, names: Collection[str]) -> Visit:
    return replace(
        visit,
        symptoms={name: value for name, value in visit.symptoms.items() if name in names},
        probabilities=visit.probabilities if _IMAGE in names else None,
    )


def _worse(one: SeverityLevel, other: SeverityLevel) -> SeverityLevel:
    return max(one, other, key=_LEVELS.index)


def _rose(start: Value, level: SeverityLevel, since: int | None) -> Message:
    told: dict[str, Value] = {"before": start, "level": level.value}
    if since is None:
        return Message("level_rose", About.SEVERITY, told)
    return Message("level_rose_since", About.SEVERITY, {**told, "visit": since})


def _unsure(
    earlier: Visit, last: Visit, before: Assessment, now: Assessment, number: int
) -> Message:
    new = sorted(_given(last) - _shared(earlier, last))
    names = new or sorted(_given(earlier) - _shared(earlier, last))
    if len(names) == 1:
        code = "higher_with_new_value" if new else "higher_without_value"
    else:
        code = "higher_with_new_values" if new else "higher_without_values"
    told: dict[str, Value] = {
        "level": now.level.value,
        "before": _levels(before),
        "visit": number,
        "names": _few(names),
    }
    return Message(code, About.SEVERITY, told)


def _few(names: Sequence[str]) -> Value:
    if len(names) <= _FEW:
        return tuple(names)
    return Message("several_values", About.SEVERITY, {"count": len(names)})


def _levels(assessment: Assessment) -> Value:
    interval = assessment.interval
    if interval is None or not interval.is_open:
        return assessment.level.value
    ends = {"least": interval.least.value, "most": interval.most.value}
    return Message("from_to", About.SEVERITY, ends)
