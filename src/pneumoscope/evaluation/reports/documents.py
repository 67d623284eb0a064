"""An evaluation, a comparison or a data folder as JSON, as the schemas in docs/reference say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from pneumoscope.documents import clean_text, clean_texts, message_values
from pneumoscope.evaluation.reports.wording import METRICS
from pneumoscope.findings import NOTICE, BundleIdentity, Message

SCHEMA_VERSION = 1
"""Of the documents that have kept their first form."""
EVALUATION_VERSION = 2

# What is told of the images without those that were in the training.
_REST = ("n", "patients", *METRICS)
_REST_OF_COMPARISON = ("n", "patients", "differences", "tests")


class EvaluationData(TypedDict):
    """The data of an evaluation.

    Attributes
    ----------
    folder : str
        Name of the data folder, without its parents.
    images : int
        Images found, readable or not.
    unreadable : list of str
        Files that could not be read, relative to the folder.
    has_patients : bool
        Whether the data say which images share a patient.
    patient_column : str or None
        The column of the data that says so.
    where : dict of str to str
        The columns and values that the images were chosen by; empty for all images.
    """

    folder: str
    images: int
    unreadable: list[str]
    has_patients: bool
    patient_column: str | None
    where: dict[str, str]


class Overlap(TypedDict):
    """Which images a model has seen in its training, relative to the folder.

    Attributes
    ----------
    identical : list of str
        Those with the pixels of a training image.
    near : list of str or None
        Others that look like changed copies of one; None where the model cannot tell.
    """

    identical: list[str]
    near: list[str] | None


def to_evaluation_document(
    summary: Mapping[str, object],
    *,
    bundle: BundleIdentity,
    data: EvaluationData,
    overlap: Overlap,
    decisions: Mapping[str, object],
    without_overlap: Mapping[str, object] | None = None,
    saliency: Mapping[str, object] | None = None,
    warnings: tuple[Message, ...] = (),
) -> dict[str, object]:
    """Give an evaluation as plain JSON values, as docs/reference/evaluation.schema.json says.

    Parameters
    ----------
    summary : mapping of str to object
        From `metrics.EvaluationSummary.as_dict`, followed by what
        `EvaluationFigures.as_dict` gives, where there are figures.
    bundle : BundleIdentity
        The model that was evaluated.
    data : EvaluationData
        What it was evaluated on.
    overlap : Overlap
        Which of these images the model has seen in its training.
    decisions : mapping of str to object
        What thresholds and prediction sets give here, from `MeasuredDecisions.as_dict`.
    without_overlap : mapping of str to object, optional
        As `summary`, of the other images; its counts and metrics are kept.
    saliency : mapping of str to object, optional
        Where the heatmaps look, from `evaluation.FolderSaliency.as_dict`.
    warnings : tuple of Message
        What the reader must know before believing the numbers.

    Returns
    -------
    dict of str to object
        In the order of the schema, with the notice.
    """
    return {
        "schema_version": EVALUATION_VERSION,
        "bundle": _bundle(bundle),
        "data": _data(data),
        **summary,
        "overlap": _overlap(overlap),
        "without_overlap": None
        if without_overlap is None
        else {name: without_overlap[name] for name in _REST if name in without_overlap},
        **({} if saliency is None else {"saliency": clean_texts(saliency)}),
        **{name: clean_texts(value) for name, value in decisions.items()},
        "warnings": message_values(warnings),
        "notice": NOTICE,
    }


def to_comparison_document(
    summary: Mapping[str, object],
    *,
    bundles: tuple[BundleIdentity, BundleIdentity],
    overlaps: tuple[Overlap, Overlap],
    abstained: int,
    data: EvaluationData,
    without_overlap: Mapping[str, object] | None = None,
    warnings: tuple[Message, ...] = (),
) -> dict[str, object]:
    """Give a comparison as plain JSON values, as docs/reference/comparison.schema.json says.

    Parameters
    ----------
    summary : mapping of str to object
        From `metrics.ComparisonSummary.as_dict`.
    bundles : tuple of BundleIdentity
        The models a and b.
    overlaps : tuple of Overlap
        Which of the images each has seen in its training.
    abstained : int
        How many of the images `diagnose` would refuse by their header.
    data : EvaluationData
        What they were compared on.
    without_overlap : mapping of str to object, optional
        As `summary`, of the images that neither has seen; counts, differences and tests are kept.
    warnings : tuple of Message
        What the reader must know before believing the numbers.

    Returns
    -------
    dict of str to object
        In the order of the schema, with the notice.
    """
    pairs = list(zip("ab", overlaps, strict=True))
    return {
        "schema_version": SCHEMA_VERSION,
        "a": _bundle(bundles[0]),
        "b": _bundle(bundles[1]),
        "data": _data(data),
        "abstained": abstained,
        "in_training": {name: len(each["identical"]) for name, each in pairs},
        "near_training": {name: _count(each["near"]) for name, each in pairs},
        **summary,
        "overlap": {name: _overlap(each) for name, each in pairs},
        "without_overlap": None
        if without_overlap is None
        else {name: without_overlap[name] for name in _REST_OF_COMPARISON},
        "warnings": message_values(warnings),
        "notice": NOTICE,
    }


def to_fingerprint_document(
    measured: Mapping[str, object], *, data: EvaluationData, warnings: tuple[Message, ...] = ()
) -> dict[str, object]:
    """Give a folder's fingerprint as JSON values: docs/reference/data-fingerprint.schema.json.

    Parameters
    ----------
    measured : mapping of str to object
        From `evaluation.DataFingerprint.as_dict`.
    data : EvaluationData
        The folder.
    warnings : tuple of Message
        Its traps.

    Returns
    -------
    dict of str to object
        In the order of the schema, with the notice.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "data": _data(data),
        **{name: clean_texts(value) for name, value in measured.items()},
        "warnings": message_values(warnings),
        "notice": NOTICE,
    }


def _bundle(bundle: BundleIdentity) -> dict[str, object]:
    return {
        "name": clean_text(bundle.name),
        "version": clean_text(bundle.version),
        "sha256": bundle.sha256,
        "training_sets": [clean_text(name) for name in bundle.training_sets],
        "reads": bundle.reads.value,
    }


def _data(data: EvaluationData) -> dict[str, object]:
    return {
        "folder": clean_text(data["folder"]),
        "images": data["images"],
        "unreadable": [clean_text(file) for file in data["unreadable"]],
        "has_patients": data["has_patients"],
        "patient_column": None
        if data["patient_column"] is None
        else clean_text(data["patient_column"]),
        "where": {clean_text(column): clean_text(value) for column, value in data["where"].items()},
    }


def _overlap(overlap: Overlap) -> dict[str, object]:
    return {name: clean_texts(files) for name, files in overlap.items()}


def _count(files: list[str] | None) -> int | None:
    return None if files is None else len(files)
