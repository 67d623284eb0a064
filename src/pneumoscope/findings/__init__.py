"""The values that travel between the rooms: frozen, typed, validated."""

from pneumoscope.findings.assessment import Assessment, FiredRule, SeverityLevel
from pneumoscope.findings.bounds import Bounds
from pneumoscope.findings.change import Change, Direction, Trend
from pneumoscope.findings.course import Course, TrackedVisit
from pneumoscope.findings.decision import Abstention, Confidence, Decision, OperatingPoint
from pneumoscope.findings.diagnosis import NOTICE, BundleIdentity, Diagnosis
from pneumoscope.findings.heatmap import Contour, Heatmap
from pneumoscope.findings.input_spec import InputSpec
from pneumoscope.findings.prediction import Prediction
from pneumoscope.findings.radiograph import (
    MAX_SIDE,
    MIN_SIDE,
    DicomSource,
    PatientContext,
    PatientIdentity,
    Radiograph,
)
from pneumoscope.findings.visit import Visit

__all__ = [
    "MAX_SIDE",
    "MIN_SIDE",
    "NOTICE",
    "Abstention",
    "Assessment",
    "Bounds",
    "BundleIdentity",
    "Change",
    "Confidence",
    "Contour",
    "Course",
    "Decision",
    "Diagnosis",
    "DicomSource",
    "Direction",
    "FiredRule",
    "Heatmap",
    "InputSpec",
    "OperatingPoint",
    "PatientContext",
    "PatientIdentity",
    "Prediction",
    "Radiograph",
    "SeverityLevel",
    "TrackedVisit",
    "Trend",
    "Visit",
]
