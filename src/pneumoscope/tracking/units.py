"""Units in which a symptom may be stated, and their way to the unit of the program."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping

from pneumoscope.errors import VisitError
from pneumoscope.severity import INPUTS, celsius


def _same(value: float) -> float:
    return value


_UNITS: Mapping[str, Mapping[str, Callable[[float], float]]] = {
    "fever_value": {
        "C": _same,
        "°C": _same,
        "F": celsius,
        "°F": celsius,
    },
    "fever_duration": {"days": _same, "d": _same, "hours": lambda value: value / 24},
    "oxygen_level": {"%": _same},
}


def convert(symptom: str, value: float, unit: str) -> float:
    """Turn a value with its stated unit into the symptom's own unit.

    Parameters
    ----------
    symptom : str
        One of `INPUTS`.
    value : float
        In `unit`.
    unit : str
        Such as "F"; never guessed from the value.

    Raises
    ------
    VisitError
        For a unit that the symptom is not measured in.
    """
    known = _UNITS.get(symptom, {INPUTS[symptom].unit: _same})
    if unit not in known:
        raise VisitError(
            f"symptom {symptom} has the unit {reprlib.repr(unit)}; use one of {', '.join(known)}"
        )
    return known[unit](value)
