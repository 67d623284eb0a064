"""CURB-65 and CRB-65 (Lim 2003, Thorax 58:377; BTS 2009; NICE NG250, before it CG191)."""

from __future__ import annotations

from bisect import bisect_right

from pneumoscope.findings import BedsideScore, SeverityLevel
from pneumoscope.severity.scores.score import (
    PRESENT,
    Class,
    Item,
    Known,
    above,
    below,
    criterion,
    report,
    total,
)

_CLASSES = (
    Class("low risk", (SeverityLevel.NEGLIGIBLE, SeverityLevel.MILD)),
    Class("intermediate risk", (SeverityLevel.MODERATE,)),
    Class("high risk", (SeverityLevel.SEVERE,)),
)
_CURB65_FROM = (2, 3)  # 0..1 low, 2 intermediate, 3..5 high
_CRB65_FROM = (1, 3)  # 0 low, 1..2 intermediate, 3..4 high


def curb65(known: Known) -> BedsideScore:
    """Score confusion, urea over 7 mmol/L, 30 breaths/min, pressure under 90 or to 60, age 65."""
    urea = None if "urea" not in known else known["urea"] > 7
    item = total([*_crb(known), criterion(1, ["urea"], [urea])])
    return _report("CURB-65", item, _CURB65_FROM)


def crb65(known: Known) -> BedsideScore:
    """Score the same without urea, as in the community."""
    return _report("CRB-65", total(_crb(known)), _CRB65_FROM)


def _crb(known: Known) -> list[Item]:
    low = None if "diastolic_pressure" not in known else known["diastolic_pressure"] <= 60
    return [
        criterion(1, ["confusion"], [above(known, "confusion", PRESENT)]),
        criterion(1, ["respiratory_rate"], [above(known, "respiratory_rate", 30)]),
        criterion(
            1,
            ["systolic_pressure", "diastolic_pressure"],
            [below(known, "systolic_pressure", 90), low],
        ),
        criterion(1, ["age"], [above(known, "age", 65)]),
    ]


def _report(name: str, item: Item, starts: tuple[int, int]) -> BedsideScore:
    least, most = (bisect_right(starts, points) for points in (item.least, item.most))
    return report(name, item, _CLASSES, least, most, "Lim 2003; BTS 2009; NICE NG250")
