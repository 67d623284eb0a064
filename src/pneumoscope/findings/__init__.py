"""The values that travel between the rooms: frozen, typed, validated."""

from pneumoscope.findings.age_group import AgeGroup, AgeGroupChoice
from pneumoscope.findings.assessment import Assessment
from pneumoscope.findings.bounds import Bounds
from pneumoscope.findings.change import Change, Direction, Trend
from pneumoscope.findings.course import Course, TrackedVisit
from pneumoscope.findings.decision import Confidence, Decision
from pneumoscope.findings.diagnosis import NOTICE, BundleIdentity, Diagnosis
from pneumoscope.findings.heatmap import Contour, Heatmap
from pneumoscope.findings.image_kind import ImageKind
from pneumoscope.findings.input_spec import InputSpec
from pneumoscope.findings.lung_mask import LungMask
from pneumoscope.findings.message import About, Message, Quantity, Value
from pneumoscope.findings.operating_point import OperatingPoint, Purpose, Rate, Zone
from pneumoscope.findings.picture_check import PictureCheck
from pneumoscope.findings.prediction import Prediction
from pneumoscope.findings.profile import Profile
from pneumoscope.findings.provenance import EngineInfo, Provenance
from pneumoscope.findings.radiograph import (
    MAX_SIDE,
    MIN_SIDE,
    DicomSource,
    PatientContext,
    PatientIdentity,
    Radiograph,
)
from pneumoscope.findings.reasons import (
    BedsideScore,
    FiredRule,
    GradedInput,
    ImageEffect,
    Influence,
    LevelInterval,
    PersonalView,
    SeverityLevel,
    TurningPoint,
)
from pneumoscope.findings.visit import Visit

__all__ = [
    "MAX_SIDE",
    "MIN_SIDE",
    "NOTICE",
    "About",
    "AgeGroup",
    "AgeGroupChoice",
    "Assessment",
    "BedsideScore",
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
    "EngineInfo",
    "FiredRule",
    "GradedInput",
    "Heatmap",
    "ImageEffect",
    "ImageKind",
    "Influence",
    "InputSpec",
    "LevelInterval",
    "LungMask",
    "Message",
    "OperatingPoint",
    "PatientContext",
    "PatientIdentity",
    "PersonalView",
    "PictureCheck",
    "Prediction",
    "Profile",
    "Provenance",
    "Purpose",
    "Quantity",
    "Radiograph",
    "Rate",
    "SeverityLevel",
    "TrackedVisit",
    "Trend",
    "TurningPoint",
    "Value",
    "Visit",
    "Zone",
]
