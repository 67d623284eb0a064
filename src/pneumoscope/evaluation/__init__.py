"""Metrics with intervals, calibration, operating points, and the data they are measured on."""

from pneumoscope.evaluation.bootstrap import Estimate, bootstrap, patient_weights
from pneumoscope.evaluation.calibration import (
    calibration_intercept,
    calibration_slope,
    fit_temperature,
)
from pneumoscope.evaluation.manifest import LabelledImage, Manifest, read_manifest
from pneumoscope.evaluation.metrics import (
    accuracy,
    auroc,
    auroc_macro,
    balanced_accuracy,
    brier,
    f1,
    sensitivity,
    specificity,
)
from pneumoscope.evaluation.summary import (
    EvaluationSummary,
    check_labels,
    evaluate_predictions,
)
from pneumoscope.evaluation.threshold import Rates, rates_at_threshold, threshold_for_sensitivity

__all__ = [
    "Estimate",
    "EvaluationSummary",
    "LabelledImage",
    "Manifest",
    "Rates",
    "accuracy",
    "auroc",
    "auroc_macro",
    "balanced_accuracy",
    "bootstrap",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "check_labels",
    "evaluate_predictions",
    "f1",
    "fit_temperature",
    "patient_weights",
    "rates_at_threshold",
    "read_manifest",
    "sensitivity",
    "specificity",
    "threshold_for_sensitivity",
]
