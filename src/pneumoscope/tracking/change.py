"""Is the patient getting better or worse? A stated rule on the recent visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import About, Change, Direction, Message, Trend, Value, Visit
from pneumoscope.severity import SYMPTOMS
from pneumoscope.tracking.leap import Leap
from pneumoscope.tracking.trend import Trends, trends

RECENT_VISITS = 10
LONG_VISITS = 40
LEAST_VISITS = 5
ALPHA = 0.05
LEAST_CHANGE_OF_SYMPTOM = 0.10
LEAST_CHANGE_OF_BURDEN = 0.05
BURDEN = "burden"

# Below it a lower temperature is no better: what counts is the distance.
NORMAL_TEMPERATURE = 37.0
# It counts the days, so it rises in a patient who is no worse.
_NO_TREND = frozenset({"fever_duration"})
_TREND_SYMPTOMS = tuple(name for name in SYMPTOMS if name not in _NO_TREND)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the last visits say, before any limit is applied.

    Attributes
    ----------
    visits : int
        How many they are.
    names : tuple of str
        Of the figures: the symptoms that can be tested, then the burden if it can.
    found : Trends
        One entry per name, `slope` as a share of the clinical range per day, more is worse.
    change : ndarray of float64, shape (figures,)
        Slope over the days, as a share of the clinical range.
    p_value : ndarray of float64, shape (figures,)
        Corrected: of a symptom times the number of symptoms tested (Bonferroni); of the burden as
        it is.
    large : ndarray of bool, shape (figures,)
        Whether the change is large enough to matter.
    """

    visits: int
    names: tuple[str, ...]
    found: Trends
    change: NDArray[np.float64]
    p_value: NDArray[np.float64]
    large: NDArray[np.bool_]

    def smallest_p(self, sign: int) -> float:
        """Give the least corrected p-value of a large change for the worse (1) or better (-1)."""
        counted = self.large & (np.sign(self.change) == sign)
        return float(self.p_value[counted].min()) if counted.any() else 1.0


def evidence(visits: Sequence[Visit], last: int = RECENT_VISITS) -> Evidence | None:
    """Test the last visits for trends.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time.
    last : int
        How many of them count.

    Returns
    -------
    Evidence or None
        None where no symptom was found at 5 of them.
    """
    recent = visits[-last:]
    shares = np.array([[_badness(v, name) for name in _TREND_SYMPTOMS] for v in recent])
    if len(recent) < LEAST_VISITS:
        return None
    there = ~np.isnan(shares)
    tested = there.sum(axis=0) >= LEAST_VISITS
    if not tested.any():
        return None
    names = [name for name, test in zip(_TREND_SYMPTOMS, tested, strict=True) if test]
    columns = [shares[:, tested]]
    # A mean over symptoms that come and go would move with them.
    always = there.all(axis=0)
    if always.any():
        names.append(BURDEN)
        columns.append(shares[:, always].mean(axis=1, keepdims=True))
    days = np.array([(v.time - recent[0].time).total_seconds() / 86_400 for v in recent])
    found = trends(days, np.hstack(columns))
    is_burden = np.array([name == BURDEN for name in names])
    change = found.slope * found.days
    least = np.where(is_burden, LEAST_CHANGE_OF_BURDEN, LEAST_CHANGE_OF_SYMPTOM)
    factor = np.where(is_burden, 1, tested.sum())
    return Evidence(
        visits=len(recent),
        names=tuple(names),
        found=found,
        change=change,
        p_value=np.minimum(found.p_value * factor, 1.0),
        # A change of just 0.1 must not hang on how a subtraction rounds.
        large=np.abs(change) >= least - 1e-9,
    )


def worsening_p(visits: Sequence[Visit]) -> float:
    """Give the least corrected p-value by which the patient's trend is for the worse.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time.

    Returns
    -------
    float
        0..1; at or below 0.05 `detect_change` says worsening. 1 where no change is large enough.
    """
    recent, slow = _found(visits)
    return min((found.smallest_p(1) for found in (recent, slow) if found is not None), default=1.0)


