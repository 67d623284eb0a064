"""Why there is no severity, as data and in words."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pneumoscope.catalogue import to_sentence
from pneumoscope.errors import InputError
from pneumoscope.findings import PatientContext
from pneumoscope.severity import (
    REFUSALS,
    SYMPTOMS,
    PatientNotCoveredError,
    RefusedSymptomError,
    assess,
)

ELEVEN = {name: symptom.minimum for name, symptom in SYMPTOMS.items()}
# What is given, how old the patient is, by which rule base.
CASES: dict[str, tuple[dict[str, Any], float | None, str]] = {
    "age_needed": ({"pulse": 80}, None, "guideline"),
    "age_five_to_seventeen": ({"pulse": 80}, 9, "guideline"),
    "age_under_two_months": ({"pulse": 80}, 0.1, "guideline"),
    "comorbidity_contradicted": ({"comorbidity": 0, "cancer": 1}, 54, "guideline"),
    "diastolic_above_systolic": (
        {"systolic_pressure": 80, "diastolic_pressure": 120.5},
        54,
        "guideline",
    ),
    "symptom_neither_yes_nor_no": ({"stridor": 0.5}, 54, "guideline"),
    "symptom_no_number": ({"pulse": "fast"}, 54, "guideline"),
    "symptom_no_yes_or_no": ({"stridor": True}, 54, "guideline"),
    "symptom_not_finite": ({"pulse": float("inf")}, 54, "guideline"),
    "symptom_outside_range": ({"oxygen_level": 104}, 54, "guideline"),
    "symptom_unknown": ({"{}": 1}, 54, "guideline"),
    "symptom_unknown_like_another": ({"spo2": 93}, 54, "guideline"),
    "symptoms_missing": ({"fatigue": 0.5}, 54, "baral2025"),
    "symptoms_not_taken": (ELEVEN | {"pulse": 80, "urea": 7}, 54, "baral2025"),
    "temperature_above_range": ({"fever_value": 98.6}, 54, "guideline"),
}


def refused(code: str) -> PatientNotCoveredError | RefusedSymptomError:
    symptoms, age, rule_base = CASES[code]
    with pytest.raises(InputError) as caught:
        assess(symptoms, patient=PatientContext(age), rule_base=rule_base)
    assert isinstance(caught.value, PatientNotCoveredError | RefusedSymptomError)
    return caught.value


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_has_its_code_and_the_catalogues_words(code: str) -> None:
    error = refused(code)
    assert error.reason.code == code
    assert str(error) == to_sentence(error.reason)
    assert "\n" not in str(error)


def test_a_refusal_names_what_was_given() -> None:
    assert "'{}'" in str(refused("symptom_unknown"))
    assert "did you mean oxygen_level?" in str(refused("symptom_unknown_like_another"))
    assert "does not take pulse, urea;" in str(refused("symptoms_not_taken"))
    assert "diastolic_pressure 120.5 is above" in str(refused("diastolic_above_systolic"))
    values = refused("symptoms_missing").reason.values
    assert set(values["missing"]) == SYMPTOMS.keys() - {"fatigue"}  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["age_needed", "symptoms_missing"])
def test_a_refusal_comes_whole_from_another_process(code: str) -> None:
    error = refused(code)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), again.reason, str(again)) == (type(error), error.reason, str(error))
