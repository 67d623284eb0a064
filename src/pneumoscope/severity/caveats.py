"""What limits a severity: its rule base, and what was not given."""

from __future__ import annotations

from pneumoscope.findings import Assessment, PatientContext
from pneumoscope.severity.guideline_base import GUIDELINE

_ADULT_AGE = 18


def rule_base_warnings(rule_base: str, patient: PatientContext) -> list[str]:
    """Say what limits every severity of a rule base.

    Parameters
    ----------
    rule_base : str
        Its name.
    patient : PatientContext

    Returns
    -------
    list of str
        Each names the rule base.
    """
    if rule_base == GUIDELINE:
        return [
            f"The rule base {rule_base} writes sentences of guidelines as rules. No clinician has "
            "reviewed it yet and it was not validated on patients: check its reasons."
        ]
    warnings = [
        f"The rule base {rule_base} is kept as published, with its known defects: it can "
        "call an ill patient negligible. Check its points by hand."
    ]
    if patient.age is not None and patient.age < _ADULT_AGE:
        warnings.append(
            f"The rule base {rule_base} was written for adults; this patient is "
            f"{patient.age:g} years old."
        )
    return warnings


def severity_warnings(severity: Assessment, patient: PatientContext) -> list[str]:
    """Say what limits a severity: of the rule base, and of what was given.

    Parameters
    ----------
    severity : Assessment
    patient : PatientContext

    Returns
    -------
    list of str
        Each names the rule base.
    """
    warnings = rule_base_warnings(severity.rule_base, patient)
    interval = severity.interval
    if interval is not None and interval.is_open:
        names = ", ".join(name.replace("_", " ") for name in interval.missing)
        warnings.append(
            f"Measure or ask: {names}. Until then the level by the rule base {severity.rule_base} "
            f"may be as bad as {interval.most}."
        )
    return warnings
