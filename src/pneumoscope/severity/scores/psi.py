"""PSI, the Pneumonia Severity Index or PORT score (Fine 1997, N Engl J Med 336:243)."""

from __future__ import annotations

from bisect import bisect_left

from pneumoscope.findings import BedsideScore, SeverityLevel
from pneumoscope.severity.scores.score import (
    PRESENT,
    Class,
    Item,
    Known,
    above,
    any_of,
    below,
    criterion,
    report,
    total,
)

ILLNESSES = {
    "cancer": 30,
    "liver_disease": 20,
    "heart_failure": 10,
    "stroke": 10,
    "kidney_disease": 10,
}
"""Coexisting illnesses with their points."""

_CLASSES = (
    Class("class I", (SeverityLevel.NEGLIGIBLE, SeverityLevel.MILD)),
    Class("class II", (SeverityLevel.NEGLIGIBLE, SeverityLevel.MILD)),
    Class("class III", (SeverityLevel.MILD, SeverityLevel.MODERATE)),
    Class("class IV", (SeverityLevel.MODERATE,)),
    Class("class V", (SeverityLevel.SEVERE,)),
)
_ENDS = (70, 90, 130)  # the last points of classes II, III and IV
_NO_STEP_ONE_AGE = 50


def psi(known: Known, sex: str | None) -> BedsideScore:
    """Score age, sex, illnesses, signs and laboratory values.

    Parameters
    ----------
    known : mapping of str to float
        Values by name, "age" among them.
    sex : {"M", "F"} or None
        Women have 10 points less.
    """
    illnesses = [
        criterion(points, [name], [_ill(known, name)]) for name, points in ILLNESSES.items()
    ]
    signs = _signs(known)
    item = total([_age(known, sex), *illnesses, *signs, *_laboratory(known)])
    first = _class_one(known, [*illnesses, *signs])
    least = 0 if first is not False else _class(item.least)
    most = 0 if first else _class(item.most)
    return report("PSI", item, _CLASSES, least, most, "Fine 1997")


def _ill(known: Known, name: str) -> bool | None:
    # Without any lasting illness there is none of these.
    return False if known.get("comorbidity") == 0 else above(known, name, 1)


def _age(known: Known, sex: str | None) -> Item:
    if "age" not in known:
        return Item(0, 130, ("age",))
    years = int(known["age"])
    woman = max(0, years - 10)
    if sex is None:
        return Item(woman, years, ("sex",))
    return Item(years, years) if sex == "M" else Item(woman, woman)


def _signs(known: Known) -> list[Item]:
    temperature = any_of([below(known, "fever_value", 35), above(known, "fever_value", 40)])
    return [
        criterion(20, ["confusion"], [above(known, "confusion", PRESENT)]),
        criterion(20, ["respiratory_rate"], [above(known, "respiratory_rate", 30)]),
        criterion(20, ["systolic_pressure"], [below(known, "systolic_pressure", 90)]),
        criterion(15, ["fever_value"], [temperature]),
        criterion(10, ["pulse"], [above(known, "pulse", 125)]),
    ]


def _laboratory(known: Known) -> list[Item]:
    return [
        criterion(10, ["nursing_home"], [above(known, "nursing_home", 1)]),
        criterion(30, ["arterial_ph"], [below(known, "arterial_ph", 7.35)]),
        criterion(20, ["urea"], [above(known, "urea", 11)]),
        criterion(20, ["sodium"], [below(known, "sodium", 130)]),
        criterion(10, ["glucose"], [above(known, "glucose", 14)]),
        criterion(10, ["haematocrit"], [below(known, "haematocrit", 30)]),
        criterion(10, ["oxygen_level"], [below(known, "oxygen_level", 90)]),
        criterion(10, ["pleural_effusion"], [above(known, "pleural_effusion", 1)]),
    ]


def _class_one(known: Known, items: list[Item]) -> bool | None:
    """Step 1: at most 50 years, none of the illnesses and none of the signs."""
    old = None if "age" not in known else known["age"] > _NO_STEP_ONE_AGE
    found = any_of([old, *((True if i.least else None if i.most else False) for i in items)])
    return None if found is None else not found


def _class(points: int) -> int:
    return 1 + bisect_left(_ENDS, points)
