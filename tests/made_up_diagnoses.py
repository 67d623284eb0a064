"""Made-up diagnoses: answered, abstained, with and without symptoms, DICOM and identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pneumoscope.findings import (
    About,
    AgeGroupChoice,
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
    Purpose,
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


ADULT = AgeGroupChoice("adults", "age")
CHILD = AgeGroupChoice("children", "image", 0.98)
NO_BOXES = "no radiologists' boxes of children were at hand to check it"


def points(rule_out: float | None, rule_in: float | None) -> tuple[OperatingPoint, ...]:
    """The points of PNEUMONIA, of which either may be missing, with rates that differ."""
    chosen = [
        (Purpose.RULE_OUT, rule_out, (0.951, 0.912, 0.983), (0.614, 0.576, 0.658)),
        (Purpose.RULE_IN, rule_in, (0.642, 0.583, 0.704), (0.905, 0.871, 0.934)),
    ]
    return tuple(
        OperatingPoint(purpose, "PNEUMONIA", threshold, f"rule of {purpose}", *rates)
        for purpose, threshold, *rates in chosen
        if threshold is not None
    )


def heat(width: int, height: int, label: str = "PNEUMONIA") -> Heatmap:
    """One blob in the lower left of the image, with its Otsu mask's kind of outline."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    values = np.exp(-(((x / width - 0.32) / 0.12) ** 2 + ((y / height - 0.62) / 0.14) ** 2))
    mask = values > 0.4
    borders, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contours = tuple(
        tuple((float(px) / width, float(py) / height) for px, py in border[:, 0])
        for border in borders
    )
    return Heatmap(values.astype(np.float32), mask, float(mask.mean()), contours, label)


def probable(width: int, height: int, peak: float, why_not: str) -> Heatmap:
    """The blob of `heat` as an evidence map: probabilities up to `peak`, not scaled to it."""
    blob = heat(width, height)
    mask = np.zeros_like(blob.mask) if why_not else blob.mask
    return Heatmap(
        (peak * blob.values).astype(np.float32),
        mask,
        float(mask.mean()),
        () if why_not else blob.contours,
        "PNEUMONIA",
        "evidence",
        outlined=not why_not,
        why_not_outlined=why_not,
        lung_share=0.873,
    )


@pytest.fixture
def make() -> Make:
    """Build an answered diagnosis; keyword arguments choose the variant or replace fields."""

    def build(
        *,
        width: int = 96,
        height: int = 80,
        name: str = "chest.png",
        abstained: bool = False,
        body_part: str = "HAND",
        ill: bool = False,
        rule_base: str = "baral2025",
        missing: tuple[str, ...] = (),
        dicom: bool = False,
        identity: PatientIdentity | None = None,
        pneumonia: float = 0.8731234567,
        rule_out: float | None = 0.12,
        rule_in: float | None = 0.55,
        group: AgeGroupChoice = ADULT,
        view: str = "",
        fits: tuple[str, ...] = (),
        untaught: bool = False,
        evidence: float | None = None,
        why_not: str = "",
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
        other = 0.0 if untaught else rest * 0.6
        probabilities = {"ABNORMAL": other, "NORMAL": rest - other, "PNEUMONIA": pneumonia}
        predicted = max(probabilities, key=probabilities.__getitem__)
        confidence = Confidence(probabilities[predicted], 0.79, 0.37, 0.435, 0.326)
        symptoms = {n: value for n, value in SYMPTOMS.items() if n not in missing}
        severity = assess(
            symptoms,
            probabilities=None if abstained else probabilities,
            contribution=0 if abstained else 0.326,
            patient=PatientContext(54, "F"),
            rule_base=rule_base,
        )
        decision = Decision(
            probabilities,
            predicted,
            confidence,
            group,
            view,
            points(rule_out, rule_in),
            fits,
            0.9 if fits else None,
        )
        grad_cam = heat(width, height, predicted)
        shown = grad_cam if evidence is None else probable(width, height, evidence, why_not)
        diagnosis = Diagnosis(
            bundle=BUNDLE,
            radiograph=radiograph,
            decision=None if abstained else decision,
            heatmap=None if abstained else shown,
            grad_cam=None if evidence is None else grad_cam,
            abstained=Message("body_part", About.IMAGE, {"body_part": body_part})
            if abstained
            else None,
            severity=severity if ill else None,
            symptoms=symptoms if ill else {},
            patient=PatientContext(54, "F") if group.chosen_by == "age" else PatientContext(),
            warnings=(Message("for_processing", About.IMAGE),),
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
        {"rule_out": None, "rule_in": None, "warnings": ()},
        {"pneumonia": 0.31, "fits": ("ABNORMAL", "PNEUMONIA"), "view": "AP"},
        {"pneumonia": 0.05, "fits": ("ABNORMAL",)},
        {"group": CHILD, "untaught": True, "evidence": 0.7, "why_not": NO_BOXES},
        {"evidence": 0.82},
        {"abstained": True},
        {"abstained": True, "ill": True, "dicom": True},
    ],
    ids=[
        "plain",
        "symptoms",
        "guideline",
        "open",
        "identity",
        "no-points",
        "indeterminate",
        "unlikely",
        "child",
        "evidence",
        "abstained",
        "abstained-symptoms",
    ],
)
def diagnosis(make: Make, request: pytest.FixtureRequest) -> Diagnosis:
    """Every variant in turn."""
    return make(**request.param)
