"""Words for what thresholds and prediction sets give on a labelled folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pneumoscope.evaluation.reports.wording import format_estimate
from pneumoscope.reports import format_threshold

PURPOSES = {"rule_out": "rule out", "rule_in": "rule in"}


def decision_groups(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Name the images that thresholds were measured on: all, then by profile where there are more.

    Parameters
    ----------
    document : mapping
        From `to_evaluation_document`.

    Returns
    -------
    list of (str, mapping)
        Each with its part of the document.
    """
    profiles = [
        (f"{one['age_group']}, {one['view']} view" if one["view"] else one["age_group"], one)
        for one in document["profiles"]
    ]
    return profiles if len(profiles) == 1 else [("all images", document), *profiles]


def threshold_words(point: Mapping[str, Any]) -> str:
    """Name a measured threshold, such as "rule out PNEUMONIA (from 0.1805)"."""
    threshold = point["threshold"]
    at = "each profile's own" if threshold is None else f"from {format_threshold(threshold)}"
    return f"{PURPOSES[point['purpose']]} {point['class']} ({at})"


def decision_words(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell zones, prediction sets and age groups of all images in sentences.

    Parameters
    ----------
    document : mapping
        From `to_evaluation_document`.
    """
    sentences = []
    if (zones := document["zones"]) is not None:
        label = document["operating_points"][0]["class"]
        sentences.append(
            f"{label}: ruled out in {zones['negative']} images, ruled in in {zones['positive']}, "
            f"neither in {zones['indeterminate']}."
        )
    if (sets := document["prediction_sets"]) is not None:
        stated = "each profile's own" if sets["coverage"] is None else f"{sets['coverage']:g}"
        sentences.append(
            f"Prediction sets of several classes: {sets['several']} of {sets['images']} images. "
            f"Share of sets that hold the true class: {format_estimate(sets['holding_truth'])}, "
            f"stated: {stated}."
        )
    if guessed := sum(one["chosen_by"].get("image", 0) for one in document["profiles"]):
        sentences.append(
            f"The age of {guessed} images is not known: the image told their age group, which may "
            "be wrong."
        )
    return tuple(sentences)
