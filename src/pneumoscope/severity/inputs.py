"""Every bedside input that the guidelines' rules and scores know, with what is possible at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pneumoscope.severity.reason import reason
from pneumoscope.severity.refusals import RefusedSymptomError
from pneumoscope.severity.scores import ILLNESSES
from pneumoscope.severity.symptoms import SYMPTOMS, YES_NO, Symptom, check_symptoms

HYPERCAPNIC_TARGET = "hypercapnic_target"

# The published ranges refuse the sickest. These refuse only what cannot be: a slip of the pen, or
# another unit.
_POSSIBLE = {
    "fever_value": (20.0, 47.0),
    "fever_duration": (0.0, 1000.0),
    "oxygen_level": (20.0, 100.0),
}


def _yes_no(name: str, meaning: str) -> Symptom:
    return Symptom(name, 0.0, 1.0, YES_NO, meaning)


_OPTIONAL = (
    Symptom("respiratory_rate", 0.0, 150.0, "/min", "breaths per minute, counted over a minute"),
    Symptom("systolic_pressure", 20.0, 320.0, "mmHg", "systolic blood pressure", "low"),
    Symptom("diastolic_pressure", 0.0, 250.0, "mmHg", "diastolic blood pressure", "low"),
    Symptom("pulse", 10.0, 350.0, "/min", "heart beats per minute"),
    Symptom("urea", 0.1, 150.0, "mmol/L", "blood urea (urea nitrogen in mg/dL divided by 2.8)"),
    _yes_no("oxygen_therapy", "breathes extra oxygen now"),
    _yes_no(
        "comorbidity",
        "cancer, or a lasting illness of heart, lung, liver, kidney, brain or immunity",
    ),
    _yes_no("danger_sign", "child: cannot drink, vomits everything, convulsions, hard to wake"),
    _yes_no("chest_indrawing", "child: the lower chest wall goes in on breathing in"),
    _yes_no("stridor", "child: harsh noise on breathing in while calm"),
    _yes_no(HYPERCAPNIC_TARGET, "a clinician set an SpO2 target of 88 to 92 % (NEWS2 scale 2)"),
    _yes_no("nursing_home", "lives in a nursing home"),
    _yes_no("cancer", "cancer, active or within a year"),
    _yes_no("liver_disease", "cirrhosis or chronic active hepatitis"),
    _yes_no("heart_failure", "congestive heart failure"),
    _yes_no("stroke", "stroke or transient ischaemic attack in the past"),
    _yes_no("kidney_disease", "kidney disease"),
    _yes_no("pleural_effusion", "pleural effusion on the radiograph"),
    Symptom("arterial_ph", 6.4, 8.0, "pH", "arterial pH", "low"),
    Symptom("sodium", 80.0, 220.0, "mmol/L", "blood sodium", "low"),
    Symptom("glucose", 0.3, 150.0, "mmol/L", "blood glucose"),
    Symptom("haematocrit", 4.0, 80.0, "%", "haematocrit", "low"),
)

INPUTS: Mapping[str, Symptom] = MappingProxyType(
    {
        name: replace(symptom, minimum=low, maximum=high)
        for name, symptom in SYMPTOMS.items()
        for low, high in [_POSSIBLE.get(name, (symptom.minimum, symptom.maximum))]
    }
    | {symptom.name: symptom for symptom in _OPTIONAL}
)
"""The eleven symptoms in the range of the possible, and the optional inputs, by name."""


def check_inputs(values: Mapping[str, float]) -> dict[str, float]:
    """Check the inputs of `guideline` and of the bedside scores; none is required.

    Parameters
    ----------
    values : mapping of str to float
        Input to value, in the units of `INPUTS`.

    Returns
    -------
    dict of str to float
        The same values, in the order of `INPUTS`.

    Raises
    ------
    RefusedSymptomError
        For an unknown name, a value that is no finite number or not possible, a yes or no that is
        neither 1 nor 0, a diastolic pressure above the systolic, or a named illness beside no
        comorbidity.

    See Also
    --------
    check_symptoms : The same for the eleven symptoms of a published rule base.

    Examples
    --------
    >>> from pneumoscope.severity import check_inputs
    >>> check_inputs({"urea": 8.1, "oxygen_level": 92})
    {'oxygen_level': 92.0, 'urea': 8.1}
    >>> check_inputs({"oxygen_level": 0.92})
    Traceback (most recent call last):
        ...
    pneumoscope.severity.refusals.RefusedSymptomError: ...
    """
    checked = check_symptoms(values, required=(), known=INPUTS)
    for name, value in checked.items():
        if INPUTS[name].unit == YES_NO and value not in (0, 1):
            raise RefusedSymptomError(reason("symptom_neither_yes_nor_no", name=name, value=value))
    systolic, diastolic = (checked.get(f"{end}_pressure") for end in ("systolic", "diastolic"))
    if systolic is not None and diastolic is not None and diastolic > systolic:
        raise RefusedSymptomError(
            reason("diastolic_above_systolic", diastolic=diastolic, systolic=systolic)
        )
    ill = next((name for name in ILLNESSES if checked.get(name)), None)
    if ill is not None and checked.get("comorbidity") == 0:
        raise RefusedSymptomError(reason("comorbidity_contradicted", illness=ill))
    return checked
