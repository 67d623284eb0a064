"""Symptoms from a command line or a file, with their stated units."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pneumoscope.errors import SymptomError
from pneumoscope.files import read_limited
from pneumoscope.severity.inputs import INPUTS
from pneumoscope.severity.symptoms import to_number

MAX_FILE_BYTES = 64 * 1024


def _celsius(fahrenheit: float) -> float:
    """Turn degrees Fahrenheit into degrees Celsius.

    Rounded to what no thermometer shows, so that 98.6 F is 37 C.
    """
    return round((fahrenheit - 32) * 5 / 9, 6)


_YES_OR_NO = frozenset({"yes", "no", "true", "false", "y", "n"})
_TO_CELSIUS: Mapping[str, Callable[[float], float]] = MappingProxyType({"C": float, "F": _celsius})
_UNITS: Mapping[str, Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "fever_value": {"C": float, "°C": float, "F": _celsius, "°F": _celsius},
        "fever_duration": {"days": float, "d": float, "hours": lambda value: value / 24},
        "oxygen_level": {"%": float},
    }
)


def parse_symptoms(pairs: Sequence[str]) -> dict[str, float]:
    """Read "name=value" strings, as on a command line.

    Names and ranges are left to `check_symptoms`.

    Parameters
    ----------
    pairs : sequence of str
        Such as ``["fever_value=38.5", "oxygen_level=92"]``. A temperature may have its unit, C or
        F, behind it; without one it is in degrees Celsius.

    Returns
    -------
    dict of str to float
        Value per name, in the order given.

    Raises
    ------
    SymptomError
        For a pair without "=" or without a name, a repeated name, or a value that is not a finite
        number.

    See Also
    --------
    read_symptoms : Symptoms from a JSON file.

    Examples
    --------
    >>> from pneumoscope.severity import parse_symptoms
    >>> parse_symptoms(["oxygen_level=92", "fever_value=98.6F"])
    {'oxygen_level': 92.0, 'fever_value': 37.0}
    """
    values: dict[str, float] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise SymptomError(
                f"symptom {reprlib.repr(pair)} is not name=value; write it like fever_value=38.5"
            )
        if name in values:
            raise SymptomError(f"symptom {reprlib.repr(name)} is given twice; give it once")
        values[name] = to_number(name, _measured(name, text))
    return values


def read_symptoms(path: Path) -> dict[str, float]:
    """Read a JSON object, such as ``{"fever_value": 38.5, "oxygen_level": 92}``.

    Names and ranges are left to `check_symptoms`.

    Parameters
    ----------
    path : Path
        UTF-8 file of at most 64 KiB. A temperature in Fahrenheit is written as "98.6F" or, as in a
        file of visits, ``{"value": 98.6, "unit": "F"}``.

    Returns
    -------
    dict of str to float
        Value per name, in the order of the file.

    Raises
    ------
    SymptomError
        For a file that is missing, unreadable, too large, not JSON, not an object, that repeats a
        name, or holds a value that is not a finite number.
    """
    label = f"symptom file {str(path)!r}"
    try:
        raw = read_limited(path, MAX_FILE_BYTES)
    except OSError as error:
        raise SymptomError(
            f"{label} cannot be read ({error.strerror}); give one JSON object of symptoms"
        ) from error
    try:
        data = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object)
    except SymptomError as error:
        raise SymptomError(f"{label}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise SymptomError(f"{label} is not valid JSON ({error}); correct the file") from error
    if not isinstance(data, dict):
        raise SymptomError(f'{label} is not a JSON object; write it like {{"fever_value": 38.5}}')
    try:
        return {name: _read(name, value) for name, value in data.items()}
    except SymptomError as error:
        raise SymptomError(f"{label}: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a JSON object, refusing the repeated names that `json` would silently drop."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise SymptomError(f"symptom {reprlib.repr(name)} is given twice; give it once")
        result[name] = value
    return result


def _read(name: str, value: object) -> float:
    if isinstance(value, str) and name == "fever_value" and value.strip()[-1:] in _TO_CELSIUS:
        return _measured(name, value)
    return to_number(name, in_own_unit(name, value), INPUTS.get(name))


def in_own_unit(name: str, given: object) -> object:
    """Turn a value with a stated unit into the symptom's own; leave all else as it is.

    Parameters
    ----------
    name : str
        One of `INPUTS`; of any other name the value is given as it is, to be refused by the name.
    given : object
        As JSON gives it: a number, or ``{"value": 98.6, "unit": "F"}``.

    Returns
    -------
    object
        A float in the symptom's unit where a unit was stated with a number; else what was given,
        whose type is left to `to_number`.

    Raises
    ------
    SymptomError
        For an object of another form, and a unit that the symptom is not measured in. A unit is
        never guessed from the value.
    """
    if not isinstance(given, dict):
        return given
    if given.keys() != {"value", "unit"} or not isinstance(given["unit"], str):
        raise SymptomError(
            f"symptom {reprlib.repr(name)} is neither a number nor of the form "
            '{"value": 98.6, "unit": "F"}'
        )
    value, unit = given["value"], given["unit"]
    if name not in INPUTS or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    known = _conversions(name)
    if unit not in known:
        raise SymptomError(
            f"symptom {name} has the unit {reprlib.repr(unit)}; use one of {', '.join(known)}"
        )
    try:
        return known[unit](float(value))
    except OverflowError:
        return value  # refused by its size


def units_of(name: str) -> tuple[str, ...]:
    """Name the units in which an input may be stated, its own among them.

    Parameters
    ----------
    name : str
        One of `INPUTS`.
    """
    return tuple(_conversions(name))


def _conversions(name: str) -> Mapping[str, Callable[[float], float]]:
    return _UNITS.get(name, {INPUTS[name].unit: float})


def _measured(name: str, text: str) -> float:
    """Read a number; that of a temperature may be followed by C or F."""
    text = text.strip()
    if name == "fever_value" and text[-1:] in _TO_CELSIUS:
        convert = _TO_CELSIUS[text[-1]]
        return convert(_float(name, text[:-1].rstrip(" °")))
    return _float(name, text)


def _float(name: str, text: str) -> float:
    try:
        if "_" in text:  # float() would read a mistyped 3_7 as 37
            raise ValueError(text)
        return float(text)
    except ValueError as error:
        way = "write the number alone, like 38.5"
        if name == "fever_value":
            way = "write it like 38.5, 38.5C or 101.3F"
        elif text.lower() in _YES_OR_NO:
            way = "write 1 for yes and 0 for no"
        raise SymptomError(
            f"symptom {reprlib.repr(name)} has the value {reprlib.repr(text)}, which is not a "
            f"number; {way}"
        ) from error
