"""A result as JSON: the published contract, described by the schemas in docs/reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

from pneumoscope.findings import (
    NOTICE,
    BundleIdentity,
    Decision,
    Diagnosis,
    DicomSource,
    Heatmap,
    Message,
    OperatingPoint,
    PatientIdentity,
    Radiograph,
    Rate,
)
from pneumoscope.reports.catalogue import message_values
from pneumoscope.reports.json_text import clean_text, clean_texts
from pneumoscope.reports.provenance_document import provenance_values
from pneumoscope.reports.severity_document import severity_values
from pneumoscope.reports.wording import METRICS

SCHEMA_VERSION = 1
"""Of the documents that have kept their first form."""
DIAGNOSIS_VERSION = EVALUATION_VERSION = 2

# What is told of the images without those that were in the training.
_REST = ("n", "patients", *METRICS)
_REST_OF_COMPARISON = ("n", "patients", "differences", "tests")
_OF_THE_DECISION = (
    "age_group",
    "view",
    "probabilities",
    "predicted",
    "operating_points",
    "zone",
    "prediction_set",
    "confidence",
)
_DECIMALS = 4  # of a contour's coordinates: finer than a pixel up to 10,000


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


def to_document(diagnosis: Diagnosis) -> dict[str, object]:
    """Give a diagnosis as plain JSON values, as docs/reference/diagnosis.schema.json says.

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result.

    Returns
    -------
    dict of str to object
        In the order of the schema. Probabilities are not rounded; contours are fractions of width
        and height, rounded to 4 decimals.
    """
    abstained = diagnosis.abstained
    return {
        "schema_version": DIAGNOSIS_VERSION,
        "bundle": _bundle(diagnosis.bundle),
        "image": _image(diagnosis.radiograph),
        "patient": {"age": _float(diagnosis.patient.age), "sex": diagnosis.patient.sex},
        **_decision(diagnosis.decision),
        "heatmap": _heatmap(diagnosis.heatmap),
        "grad_cam": _heatmap(diagnosis.grad_cam),
        "abstained": None if abstained is None else message_values([abstained])[0],
        "symptoms": _floats(diagnosis.symptoms),
        "severity": None if diagnosis.severity is None else severity_values(diagnosis.severity),
        "warnings": message_values(diagnosis.warnings),
        "provenance": provenance_values(diagnosis.provenance),
        "notice": diagnosis.notice,
    }


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
        From `pneumoscope.evaluation.EvaluationSummary.as_dict`, followed by what
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
        Where the heatmaps look, from `pneumoscope.workflow.FolderSaliency.as_dict`.
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
        From `pneumoscope.evaluation.ComparisonSummary.as_dict`.
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
        From `pneumoscope.evaluation.DataFingerprint.as_dict`.
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


def dump(document: Mapping[str, object]) -> str:
    """Write a document as JSON text, indented by two, with a newline at its end.

    Raises
    ------
    ValueError
        If a number is NaN or infinite, which JSON cannot hold.
    """
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    return {clean_text(name): float(value) for name, value in values.items()}


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


def _image(radiograph: Radiograph) -> dict[str, object]:
    source = radiograph.dicom or DicomSource()
    fields = {
        "sop_instance_uid": source.sop_instance_uid,
        "series_instance_uid": source.series_instance_uid,
        "study_instance_uid": source.study_instance_uid,
        "modality": source.modality,
        "body_part": source.body_part,
        "view_position": source.view_position,
        "photometric": source.photometric,
    }
    identity = radiograph.identity
    return {
        "file": clean_text(radiograph.name),
        "format": radiograph.file_format,
        "width": radiograph.width,
        "height": radiograph.height,
        "bits": int(radiograph.bits),
        **{name: clean_text(value) or None for name, value in fields.items()},
        "identity": None if identity is None else _identity(identity),
    }


def _identity(identity: PatientIdentity) -> dict[str, str]:
    return {
        "name": clean_text(identity.name),
        "patient_id": clean_text(identity.patient_id),
        "birth_date": clean_text(identity.birth_date),
    }


def _decision(decision: Decision | None) -> dict[str, object]:
    """Give what follows from the image; every key is null where nothing does."""
    if decision is None:
        return dict.fromkeys(_OF_THE_DECISION)
    group, zone = decision.age_group, decision.zone
    values = (
        {
            "name": clean_text(group.name),
            "chosen_by": group.chosen_by,
            "probability": _float(group.probability),
        },
        clean_text(decision.view) or None,
        _floats(decision.probabilities),
        clean_text(decision.predicted),
        [_operating_point(decision, point) for point in decision.operating_points],
        None if zone is None else zone.value,
        None
        if decision.coverage is None
        else {
            "coverage": float(decision.coverage),
            "classes": [clean_text(name) for name in decision.prediction_set],
        },
        _confidence(decision),
    )
    return dict(zip(_OF_THE_DECISION, values, strict=True))


def _operating_point(decision: Decision, point: OperatingPoint) -> dict[str, object]:
    return {
        "purpose": point.purpose.value,
        "class": clean_text(point.label),
        "threshold": float(point.threshold),
        "reached": bool(decision.probabilities[point.label] >= point.threshold),
        "rule": clean_text(point.rule),
        "sensitivity": _rate(point.sensitivity),
        "specificity": _rate(point.specificity),
    }


def _rate(rate: Rate | None) -> dict[str, object] | None:
    if rate is None:
        return None
    value, low, high = map(float, rate)
    return {"value": value, "ci95": [low, high]}


def _confidence(decision: Decision) -> dict[str, float]:
    confidence = decision.confidence
    return {
        "top1": float(confidence.top1),
        "margin": float(confidence.margin),
        "entropy": float(confidence.entropy),
        "certainty_index": float(confidence.certainty_index),
        "contribution": float(confidence.contribution),
    }


def _heatmap(heatmap: Heatmap | None) -> dict[str, object] | None:
    if heatmap is None:
        return None
    return {
        "method": heatmap.method,
        "class": clean_text(heatmap.label),
        "outlined": heatmap.outlined,
        "why_not_outlined": clean_text(heatmap.why_not_outlined) or None,
        "highest": float(heatmap.values.max()) if heatmap.method == "evidence" else None,
        "lung_share": _float(heatmap.lung_share),
        "mask_fraction": float(heatmap.mask_fraction),
        "contours": [
            [[round(float(x), _DECIMALS), round(float(y), _DECIMALS)] for x, y in contour]
            for contour in heatmap.contours
        ],
    }
