"""`pneumoscope severity`: how ill, from the symptoms alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import RULE_BASES, JsonTarget
from pneumoscope.cli.output import check_targets, deliver, given_symptoms, json_target
from pneumoscope.errors import InputError, SymptomError
from pneumoscope.version import VERSION


def severity(
    symptom: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="One symptom, such as fever_value=98.6F; again for each."
        ),
    ] = None,
    symptoms: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Symptoms as a JSON object of names and numbers."),
    ] = None,
    age: Annotated[
        float | None, typer.Option(metavar="YEARS", help="guideline needs it; 0.5 is six months.")
    ] = None,
    sex: Annotated[str | None, typer.Option(metavar="M|F", help="For PSI.")] = None,
    rule_base: Annotated[str, typer.Option(metavar="NAME", help=f"{RULE_BASES}.")] = "guideline",
    json: JsonTarget = None,
) -> None:
    """Give a severity from the symptoms, with its reasons and the bedside scores.

    Symptoms, rated 0 (none) to 1 (worst imaginable): breathlessness, sputum_production,
    hemoptysis, fatigue, appetite_loss, confusion, chest_pain, cough_severity. Measured: fever_value
    (°C, or with F behind it), fever_duration (days), oxygen_level (SpO2 in %), respiratory_rate
    (/min), systolic_pressure (mmHg). Leave out what is not known: the level is then an interval;
    never write 0 for it.

    More, where known: pulse (/min), diastolic_pressure (mmHg), urea, sodium, glucose (mmol/L),
    arterial_ph, haematocrit (%). Yes 1, no 0: oxygen_therapy, comorbidity, cancer, liver_disease,
    heart_failure, stroke, kidney_disease, nursing_home, pleural_effusion, hypercapnic_target (a
    clinician set an SpO2 target of 88 to 92 %), and of a child danger_sign, chest_indrawing,
    stridor.
    """
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[] if symptoms is None else [symptoms])
    given = given_symptoms(symptom or [], symptoms)
    if not given:
        raise SymptomError("no symptom is given; write one like --symptom oxygen_level=92")

    from pneumoscope.documents import to_severity_document
    from pneumoscope.findings import PatientContext, Provenance
    from pneumoscope.reports import severity_to_text
    from pneumoscope.severity import assess, identify_rule_base, severity_warnings

    try:
        patient = PatientContext(age, sex)
    except ValueError as error:
        raise InputError(str(error)) from None
    result = assess(given, patient=patient, rule_base=rule_base)
    document = to_severity_document(
        result,
        symptoms=given,
        patient=patient,
        warnings=tuple(severity_warnings(result, patient)),
        provenance=Provenance(VERSION, datetime.now(UTC), rule_base=identify_rule_base(rule_base)),
    )
    deliver(
        document,
        severity_to_text,
        to_stdout=to_stdout,
        json_file=json_file,
    )
