"""Why there is no severity: errors that carry their reason as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pneumoscope.errors import InputError, SymptomError
from pneumoscope.findings import Message, Value

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "age_five_to_seventeen": (
            "the rule base guideline does not cover an age of {age:g}: none of its guidelines "
            "gives a bedside severity for 5 to 17 years; a clinician must judge"
        ),
        "age_needed": (
            "the rule base guideline needs the patient's age: its rules for adults are wrong for a "
            'child; give --age, or in a file of visits "patient": {{"age": 54}}'
        ),
        "age_under_two_months": (
            "the rule base guideline does not cover infants under 2 months: they are outside these "
            "rules; a clinician must see the infant at once"
        ),
        "comorbidity_contradicted": "comorbidity is 0, but {illness} is 1; correct one of them",
        "diastolic_above_systolic": (
            "diastolic_pressure {diastolic:g} is above systolic_pressure {systolic:g}; check which "
            "is which"
        ),
        "symptom_neither_yes_nor_no": "symptom {name} {value:.12g} is neither 1 (yes) nor 0 (no)",
        "symptom_no_number": "symptom {name} is of type {type}, not a number; write it like 38.5",
        "symptom_no_yes_or_no": (
            "symptom {name} is of type {type}, not a number; write 1 for yes and 0 for no"
        ),
        "symptom_not_finite": "symptom {name} is not a finite number; give a measured value",
        "symptom_outside_range": (
            "symptom {name} {value:.12g} is outside {low:g}..{high:g} {unit}; check the value and "
            "its unit"
        ),
        "symptom_unknown": "unknown symptom {name}; use one of {known}",
        "symptom_unknown_like_another": "unknown symptom {name}; did you mean {like}?",
        "symptoms_missing": "missing symptoms: {missing}; give a value for each",
        "symptoms_not_taken": (
            "the rule base {rule_base} does not take {symptoms}; leave that out, or use {instead}"
        ),
        "temperature_above_range": (
            "symptom {name} {value:.12g} is outside {low:g}..{high:g} {unit}; check the value and "
            "its unit; Fahrenheit must be stated: 98.6F, or in a file "
            '{{"value": 98.6, "unit": "F"}}'
        ),
    }
)
"""The words of every reason, by its code; the catalogue takes them from here."""


class RefusedSymptomError(SymptomError):
    """A symptom that no severity can be given for.

    Parameters
    ----------
    reason : Message
        Why, with a code of `REFUSALS`.
    """

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return _words(self.reason)


class PatientNotCoveredError(InputError):
    """No cited guideline covers a patient of this age, or the age is not known.

    Parameters
    ----------
    reason : Message
        Why, with a code of `REFUSALS`.
    """

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return _words(self.reason)


def _words(reason: Message) -> str:
    """Word an error in English, as every error is."""
    return REFUSALS[reason.code].format(**{n: _word(v) for n, v in reason.values.items()})


def _word(value: Value) -> Value:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value
