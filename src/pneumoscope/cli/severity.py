"""`pneumoscope severity`: how ill, from the symptoms alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from pneumoscope.cli.options import JsonTarget, RuleBase, Sex, SymptomFile, SymptomPairs
from pneumoscope.cli.output import check_targets, given_symptoms, json_target, write_result
from pneumoscope.errors import InputError, SymptomError
from pneumoscope.version import VERSION


def severity(
    symptom: SymptomPairs = None,
    symptoms: SymptomFile = None,
    age: Annotated[
        float | None,
        typer.Option(
            metavar="YEARS",
            help="Age of the patient; 0.5 is six months. The rule base guideline needs it.",
        ),
    ] = None,
    sex: Annotated[
        Sex | None, typer.Option(help="Sex of the patient, used by the Pneumonia Severity Index.")
    ] = None,
    rule_base: RuleBase = "guideline",
    json: JsonTarget = None,
) -> None:
    """Grade severity from the symptoms alone.

    The result shows its reasons and the bedside scores. Leave out a symptom
    that is not known, and never write 0 for it: the severity is then a range
    of levels.
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
    write_result(
        document,
        severity_to_text,
        to_stdout=to_stdout,
        json_file=json_file,
    )
