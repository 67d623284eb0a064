"""The eleven bedside inputs (Baral 2025, 3.3.5): what they are, how they are read and checked."""

from __future__ import annotations

import difflib
import json
import math
import reprlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pneumoscope.errors import SymptomError
from pneumoscope.files import read_limited

MAX_FILE_BYTES = 64 * 1024
SEVERITY_SCALE = "severity scale"
YES_NO = "yes 1, no 0"


def celsius(fahrenheit: float) -> float:
    """Turn degrees Fahrenheit into degrees Celsius.

    Rounded to what no thermometer shows, so that 98.6 F is 37 C.
    """
    return round((fahrenheit - 32) * 5 / 9, 6)


_FAHRENHEIT = (
    '; Fahrenheit must be stated: 98.6F, or in a file of visits {"value": 98.6, "unit": "F"}'
)
_YES_OR_NO = frozenset({"yes", "no", "true", "false", "y", "n"})

# What an unknown name may mean; only for the hint, so that every input has one name.
_OTHER_NAMES = {
    "spo2": "oxygen_level",
    "sao2": "oxygen_level",
    "sats": "oxygen_level",
    "saturation": "oxygen_level",
    "oxygen_saturation": "oxygen_level",
    "temp": "fever_value",
    "temperature": "fever_value",
    "rr": "respiratory_rate",
    "breathing_rate": "respiratory_rate",
    "hr": "pulse",
    "heart_rate": "pulse",
    "bp": "systolic_pressure",
    "sbp": "systolic_pressure",
    "dbp": "diastolic_pressure",
    "bun": "urea",
    "dyspnea": "breathlessness",
    "dyspnoea": "breathlessness",
    "shortness_of_breath": "breathlessness",
    "cough": "cough_severity",
    "sputum": "sputum_production",
    "copd": "comorbidity",
}
_TO_CELSIUS: Mapping[str, Callable[[float], float]] = MappingProxyType({"C": float, "F": celsius})


@dataclass(frozen=True, slots=True)
class Symptom:
    """One bedside input.

    Attributes
    ----------
    name : str
        How it is called on the command line, in files and in rule bases.
    minimum, maximum : float
        The range that is accepted, both ends included, in `unit`.
    unit : str
        "severity scale" (0 none, 1 worst imaginable), "yes 1, no 0", or what it is measured in,
        such as "°C".
    meaning : str
        What is rated or measured, in words.
    worse : {"high", "low"}
        Which end of the range is bad news.
    """

    name: str
    minimum: float
    maximum: float
    unit: str
    meaning: str
    worse: Literal["high", "low"] = "high"

    @property
    def range_text(self) -> str:
        """The accepted range with its unit, such as "35..42 °C"."""
        return f"{self.minimum:g}..{self.maximum:g} {self.unit}"

    def describe(self, value: float) -> str:
        """Name and value in words, such as "oxygen level 91 %" or "oxygen therapy: yes"."""
        if self.unit == YES_NO:
            return f"{self.name.replace('_', ' ')}: {'yes' if value else 'no'}"
        unit = "" if self.unit == SEVERITY_SCALE else f" {self.unit}"
        return f"{self.name.replace('_', ' ')} {value:.12g}{unit}"


def _scale(name: str, meaning: str) -> Symptom:
    return Symptom(name, 0.0, 1.0, SEVERITY_SCALE, meaning)


SYMPTOMS: Mapping[str, Symptom] = MappingProxyType(
    {
        symptom.name: symptom
        for symptom in (
            _scale("breathlessness", "shortness of breath"),
            _scale("sputum_production", "amount of phlegm coughed up"),
            _scale("hemoptysis", "coughing up blood"),
            _scale("fatigue", "tiredness and weakness"),
            _scale("appetite_loss", "loss of appetite"),
            _scale("confusion", "new confusion or disorientation"),
            _scale("chest_pain", "chest pain on breathing or coughing"),
            _scale("cough_severity", "how bad the cough is"),
            Symptom("fever_value", 35.0, 42.0, "°C", "body temperature"),
            Symptom("fever_duration", 0.0, 30.0, "days", "how long the fever has lasted"),
            Symptom(
                "oxygen_level", 80.0, 100.0, "%", "oxygen saturation by pulse oximetry, SpO2", "low"
            ),
        )
    }
)
"""The inputs by name, in the order of the published table."""


def check_symptoms(
    values: Mapping[str, float],
    *,
    required: Collection[str],
    known: Mapping[str, Symptom] = SYMPTOMS,
) -> dict[str, float]:
    """Check names, numbers and ranges.

    Parameters
    ----------
    values : mapping of str to float
        Symptom to value, in the units of `SYMPTOMS`.
    required : collection of str
        Symptoms that must be there.
    known : mapping of str to Symptom
        The inputs with the ranges that are accepted.

    Returns
    -------
    dict of str to float
        The same values, in the order of `known`.

    Raises
    ------
    SymptomError
        For an unknown name, a value that is not a finite number (bool included), one outside the
        symptom's range, or missing symptoms (all are named).
    """
    for name in values:
        if name not in known:
            raise SymptomError(_unknown(str(name), known))
    checked = {name: _number(name, values[name]) for name in known if name in values}
    for name, value in checked.items():
        symptom = known[name]
        if not symptom.minimum <= value <= symptom.maximum:
            hint = _FAHRENHEIT if name == "fever_value" and value > symptom.maximum else ""
            raise SymptomError(
                f"symptom {name} {value:.12g} is outside {symptom.range_text}; "
                f"check the value and its unit{hint}"
            )
    missing = sorted(set(required) - checked.keys())
    if missing:
        raise SymptomError(f"missing symptoms: {', '.join(missing)}; give a value for each")
    return checked


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
        values[name] = _number(name, _measured(name, text))
    return values


def read_symptoms(path: Path) -> dict[str, float]:
    """Read a JSON object of numbers, such as ``{"fever_value": 38.5, "oxygen_level": 92}``.

    Names and ranges are left to `check_symptoms`.

    Parameters
    ----------
    path : Path
        UTF-8 file of at most 64 KiB. A temperature in Fahrenheit is written as "98.6F".

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
        return {name: _number(name, _with_unit(name, value)) for name, value in data.items()}
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


def _with_unit(name: str, value: object) -> object:
    """Convert the text of a temperature with its unit; leave all else as it is."""
    if isinstance(value, str) and name == "fever_value" and value.strip()[-1:] in _TO_CELSIUS:
        return _measured(name, value)
    return value


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


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise SymptomError(
            f"symptom {reprlib.repr(name)} is of type {type(value).__name__}, not a number; "
            "write it like 38.5"
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SymptomError(
            f"symptom {reprlib.repr(name)} is not a finite number; give a measured value"
        )
    return number


def _unknown(name: str, known: Collection[str]) -> str:
    # Lower case and underscores, so that "Fever-Value" finds its way.
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    other = _OTHER_NAMES.get(plain)
    close = [other] if other in known else difflib.get_close_matches(plain, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"
    return f"unknown symptom {reprlib.repr(name)}; {hint}"
