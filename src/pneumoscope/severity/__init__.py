"""Symptoms and the image's evidence to a severity, with the reasons.

`guideline` (the default) turns published guidelines into monotone fuzzy rules; `baral2025` is the
published rule base (Baral 2025, 3.3.5 and 3.3.6), to the letter.
"""

from pneumoscope.severity.assessment import assess, check_case, check_rule_base, rule_bases
from pneumoscope.severity.caveats import rule_base_warnings, severity_warnings
from pneumoscope.severity.engine import LEVELS, Evaluation, evaluate
from pneumoscope.severity.guideline_base import GUIDELINE
from pneumoscope.severity.identity import identify_rule_base
from pneumoscope.severity.inputs import HYPERCAPNIC_TARGET, INPUTS, check_inputs
from pneumoscope.severity.personal import personal_theta, rescale
from pneumoscope.severity.printed import format_score
from pneumoscope.severity.reading import in_own_unit, parse_symptoms, read_symptoms, units_of
from pneumoscope.severity.refusals import (
    REFUSALS,
    PatientNotCoveredError,
    RefusedSymptomError,
)
from pneumoscope.severity.rule_base import RuleBase, load_rule_base
from pneumoscope.severity.symptoms import (
    SEVERITY_SCALE,
    SYMPTOMS,
    YES_NO,
    Symptom,
    check_symptoms,
)

__all__ = [
    "GUIDELINE",
    "HYPERCAPNIC_TARGET",
    "INPUTS",
    "LEVELS",
    "REFUSALS",
    "SEVERITY_SCALE",
    "SYMPTOMS",
    "YES_NO",
    "Evaluation",
    "PatientNotCoveredError",
    "RefusedSymptomError",
    "RuleBase",
    "Symptom",
    "assess",
    "check_case",
    "check_inputs",
    "check_rule_base",
    "check_symptoms",
    "evaluate",
    "format_score",
    "identify_rule_base",
    "in_own_unit",
    "load_rule_base",
    "parse_symptoms",
    "personal_theta",
    "read_symptoms",
    "rescale",
    "rule_base_warnings",
    "rule_bases",
    "severity_warnings",
    "units_of",
]
