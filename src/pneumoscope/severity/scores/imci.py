"""The WHO's class of a child of 2 to 59 months with cough or difficult breathing (IMCI 2014)."""

from __future__ import annotations

from pneumoscope.findings import BedsideScore, SeverityLevel
from pneumoscope.severity.scores.score import (
    PRESENT,
    Class,
    Item,
    Known,
    above,
    any_of,
    below,
    report,
)

IMCI = "WHO IMCI"

_CLASSES = (
    Class("cough or cold", (SeverityLevel.NEGLIGIBLE, SeverityLevel.MILD)),
    Class("pneumonia", (SeverityLevel.MODERATE,)),
    Class("severe pneumonia or very severe disease", (SeverityLevel.SEVERE,)),
)
_SEVERE = ("danger_sign", "stridor", "oxygen_level")
_PNEUMONIA = ("chest_indrawing", "respiratory_rate")


def fast_breathing(age: float) -> float:
    """Breaths per minute from which on breathing is fast: 50 before the first birthday, then 40."""
    return 50.0 if age < 1 else 40.0


def imci(known: Known) -> BedsideScore | None:
    """Class a child; None without cough and difficult breathing, where the chart does not apply.

    Severe with a general danger sign, stridor in a calm child, or an SpO2 under 90 %; pneumonia
    with chest indrawing or fast breathing; else cough or cold.
    """
    ill = any_of([above(known, name, PRESENT) for name in ("cough_severity", "breathlessness")])
    if ill is False:
        return None
    answers = {
        "danger_sign": above(known, "danger_sign", 1),
        "stridor": above(known, "stridor", 1),
        "oxygen_level": below(known, "oxygen_level", 90),
        "chest_indrawing": above(known, "chest_indrawing", 1),
        "respiratory_rate": above(known, "respiratory_rate", fast_breathing(known["age"])),
    }
    severe = any_of([answers[name] for name in _SEVERE])
    pneumonia = any_of([answers[name] for name in _PNEUMONIA])
    least = 2 if severe else int(bool(pneumonia))
    most = 2 if severe is not False else int(pneumonia is not False)
    asked = _SEVERE if pneumonia else _SEVERE + _PNEUMONIA
    missing = () if severe else tuple(name for name in asked if answers[name] is None)
    return report(IMCI, Item(least, most, missing), _CLASSES, least, most, "IMCI 2014")
