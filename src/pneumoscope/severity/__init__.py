"""Symptoms and the image's share to a severity, with the reasons (Baral 2025, 3.6)."""

from pneumoscope.severity.assessment import assess
from pneumoscope.severity.engine import LEVELS, Evaluation, evaluate
from pneumoscope.severity.identity import identify_rule_base
from pneumoscope.severity.personal import personal_theta, rescale
from pneumoscope.severity.rule_base import (
    RuleBase,
    load_rule_base,
    rule_bases,
)
from pneumoscope.severity.symptoms import (
    SYMPTOMS,
    Symptom,
    check_symptoms,
    parse_symptoms,
    read_symptoms,
)

__all__ = [
    "LEVELS",
    "SYMPTOMS",
    "Evaluation",
    "RuleBase",
    "Symptom",
    "assess",
    "check_symptoms",
    "evaluate",
    "identify_rule_base",
    "load_rule_base",
    "parse_symptoms",
    "personal_theta",
    "read_symptoms",
    "rescale",
    "rule_bases",
]
