"""NEWS2, the National Early Warning Score (Royal College of Physicians 2017).

Its table knows whole numbers, and a tenth of a degree; between two cells the worse one counts.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from pneumoscope.findings import BedsideScore, SeverityLevel
from pneumoscope.severity.scores.score import (
    PRESENT,
    Class,
    Item,
    Known,
    above,
    banded,
    criterion,
    report,
    total,
)

_INF = math.inf
_JUST_ABOVE = 1e-9  # an upper limit that belongs to its band
_CLASSES = (
    Class("low risk", (SeverityLevel.NEGLIGIBLE, SeverityLevel.MILD)),
    Class("low-medium risk (3 points for one sign)", (SeverityLevel.MILD, SeverityLevel.MODERATE)),
    Class("medium risk", (SeverityLevel.MODERATE,)),
    Class("high risk", (SeverityLevel.SEVERE,)),
)
_RED = 3


def _up_to(limit: float) -> float:
    return limit + _JUST_ABOVE


_RATE = ((9, 3), (12, 1), (_up_to(20), 0), (_up_to(24), 2), (_INF, 3))
_SPO2_1 = ((92, 3), (94, 2), (96, 1), (_INF, 0))
_SPO2_2 = ((84, 3), (86, 2), (88, 1))
_SPO2_2_AIR = (*_SPO2_2, (_INF, 0))
_SPO2_2_OXYGEN = (*_SPO2_2, (_up_to(92), 0), (_up_to(94), 1), (_up_to(96), 2), (_INF, 3))
_PRESSURE = ((91, 3), (101, 2), (111, 1), (_up_to(219), 0), (_INF, 3))
_PULSE = ((41, 3), (51, 1), (_up_to(90), 0), (_up_to(110), 1), (_up_to(130), 2), (_INF, 3))
_TEMPERATURE = ((35.1, 3), (36.1, 1), (_up_to(38), 0), (_up_to(39), 1), (_INF, 2))


def news2(known: Known) -> BedsideScore:
    """Score breathing, SpO2, oxygen, pressure, pulse, consciousness and temperature.

    SpO2 by scale 1, or by scale 2 where `hypercapnic_target` says that a clinician chose it.
    """
    signs = [
        banded(known, "respiratory_rate", _RATE, 3),
        _oxygen(known),
        banded(known, "systolic_pressure", _PRESSURE, 3),
        banded(known, "pulse", _PULSE, 3),
        criterion(3, ["confusion"], [above(known, "confusion", PRESENT)]),
        banded(known, "fever_value", _TEMPERATURE, 3),
    ]
    given = criterion(2, ["oxygen_therapy"], [above(known, "oxygen_therapy", 1)])
    item = total([*signs, given])
    least = _class(item.least, red=any(sign.least == _RED for sign in signs))
    most = _class(item.most, red=any(sign.most == _RED for sign in signs))
    return report("NEWS2", item, _CLASSES, least, most, "Royal College of Physicians 2017")


def _oxygen(known: Known) -> Item:
    if not known.get("hypercapnic_target"):
        return banded(known, "oxygen_level", _SPO2_1, 3)
    air = banded(known, "oxygen_level", _SPO2_2_AIR, 3)
    oxygen = banded(known, "oxygen_level", _SPO2_2_OXYGEN, 3)
    if "oxygen_therapy" in known:
        return oxygen if known["oxygen_therapy"] else air
    missing = ("oxygen_therapy",) if air != oxygen else ()
    return Item(air.least, oxygen.most, air.missing + missing)


def _class(points: int, *, red: bool) -> int:
    """0..4 low, but a sign of 3 points is low-medium; 5..6 medium; 7 and more high."""
    step = bisect_right((5, 7), points)
    return step + 1 if step else int(red)
