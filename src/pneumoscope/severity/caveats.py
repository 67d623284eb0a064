"""What limits a severity: its rule base, and what was not given."""

from __future__ import annotations

from pneumoscope.findings import Assessment, Message, PatientContext
from pneumoscope.severity.guideline_base import GUIDELINE
from pneumoscope.severity.reason import reason

_ADULT_AGE = 18


def rule_base_warnings(rule_base: str, patient: PatientContext) -> list[Message]:
    """Say what limits every severity of a rule base.

    Parameters
    ----------
    rule_base : str
        Its name.
    patient : PatientContext

    Returns
    -------
    list of Message
    """
    if rule_base == GUIDELINE:
        return [reason("rule_base_not_reviewed", rule_base=rule_base)]
    warnings = [reason("rule_base_as_published", rule_base=rule_base)]
    if patient.age is not None and patient.age < _ADULT_AGE:
        warnings.append(reason("rule_base_for_adults", rule_base=rule_base, age=patient.age))
    return warnings


def severity_warnings(severity: Assessment, patient: PatientContext) -> list[Message]:
    """Say what limits a severity: of the rule base, and of what was given.

    Parameters
    ----------
    severity : Assessment
    patient : PatientContext

    Returns
    -------
    list of Message
    """
    warnings = rule_base_warnings(severity.rule_base, patient)
    interval = severity.interval
    if interval is not None and interval.is_open:
        missing, level = interval.missing, interval.most.value
        warnings.append(
            reason("measure_or_ask", rule_base=severity.rule_base, missing=missing, level=level)
        )
    return warnings
