"""Symptoms and the image's evidence to a severity, with the reasons.

`guideline` (the default) turns published guidelines into monotone fuzzy rules; `baral2025` is the
published rule base (Baral 2025, 3.6), to the letter.
"""

from pneumoscope.severity.assessment import assess, check_case, rule_bases
from pneumoscope.severity.caveats import severity_warnings
from pneumoscope.severity.guideline_base import GUIDELINE, PatientNotCoveredError
from pneumoscope.severity.inputs import INPUTS, check_inputs
from pneumoscope.severity.symptoms import (
    SYMPTOMS,
    Symptom,
    check_symptoms,
    parse_symptoms,
    read_symptoms,
)

__all__ = [
    "GUIDELINE",
    "INPUTS",
    "SYMPTOMS",
    "PatientNotCoveredError",
    "Symptom",
    "assess",
    "check_case",
    "check_inputs",
    "check_symptoms",
    "parse_symptoms",
    "read_symptoms",
    "rule_bases",
    "severity_warnings",
]
