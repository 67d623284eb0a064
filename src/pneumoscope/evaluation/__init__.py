"""Metrics with intervals, calibration, operating points, comparisons, and labelled data."""

from pneumoscope.evaluation.bootstrap import Estimate, bootstrap, patient_weights
from pneumoscope.evaluation.calibration import (
    calibration_intercept,
    calibration_slope,
    fit_temperature,
)
from pneumoscope.evaluation.comparison import (
    NO_TEST,
    ComparisonSummary,
    Difference,
    compare_predictions,
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
from pneumoscope.evaluation.paired_tests import (
    DiscordantTest,
    PairedTest,
    ResampledTTest,
    delong,
    mcnemar,
    resampled_t_test,
)
from pneumoscope.evaluation.summary import (
    EvaluationSummary,
    check_labels,
    evaluate_predictions,
)
from pneumoscope.evaluation.threshold import Rates, rates_at_threshold, threshold_for_sensitivity

__all__ = [
    "NO_TEST",
    "ComparisonSummary",
    "Difference",
    "DiscordantTest",
    "Estimate",
    "EvaluationSummary",
    "LabelledImage",
    "Manifest",
    "PairedTest",
    "Rates",
    "ResampledTTest",
    "accuracy",
    "auroc",
    "auroc_macro",
    "balanced_accuracy",
    "bootstrap",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "check_labels",
    "compare_predictions",
    "delong",
    "evaluate_predictions",
    "f1",
    "fit_temperature",
    "mcnemar",
    "patient_weights",
    "rates_at_threshold",
    "read_manifest",
    "resampled_t_test",
    "sensitivity",
    "specificity",
    "threshold_for_sensitivity",
]
