"""Slices of a CT and radiographs: each is refused by a bundle that was made for the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.evaluation import evaluate_folder
from pneumoscope.findings import ImageKind, PatientContext
from pneumoscope.severity import assess
from pneumoscope.synthetic import draw_ct_slice, draw_phantom
from pneumoscope.workflow import diagnose

Save = Callable[[np.ndarray, str], Path]
Variant = Callable[..., str]
SYMPTOMS = {"cough_severity": 0.5, "fever_value": 36.8, "oxygen_level": 98.0}
USES = ["to diagnose COVID-19", "for triage"]


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(255 * pixels), dtype=np.uint8)


@pytest.fixture
def ct_slice(save: Save) -> Path:
    return save(grey(draw_ct_slice(1, size=256)), "slice.png")


@pytest.fixture
def chest(save: Save) -> Path:
    return save(grey(draw_phantom(1, size=256).pixels), "chest.png")


@pytest.fixture
def ct_bundle(variant: Variant) -> str:
    """It reads slices, and one of its classes is called as the severity's rules call theirs."""
    return variant(name="slices", reads=ImageKind.CHEST_CT.value, not_for=USES)


def test_each_bundle_refuses_what_the_other_reads(
    ct_slice: Path, chest: Path, ct_bundle: str, tiny_bundle: Bundle
) -> None:
    for_chest = str(tiny_bundle.folder)
    assert diagnose(ct_slice, bundle=ct_bundle).decision is not None
    assert diagnose(chest, bundle=for_chest).decision is not None
    refused = diagnose(ct_slice, bundle=for_chest), diagnose(chest, bundle=ct_bundle)
    codes = [result.abstained.code for result in refused if result.abstained is not None]
    assert codes == ["not_a_radiograph", "not_a_ct_slice"]
    for result in refused:
        assert (result.decision, result.heatmap) == (None, None)


def test_the_packaged_bundle_refuses_a_slice_and_reads_a_radiograph(
    ct_slice: Path, chest: Path
) -> None:
    assert find_bundle().description.reads is ImageKind.CHEST_RADIOGRAPH
    refused = diagnose(ct_slice).abstained
    assert refused is not None
    assert refused.code == "not_a_radiograph"
    assert diagnose(chest).abstained is None


@pytest.mark.parametrize("rule_base", ["guideline", "baral2025"])
def test_the_severity_takes_no_probability_from_a_ct_slice(
    ct_slice: Path, ct_bundle: str, rule_base: str
) -> None:
    symptoms = (
        dict.fromkeys(
            (
                "breathlessness",
                "sputum_production",
                "hemoptysis",
                "fatigue",
                "appetite_loss",
                "confusion",
                "chest_pain",
                "fever_duration",
            ),
            0.0,
        )
        | SYMPTOMS
    )
    result = diagnose(ct_slice, symptoms=symptoms, age=70, bundle=ct_bundle, rule_base=rule_base)
    assert result.decision is not None
    assert "PNEUMONIA" in result.decision.probabilities
    alone = assess(symptoms, patient=PatientContext(70), contribution=0.0, rule_base=rule_base)
    assert result.severity == alone
    assert [line.code for line in result.warnings].count("image_is_no_evidence") == 1


def test_what_a_bundle_must_not_be_used_for_is_told_with_every_result(
    ct_slice: Path, chest: Path, ct_bundle: str, tiny_bundle: Bundle
) -> None:
    for path in (ct_slice, chest):
        told = diagnose(path, bundle=ct_bundle).warnings
        (line,) = [line for line in told if line.code == "must_not_be_used"]
        assert line.values == {"bundle": "slices", "uses": tuple(USES)}
    told = diagnose(chest, bundle=str(tiny_bundle.folder)).warnings
    assert "must_not_be_used" not in [line.code for line in told]


def test_polarity_is_a_matter_of_radiographs(
    save: Save, ct_bundle: str, tiny_bundle: Bundle
) -> None:
    inverted = save(grey(1 - draw_phantom(1, size=256).pixels), "inverted.png")
    told = diagnose(inverted, bundle=str(tiny_bundle.folder)).warnings
    assert "looks_inverted" in [line.code for line in told]
    turned = save(grey(1 - draw_ct_slice(1, size=256)), "turned.png")
    told = diagnose(turned, bundle=ct_bundle).warnings
    assert "looks_inverted" not in [line.code for line in told]


def test_evaluate_counts_what_would_be_refused_by_the_bundle(
    ct_slice: Path, chest: Path, ct_bundle: str, tiny_bundle: Bundle
) -> None:
    folder = ct_slice.parent
    rows = ["file,label", f"{ct_slice.name},NORMAL", f"{chest.name},PNEUMONIA"]
    (folder / "labels.csv").write_text("\n".join(rows), "utf-8")
    for place in (ct_bundle, str(tiny_bundle.folder)):
        result = evaluate_folder(folder, bundle=place)
        assert (result.summary.n, result.summary.abstained) == (2, 1)
        (told,) = [line for line in result.warnings if line.code == "images_refused"]
        assert told.values == {"count": 1, "images": 2}
