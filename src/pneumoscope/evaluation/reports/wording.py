"""The words and numbers that every report on a labelled folder shares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pneumoscope.evaluation.manifest import PATIENT_COLUMN

METRICS: Mapping[str, str] = MappingProxyType(
    {
        "accuracy": "Accuracy",
        "balanced_accuracy": "Balanced accuracy",
        "auroc_macro": "AUROC, mean over the classes",
        "brier": "Brier score (0 to 2, lower is better)",
        "calibration_slope": "Calibration slope (ideal 1)",
        "calibration_intercept": "Calibration intercept (ideal 0)",
        "auroc": "AUROC",
        "auprc": "AUPRC (average precision)",
        "sensitivity": "Sensitivity of the predicted class",
        "specificity": "Specificity of the predicted class",
        "f1": "F1 score of the predicted class",
    }
)
"""What each metric of an evaluation is called, in the order of the tables."""
SALIENCY_MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "auprc": "Pixelwise AUPRC",
        "mass": "Mass in the boxes",
        "mask": "Otsu mask in the boxes",
        "pointing": "Pointing game",
    }
)
"""What each measure of where heatmaps look is called, in the order of the tables."""


def format_value(value: float | None) -> str:
    """Write a figure with three decimals; "undefined" for None."""
    return "undefined" if value is None else f"{value:.3f}"


def format_estimate(estimate: Mapping[str, Any]) -> str:
    """Write a figure of a document with its interval, such as "0.912 (0.890 to 0.931)"."""
    value, interval = estimate["value"], estimate["ci95"]
    if value is None or interval is None:
        return format_value(value)
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def data_words(data: Mapping[str, Any]) -> str:
    """Name the data of a document on a labelled folder, with what its images were chosen by."""
    where = ", ".join(f"{column} = {value}" for column, value in data["where"].items())
    return f"{data['folder']} ({where})" if where else str(data["folder"])


def patients_words(data: Mapping[str, Any], patients: int) -> str:
    """Count the patients of a document on a labelled folder."""
    if not data["has_patients"]:
        return "patients unknown, each image counted as its own"
    column = data["patient_column"]
    return f"{patients} patients" + ("" if column == PATIENT_COLUMN else f", told by {column}")


def overlap_words(overlap: Mapping[str, Any]) -> str:
    """Count the images that a model has seen in its training, the `overlap` of a document."""
    near = overlap["near"]
    return f"{len(overlap['identical'])} identical images, " + (
        "changed copies not known (the bundle has no perceptual hashes)"
        if near is None
        else f"{len(near)} that look like changed copies"
    )


def without_overlap_words(rest: Mapping[str, Any]) -> str:
    """Head the figures without such images, the `without_overlap` of a document."""
    return f"Without those in training (n = {rest['n']})"


def format_difference(estimate: Mapping[str, Any]) -> str:
    """Write a difference with its interval, such as "+0.012 (-0.003 to +0.027)"."""
    value, interval = estimate["value"], estimate["ci95"]
    if interval is None:
        return f"{value:+.3f}"
    return f"{value:+.3f} ({interval[0]:+.3f} to {interval[1]:+.3f})"


def saliency_groups(saliency: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Name the groups of images that heatmaps were measured on, the headline first."""
    groups = [("Not in the bundle's training", saliency["held_out"])]
    for column, parts in saliency["subgroups"].items():
        groups += [(f"Of these, {column} {part['group']}", part) for part in parts]
    groups.append(("In the bundle's training", saliency["in_training"]))
    return [(name, group) for name, group in groups if group is not None]


def saliency_counts(group: Mapping[str, Any], label: str) -> str:
    """Say over what a class's heatmaps were measured, such as "33 images, 30 patients, ..."."""
    parts = [
        f"{group['n']} images",
        f"{group['patients']} patients",
        f"answered {label} on {group['answered']}",
        f"boxes on {format_estimate(group['area'])} of the image's area",
    ]
    if group["empty"]:
        parts.append(f"{group['empty']} heatmaps empty")
    if group["note"]:
        parts.append(group["note"])
    return ", ".join(parts)
