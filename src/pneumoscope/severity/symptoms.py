"""The eleven bedside inputs (Baral 2025, 3.3.5): what they are, and how they are checked."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Literal

from pneumoscope.findings import Message, Value
from pneumoscope.severity.reason import reason
from pneumoscope.severity.refusals import RefusedSymptomError

SEVERITY_SCALE = "severity scale"
YES_NO = "yes 1, no 0"

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
    RefusedSymptomError
        For an unknown name, a value that is not a finite number (bool included), one outside the
        symptom's range, or missing symptoms (all are named).
    """
    for name in values:
        if name not in known:
            raise RefusedSymptomError(_unknown(str(name), known))
    checked = {name: to_number(name, values[name], known[name]) for name in known if name in values}
    for name, value in checked.items():
        symptom = known[name]
        if not symptom.minimum <= value <= symptom.maximum:
            raise RefusedSymptomError(_outside(symptom, value))
    missing = sorted(set(required) - checked.keys())
    if missing:
        raise RefusedSymptomError(reason("symptoms_missing", missing=tuple(missing)))
    return checked


def to_number(name: str, value: object, symptom: Symptom | None = None) -> float:
    """Give a value as a finite float.

    Raises
    ------
    RefusedSymptomError
        For any other type (bool included), an infinite number or none; the message says how to
        write the symptom, where that is known.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        told: dict[str, Value] = {"name": reprlib.repr(name), "type": type(value).__name__}
        if symptom is not None and symptom.unit == YES_NO:
            raise RefusedSymptomError(reason("symptom_no_yes_or_no", **told))
        raise RefusedSymptomError(reason("symptom_no_number", **told))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RefusedSymptomError(reason("symptom_not_finite", name=reprlib.repr(name)))
    return number


def _outside(symptom: Symptom, value: float) -> Message:
    told: dict[str, Value] = {
        "name": symptom.name,
        "value": value,
        "low": symptom.minimum,
        "high": symptom.maximum,
        "unit": symptom.unit,
    }
    if symptom.name == "fever_value" and value > symptom.maximum:
        return reason("temperature_above_range", **told)
    return reason("symptom_outside_range", **told)


def _unknown(name: str, known: Collection[str]) -> Message:
    # Lower case and underscores, so that "Fever-Value" finds its way.
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    other = _OTHER_NAMES.get(plain)
    close = [other] if other in known else difflib.get_close_matches(plain, known, n=1)
    quoted = reprlib.repr(name)
    if close:
        return reason("symptom_unknown_like_another", name=quoted, like=str(close[0]))
    return reason("symptom_unknown", name=quoted, known=tuple(known))
