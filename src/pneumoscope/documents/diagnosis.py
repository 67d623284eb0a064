"""The document of a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pneumoscope.documents.document import Document, Section, Share
from pneumoscope.findings import (
    AgeGroupChoice,
    Assessment,
    BundleIdentity,
    Confidence,
    Decision,
    Diagnosis,
    DicomSource,
    Heatmap,
    Message,
    OperatingPoint,
    PatientContext,
    PatientIdentity,
    Provenance,
    Purpose,
    Radiograph,
    Rate,
    Zone,
)

_DECIMALS = 4  # of a contour's coordinates: finer than a pixel up to 10,000


class ImageFacts(Section):
    r"""The image that was read, without its pixels.

    Attributes
    ----------
    file : str
        The file's name, without its folder. Bytes that are not text are escapes such as \\udc80.
    format : str
        Kind of file.
    width, height : int
        Columns and rows, in pixels.
    bits : int
        Significant bits per stored pixel.
    sop_instance_uid, series_instance_uid, study_instance_uid : str or None
        (0008,0018), (0020,000E), (0020,000D); null for an image file, and
        where the header has none.
    modality, body_part, view_position, photometric : str or None
        (0008,0060), (0018,0015), (0018,5101), (0028,0004); null for an image file, and where the
        header has none.
    identity : PatientIdentity or None
        Who the patient is, as the DICOM header says; null unless it was asked for. It identifies a
        person.
    """

    file: str
    format: Literal["JPEG", "PNG", "TIFF", "DICOM"]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    bits: Annotated[int, Field(ge=1, le=64)]
    sop_instance_uid: str | None
    series_instance_uid: str | None
    study_instance_uid: str | None
    modality: str | None
    body_part: str | None
    view_position: str | None
    photometric: str | None
    identity: PatientIdentity | None


class MeasuredRate(Section):
    """A share with its 95% interval.

    Attributes
    ----------
    value : float
        0..1.
    ci95 : (float, float)
        Lower and upper end, 0..1.
    """

    value: Share
    ci95: tuple[Share, Share]


class PointReached(Section):
    """An operating point, and whether the image reaches it.

    Attributes
    ----------
    purpose : Purpose
        To rule the class out, or to rule it in.
    label : str
        The class that counts as positive.
    threshold : float
        On the class's calibrated probability, 0..1.
    reached : bool
        Whether the probability is at or above the threshold.
    rule : str
        How the threshold was chosen, in words.
    sensitivity, specificity : MeasuredRate or None
        On the bundle's own report images, of its age group and view; null where there is no one
        figure.
    """

    purpose: Purpose
    label: str = Field(alias="class")
    threshold: Share
    reached: bool
    rule: str
    sensitivity: MeasuredRate | None
    specificity: MeasuredRate | None


class PossibleClasses(Section):
    """A prediction set.

    Attributes
    ----------
    coverage : float
        How often such sets hold the true class, 0..1.
    classes : tuple of str
        The classes that stay possible, the most probable first.
    """

    coverage: Share
    classes: tuple[str, ...]


class MapFacts(Section):
    """Where the network looked, without the map's pixels.

    Attributes
    ----------
    method : str
        "grad_cam", which is not to be taken for the place of a finding, or "evidence": per place
        the probability that radiologists would mark it.
    label : str
        The class that is shown.
    outlined : bool
        Whether the map may be outlined.
    why_not_outlined : str or None
        In words; null where it is outlined.
    highest : float
        The map's highest value, 0..1. A Grad-CAM is scaled to its peak: 1, or 0 where nothing spoke
        for the class.
    lung_share : float or None
        Share of the map's mass inside the lung fields, 0..1; null where they are not known.
    mask_fraction : float
        Share of the image inside Otsu's mask, 0..1.
    contours : tuple of tuple of (float, float)
        The mask's outer borders: x and y as fractions of width and height, 0..1, four decimals.
    """

    method: Literal["grad_cam", "evidence"]
    label: str = Field(alias="class")
    outlined: bool
    why_not_outlined: str | None
    highest: Share
    lung_share: Share | None
    mask_fraction: Share
    contours: tuple[tuple[tuple[Share, Share], ...], ...]


class DiagnosisDocument(Document):
    """The result for one radiograph, or CT slice, and its patient.

    Either `abstained` is null, or all fields are that follow from the image.

    Attributes
    ----------
    document : str
        Which document this is: "diagnosis".
    schema_version : int
        3. It grows when a reader of the old form would misread the new.
    bundle : BundleIdentity
        The model that answered.
    image : ImageFacts
        The image that was read.
    patient : PatientContext
        Age and sex.
    age_group : AgeGroupChoice or None
        As one of which age group the image was read.
    view : str or None
        The view that calibration and thresholds are of; null where they are of any view.
    probabilities : mapping of str to float, or None
        One calibrated probability per class, not rounded; they sum to 1.
    predicted : str or None
        The most probable class.
    operating_points : tuple of PointReached, or None
        The thresholds, all of one class; none where the bundle has none.
    zone : Zone or None
        Where the class of the operating points lies among them; null without any.
    prediction_set : PossibleClasses or None
        The classes that stay possible; null where the bundle has no prediction sets.
    confidence : Confidence or None
        How sure the network is.
    heatmap : MapFacts or None
        The map that is shown.
    grad_cam : MapFacts or None
        The Grad-CAM of the predicted class beside a map of another method.
    abstained : Message or None
        Why nothing is said of the image.
    symptoms : mapping of str to float
        As given, in the inputs' units.
    severity : Assessment or None
        Null without symptoms, and where the rules do not cover the patient's age.
    warnings : tuple of Message
        What the reader must know.
    provenance : Provenance
        How the result was made.
    notice : str
        To be shown wherever the result is shown.
    """

    document: Literal["diagnosis"] = "diagnosis"
    schema_version: Literal[3] = 3
    bundle: BundleIdentity
    image: ImageFacts
    patient: PatientContext
    age_group: AgeGroupChoice | None
    view: str | None
    probabilities: Mapping[str, Share] | None
    predicted: str | None
    operating_points: tuple[PointReached, ...] | None
    zone: Zone | None
    prediction_set: PossibleClasses | None
    confidence: Confidence | None
    heatmap: MapFacts | None
    grad_cam: MapFacts | None
    abstained: Message | None
    symptoms: Mapping[str, float]
    severity: Assessment | None
    warnings: tuple[Message, ...]
    provenance: Provenance
    notice: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _parts_go_together(self) -> DiagnosisDocument:
        decision = self.decision
        if (decision is None) == (self.abstained is None):
            raise ValueError("a diagnosis has either what follows from the image or `abstained`")
        if (self.heatmap is None) != (decision is None):
            raise ValueError("`heatmap` goes with what follows from the image")
        if decision is not None and decision.zone is not self.zone:
            raise ValueError("`zone` is not where the probability lies")
        return self

    @property
    def decision(self) -> Decision | None:
        """What follows from the image; None of an abstention."""
        told = (self.probabilities, self.predicted, self.confidence, self.age_group)
        if all(part is None for part in told):
            return None
        if any(part is None for part in told):
            raise ValueError("what follows from the image is there in part only")
        possible = self.prediction_set
        return Decision(
            probabilities=self.probabilities or {},
            predicted=self.predicted or "",
            confidence=self.confidence,  # type: ignore[arg-type]  # not None, see above
            age_group=self.age_group,  # type: ignore[arg-type]
            view=self.view or "",
            operating_points=tuple(map(_point, self.operating_points or ())),
            prediction_set=() if possible is None else possible.classes,
            coverage=None if possible is None else possible.coverage,
        )


def to_document(diagnosis: Diagnosis) -> DiagnosisDocument:
    """Give a diagnosis as its document: all but the pixels.

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result.

    Returns
    -------
    DiagnosisDocument
    """
    return DiagnosisDocument.of(
        bundle=diagnosis.bundle,
        image=_image(diagnosis.radiograph),
        patient=diagnosis.patient,
        **_decided(diagnosis.decision),
        heatmap=_map(diagnosis.heatmap),
        grad_cam=_map(diagnosis.grad_cam),
        abstained=diagnosis.abstained,
        symptoms={name: float(value) for name, value in diagnosis.symptoms.items()},
        severity=diagnosis.severity,
        warnings=diagnosis.warnings,
        provenance=diagnosis.provenance,
        notice=diagnosis.notice,
    )


def _image(radiograph: Radiograph) -> dict[str, object]:
    source = radiograph.dicom or DicomSource()
    return {
        "file": radiograph.name,
        "format": radiograph.file_format,
        "width": radiograph.width,
        "height": radiograph.height,
        "bits": radiograph.bits,
        "sop_instance_uid": source.sop_instance_uid or None,
        "series_instance_uid": source.series_instance_uid or None,
        "study_instance_uid": source.study_instance_uid or None,
        "modality": source.modality or None,
        "body_part": source.body_part or None,
        "view_position": source.view_position or None,
        "photometric": source.photometric or None,
        "identity": radiograph.identity,
    }


def _decided(decision: Decision | None) -> dict[str, object]:
    """Give what follows from the image; every key is null where nothing does."""
    if decision is None:
        names = ("age_group", "view", "probabilities", "predicted", "operating_points", "zone")
        return dict.fromkeys((*names, "prediction_set", "confidence"))
    return {
        "age_group": decision.age_group,
        "view": decision.view or None,
        "probabilities": decision.probabilities,
        "predicted": decision.predicted,
        "operating_points": [_reached(decision, point) for point in decision.operating_points],
        "zone": decision.zone,
        "prediction_set": None
        if decision.coverage is None
        else {"coverage": decision.coverage, "classes": decision.prediction_set},
        "confidence": decision.confidence,
    }


def _reached(decision: Decision, point: OperatingPoint) -> dict[str, object]:
    return {
        "purpose": point.purpose,
        "class": point.label,
        "threshold": point.threshold,
        "reached": bool(decision.probabilities[point.label] >= point.threshold),
        "rule": point.rule,
        "sensitivity": _rate(point.sensitivity),
        "specificity": _rate(point.specificity),
    }


def _rate(rate: Rate | None) -> dict[str, object] | None:
    return None if rate is None else {"value": rate[0], "ci95": rate[1:]}


def _point(point: PointReached) -> OperatingPoint:
    rates = [
        None if rate is None else (rate.value, *rate.ci95)
        for rate in (point.sensitivity, point.specificity)
    ]
    return OperatingPoint(point.purpose, point.label, point.threshold, point.rule, *rates)


def _map(heatmap: Heatmap | None) -> dict[str, object] | None:
    if heatmap is None:
        return None
    return {
        "method": heatmap.method,
        "class": heatmap.label,
        "outlined": heatmap.outlined,
        "why_not_outlined": heatmap.why_not_outlined or None,
        "highest": float(heatmap.values.max()),
        "lung_share": heatmap.lung_share,
        "mask_fraction": heatmap.mask_fraction,
        "contours": [
            [[round(float(x), _DECIMALS), round(float(y), _DECIMALS)] for x, y in contour]
            for contour in heatmap.contours
        ],
    }