def detect_change(visits: Sequence[Visit], leap: Leap | None = None) -> Change:
    """Say whether the patient is improving, stable or worsening.

    The rule. Over the last 10 visits (at least 5), each symptom is turned so that more is worse
    (temperature: the distance from 37 °C; fever_duration is left out, as it only counts days), and
    the burden is the mean of the symptoms that were found at all of these visits, as shares of
    their clinical ranges. A symptom has a trend if the Mann-Kendall test, corrected for the number
    of symptoms, gives p <= 0.05 and the Theil-Sen slope over these days is at least 0.1 of the
    clinical range; the burden, if p <= 0.05 and 0.05. Where nothing is improving, the same is asked
    of the last 40 visits, so that a decline too slow for ten is not missed.

    The patient is worsening if anything is, or if the level leapt to a worse one; unknown if it
    leapt and it cannot be told whether the patient is worse or more is known; improving if
    something is and nothing is worsening; else stable, which means that no trend was found, not
    that the patient is well.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time.
    leap : Leap, optional
        From `find_leap`.

    Returns
    -------
    Change
        With the trend of every symptom that could be tested over the last 10 visits.

    See Also
    --------
    find_leap : Whether the level is suddenly higher.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from pneumoscope.findings import Visit
    >>> from pneumoscope.tracking import detect_change
    >>> visits = [
    ...     Visit(datetime(2026, 3, day, tzinfo=UTC), {"oxygen_level": 97 - day})
    ...     for day in range(1, 9)
    ... ]
    >>> str(detect_change(visits).direction), str(detect_change(visits[:2]).direction)
    ('worsening', 'unknown')
    """
    leapt = () if leap is None else (leap.reason,)
    recent, slow = _found(visits)
    if recent is None and slow is None:
        direction = Direction.WORSENING if leap and leap.worse else Direction.UNKNOWN
        too_few = Message("too_few_visits", About.SEVERITY, {"visits": LEAST_VISITS})
        return Change(direction, leapt or (too_few,))
    told = [] if recent is None else [_trend(recent, k) for k in range(len(recent.names))]
    worse, better = _moved(recent, 1), _moved(recent, -1)
    slowly = [name for name in _moved(slow, 1) if name not in worse]
    if worse or slowly or (leap and leap.worse):
        direction = Direction.WORSENING
    elif leap:
        direction = Direction.UNKNOWN
    else:
        direction = Direction.IMPROVING if better else Direction.STABLE
    reasons = (
        *leapt,
        *_reason("trend_worse", recent, worse),
        *_reason("trend_slowly_worse", slow, slowly),
        *_reason("trend_better", recent, better),
    )
    none_found = Message("no_trend", About.SEVERITY)
    burden_trend = told.pop() if told and told[-1].name == BURDEN else None
    return Change(direction, reasons or (none_found,), burden_trend, tuple(told))


def _found(visits: Sequence[Visit]) -> tuple[Evidence | None, Evidence | None]:
    """Give the evidence of the recent visits, and of many where it counts."""
    recent = evidence(visits)
    if len(visits) <= RECENT_VISITS or (recent is not None and recent.smallest_p(-1) <= ALPHA):
        return recent, None
    return recent, evidence(visits, LONG_VISITS)


def burden(visit: Visit) -> float:
    """Mean share of the clinical range over the symptoms found, 0 none to 1 worst; NaN for none."""
    shares = np.array([_badness(visit, name) for name in _TREND_SYMPTOMS])
    there = shares[~np.isnan(shares)]
    return float(there.mean()) if len(there) else float("nan")


def _badness(visit: Visit, name: str) -> float:
    """How bad a value is, as a share of the clinical range."""
    if name not in visit.symptoms:
        return float("nan")
    return _distance(name, visit.symptoms[name]) / _span(name)


def _distance(name: str, value: float) -> float:
    """How far a value is on the bad side, in the symptom's unit; beyond the range it is the end."""
    symptom = SYMPTOMS[name]
    value = min(max(value, symptom.minimum), symptom.maximum)
    if name == "fever_value":
        return abs(value - NORMAL_TEMPERATURE)
    return value - symptom.minimum if symptom.worse == "high" else symptom.maximum - value


def _span(name: str) -> float:
    return SYMPTOMS[name].maximum - SYMPTOMS[name].minimum


def _moved(found: Evidence | None, sign: int) -> list[str]:
    """Name what has a trend for the worse (1) or for the better (-1)."""
    if found is None:
        return []
    counted = found.large & (found.p_value <= ALPHA) & (np.sign(found.change) == sign)
    return [name for name, moved in zip(found.names, counted, strict=True) if moved]


def _trend(found: Evidence, k: int) -> Trend:
    name, numbers = found.names[k], found.found
    scale, unit = (1.0, "share") if name == BURDEN else (_span(name), SYMPTOMS[name].unit)
    direction = Direction.STABLE
    if name in _moved(found, 1):
        direction = Direction.WORSENING
    elif name in _moved(found, -1):
        direction = Direction.IMPROVING
    return Trend(
        name=name,
        unit=unit,
        visits=int(numbers.visits[k]),
        days=float(numbers.days[k]),
        slope=float(numbers.slope[k] * scale),
        interval=(float(numbers.low[k] * scale), float(numbers.high[k] * scale)),
        p_value=float(numbers.p_value[k]),
        change=float(found.change[k]),
        direction=direction,
    )


def _reason(code: str, found: Evidence | None, names: Sequence[str]) -> tuple[Message, ...]:
    """Name what moved over the visits; nothing where nothing did."""
    if found is None or not names:
        return ()
    told: dict[str, Value] = {"visits": found.visits, "symptoms": tuple(names)}
    return (Message(code, About.SEVERITY, told),)
