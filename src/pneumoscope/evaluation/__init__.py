"""Metrics with intervals, calibration, operating points, comparisons, and labelled data."""

from pneumoscope.evaluation.bootstrap import (
    Band,
    Estimate,
    bootstrap,
    bootstrap_band,
    patient_weights,
)
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
from pneumoscope.evaluation.curves import (
    Curve,
    average_precision,
    precision_recall_curve,
    roc_curve,
)
from pneumoscope.evaluation.decision_curve import DecisionCurve, decision_curve, net_benefit
from pneumoscope.evaluation.figures import EvaluationFigures, OneVsRest, evaluate_figures
from pneumoscope.evaluation.fingerprint import (
    CopyGroup,
    CrossTable,
    DataFingerprint,
    ImageFacts,
    cross_table,
    image_facts,
    measure_fingerprint,
    near_pairs,
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
from pneumoscope.evaluation.per_class import (
    ClassRates,
    class_rates,
    confusion_counts,
    rates_of_confusion,
)
from pneumoscope.evaluation.reliability import (
    Reliability,
    observed_to_expected,
    quantile_bins,
    reliability_curve,
)
from pneumoscope.evaluation.subgroups import (
    Subgroup,
    age_band,
    check_columns,
    group_names,
    measure_subgroups,
)
from pneumoscope.evaluation.summary import (
    EvaluationSummary,
    check_labels,
    evaluate_predictions,
)
from pneumoscope.evaluation.threshold import Rates, rates_at_threshold, threshold_for_sensitivity

__all__ = [
    "NO_TEST",
    "Band",
    "ClassRates",
    "ComparisonSummary",
    "CopyGroup",
    "CrossTable",
    "Curve",
    "DataFingerprint",
    "DecisionCurve",
    "Difference",
    "DiscordantTest",
    "Estimate",
    "EvaluationFigures",
    "EvaluationSummary",
    "ImageFacts",
    "LabelledImage",
    "Manifest",
    "OneVsRest",
    "PairedTest",
    "Rates",
    "Reliability",
    "ResampledTTest",
    "Subgroup",
    "accuracy",
    "age_band",
    "auroc",
    "auroc_macro",
    "average_precision",
    "balanced_accuracy",
    "bootstrap",
    "bootstrap_band",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "check_columns",
    "check_labels",
    "class_rates",
    "compare_predictions",
    "confusion_counts",
    "cross_table",
    "decision_curve",
    "delong",
    "evaluate_figures",
    "evaluate_predictions",
    "f1",
    "fit_temperature",
    "group_names",
    "image_facts",
    "mcnemar",
    "measure_fingerprint",
    "measure_subgroups",
    "near_pairs",
    "net_benefit",
    "observed_to_expected",
    "patient_weights",
    "precision_recall_curve",
    "quantile_bins",
    "rates_at_threshold",
    "rates_of_confusion",
    "read_manifest",
    "reliability_curve",
    "resampled_t_test",
    "roc_curve",
    "sensitivity",
    "specificity",
    "threshold_for_sensitivity",
]
