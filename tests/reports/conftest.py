"""Made-up diagnoses: answered, abstained, with and without symptoms, DICOM and identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pneumoscope.findings import (
    Abstention,
    BundleIdentity,
    Confidence,
    Decision,
    Diagnosis,
    DicomSource,
    Heatmap,
    OperatingPoint,
    PatientContext,
    PatientIdentity,
    Radiograph,
)
from pneumoscope.severity import assess

BUNDLE = BundleIdentity(
    "densenet121-capsnet", "1.2.0", "0123456789abcdef" * 4, ("Kermany 2018", "RSNA 2018")
)
SYMPTOMS = {
    "breathlessness": 0.9,
    "sputum_production": 0.6,
    "hemoptysis": 0.0,
    "fatigue": 0.9,
    "appetite_loss": 0.5,
    "confusion": 0.9,
    "chest_pain": 0.4,
    "cough_severity": 0.7,
    "fever_value": 39.4,
    "fever_duration": 4.0,
    "oxygen_level": 81.0,
}
DICOM = DicomSource(
    sop_instance_uid="1.2.826.0.1.3680043.8.498.1",
    series_instance_uid="1.2.826.0.1.3680043.8.498.2",
    study_instance_uid="1.2.826.0.1.3680043.8.498.3",
    modality="DX",
    body_part="CHEST",
    photometric="MONOCHROME2",
)
IDENTITY = PatientIdentity("Doe^Jane", "MRN-1", "19700102")
Make = Callable[..., Diagnosis]


def chest(width: int, height: int) -> np.ndarray:
    """Two dark lungs in a bright body."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height
    lungs = sum(np.exp(-(((x - c) / 0.14) ** 4 + ((y - 0.45) / 0.3) ** 4)) for c in (0.3, 0.7))
    return np.clip(0.75 - 0.6 * lungs, 0, 1).astype(np.float32)


def heat(width: int, height: int) -> Heatmap:
    """One blob in the lower left of the image, with its Otsu mask's kind of outline."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    values = np.exp(-(((x / width - 0.32) / 0.12) ** 2 + ((y / height - 0.62) / 0.14) ** 2))
    mask = values > 0.4
    borders, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contours = tuple(
        tuple((float(px) / width, float(py) / height) for px, py in border[:, 0])
        for border in borders
    )
    return Heatmap(values.astype(np.float32), mask, float(mask.mean()), contours)


@pytest.fixture
def make() -> Make:
    """Build an answered diagnosis; keyword arguments choose the variant or replace fields."""

    def build(
        *,
        width: int = 96,
        height: int = 80,
        name: str = "chest.png",
        abstained: bool = False,
        ill: bool = False,
        rule_base: str = "baral2025",
        missing: tuple[str, ...] = (),
        dicom: bool = False,
        identity: PatientIdentity | None = None,
        pneumonia: float = 0.8731234567,
        threshold: float | None = 0.35,
        **changes: object,
    ) -> Diagnosis:
        radiograph = Radiograph(
            chest(width, height),
            name,
            "DICOM" if dicom else "PNG",
            12 if dicom else 8,
            DICOM if dicom else None,
            identity,
        )
        rest = 1 - pneumonia
        probabilities = {"ABNORMAL": rest * 0.6, "NORMAL": rest * 0.4, "PNEUMONIA": pneumonia}
        predicted = max(probabilities, key=probabilities.__getitem__)
        point = (
            None
            if threshold is None
            else OperatingPoint("PNEUMONIA", threshold, "sensitivity 0.95")
        )
        confidence = Confidence(probabilities[predicted], 0.79, 0.37, 0.435, 0.326)
        symptoms = {n: value for n, value in SYMPTOMS.items() if n not in missing}
        severity = assess(
            symptoms,
            probabilities=None if abstained else probabilities,
            contribution=0 if abstained else 0.326,
            patient=PatientContext(54, "F"),
            rule_base=rule_base,
        )
        diagnosis = Diagnosis(
            bundle=BUNDLE,
            radiograph=radiograph,
            decision=None if abstained else Decision(probabilities, predicted, confidence, point),
            heatmap=None if abstained else heat(width, height),
            abstained=Abstention("view", "The image is not a frontal chest radiograph.")
            if abstained
            else None,
            severity=severity if ill else None,
            symptoms=symptoms if ill else {},
            patient=PatientContext(54, "F") if ill else PatientContext(),
            warnings=("The exposure is low.",),
        )
        return replace(diagnosis, **changes)  # type: ignore[arg-type]

    return build


@pytest.fixture(
    params=[
        {},
        {"ill": True},
        {"ill": True, "rule_base": "guideline"},
        {"ill": True, "rule_base": "guideline", "missing": ("oxygen_level", "confusion")},
        {"ill": True, "dicom": True, "identity": IDENTITY},
        {"threshold": None, "warnings": ()},
        {"abstained": True},
        {"abstained": True, "ill": True, "dicom": True},
    ],
    ids=[
        "plain",
        "symptoms",
        "guideline",
        "open",
        "identity",
        "no-threshold",
        "abstained",
        "abstained-symptoms",
    ],
)
def diagnosis(make: Make, request: pytest.FixtureRequest) -> Diagnosis:
    """Every variant in turn."""
    return make(**request.param)
