"""Read, predict, decide, assess: what is handed from room to room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from pneumoscope.bundles import Bundle
from pneumoscope.catalogue import to_sentence
from pneumoscope.errors import BundleError, ImageError, InputError, SymptomError
from pneumoscope.findings import About, Decision, Message, PatientContext, Zone
from pneumoscope.imaging import read_radiograph, to_input
from pneumoscope.inference import packaged_lung_fields
from pneumoscope.severity import assess
from pneumoscope.synthetic import draw_phantom, write_dicom
from pneumoscope.workflow import Reader, diagnose

Save = Callable[[np.ndarray, str], Path]
SYMPTOMS = {
    "breathlessness": 0.8,
    "sputum_production": 0.7,
    "hemoptysis": 0.1,
    "fatigue": 0.6,
    "appetite_loss": 0.5,
    "confusion": 0.2,
    "chest_pain": 0.6,
    "cough_severity": 0.8,
    "fever_value": 39.2,
    "fever_duration": 5.0,
    "oxygen_level": 88.0,
}


@pytest.fixture
def picture(save: Save) -> Path:
    """Far brighter at the lower right, where the tiny bundle looks for PNEUMONIA."""
    grey = np.random.default_rng(0).integers(0, 40, (80, 96), dtype=np.uint8)
    grey[20:, 48:] += 210
    return save(grey, "picture.png")


def by_hand(path: Path, bundle: Bundle) -> np.ndarray:
    """The tiny bundle's probabilities, written out: means of regions, softmax at 1.5."""
    image = to_input(read_radiograph(path).pixels, bundle.description.input.spec())[0]
    means = np.array([image[:16].mean(), image[16:, :32].mean(), image[16:, 32:].mean()])
    powers = np.exp(10 * means / 1.5)
    return np.asarray(powers / powers.sum())


def test_probabilities_agree_with_a_hand_computation(picture: Path, tiny_bundle: Bundle) -> None:
    decision = diagnose(picture, bundle=str(tiny_bundle.folder)).decision
    assert decision is not None
    expected = by_hand(picture, tiny_bundle)
    assert list(decision.probabilities.values()) == pytest.approx(expected, abs=1e-6)
    assert decision.predicted == "PNEUMONIA"
    assert decision.zone is Zone.INDETERMINATE


def test_the_heatmap_is_that_of_the_predicted_class(picture: Path, tiny_bundle: Bundle) -> None:
    heatmap = diagnose(picture, bundle=str(tiny_bundle.folder)).heatmap
    assert heatmap is not None
    assert heatmap.values.shape == (80, 96)
    # The tiny bundle looks for PNEUMONIA at the lower right only; edges are interpolated.
    assert heatmap.values[:, :40].max() == 0
    assert heatmap.mask[60, 80]


def test_the_images_share_flows_into_the_severity(picture: Path, tiny_bundle: Bundle) -> None:
    base = "baral2025"
    result = diagnose(picture, symptoms=SYMPTOMS, bundle=str(tiny_bundle.folder), rule_base=base)
    assert result.decision is not None
    assert result.severity is not None
    share = result.decision.confidence.contribution
    assert result.severity == assess(SYMPTOMS, contribution=share, rule_base=base)
    assert result.severity.adjusted != assess(SYMPTOMS, rule_base=base).adjusted
    assert result.symptoms == SYMPTOMS


def test_the_images_probabilities_flow_into_the_severity_by_the_guidelines(
    picture: Path, tiny_bundle: Bundle
) -> None:
    coughing = dict.fromkeys(SYMPTOMS, 0.0) | {
        "cough_severity": 0.5,
        "fever_value": 36.8,
        "oxygen_level": 98,
    }
    result = diagnose(picture, symptoms=coughing, age=70, bundle=str(tiny_bundle.folder))
    assert result.decision is not None
    assert result.severity is not None
    assert result.severity == assess(
        coughing, probabilities=result.decision.probabilities, patient=PatientContext(70)
    )
    assert result.severity.image is not None
    assert result.severity.image.level_without != result.severity.level
    assert "rule_base_not_reviewed" in [line.code for line in result.warnings]


@pytest.mark.parametrize(("age", "words"), [(None, "give --age"), (11, "5 to 17 years")])
def test_a_patient_whom_the_guidelines_do_not_cover_gets_a_warning_and_the_images_result(
    picture: Path, tiny_bundle: Bundle, age: float | None, words: str
) -> None:
    result = diagnose(picture, symptoms=SYMPTOMS, age=age, bundle=str(tiny_bundle.folder))
    assert result.severity is None
    assert result.decision is not None
    (told,) = [line for line in result.warnings if line.code == "no_severity"]
    assert words in to_sentence(told)


def test_missing_symptoms_are_told_with_what_they_leave_open(
    picture: Path, tiny_bundle: Bundle
) -> None:
    few = {"cough_severity": 0.5}
    result = diagnose(picture, symptoms=few, age=40, bundle=str(tiny_bundle.folder))
    (told,) = [line for line in result.warnings if line.code == "measure_or_ask"]
    assert told.values["level"] == "severe"
    assert "oxygen_level" in told.values["missing"]


def test_the_published_defects_are_told_with_every_severity(
    picture: Path, tiny_bundle: Bundle
) -> None:
    place = str(tiny_bundle.folder)
    with_symptoms = diagnose(picture, symptoms=SYMPTOMS, bundle=place, rule_base="baral2025")
    assert "rule_base_as_published" in [line.code for line in with_symptoms.warnings]
    without = diagnose(picture, bundle=place)
    assert About.SEVERITY not in [line.about for line in without.warnings]


@pytest.mark.parametrize(
    ("age", "told"), [(None, False), (17.9, True), (0, True), (18, False), (70, False)]
)
def test_the_rule_base_is_for_adults(
    picture: Path, tiny_bundle: Bundle, age: float | None, told: bool
) -> None:
    place = str(tiny_bundle.folder)
    result = diagnose(picture, symptoms=SYMPTOMS, age=age, bundle=place, rule_base="baral2025")
    assert ("rule_base_for_adults" in [line.code for line in result.warnings]) == told
    # Without a severity the rule base was not used.
    without = diagnose(picture, age=age, bundle=place)
    assert "rule_base_for_adults" not in [line.code for line in without.warnings]


def part(name: str, ages: tuple[float, float] | None, absent: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "population": "nobody",
        "licence": "CC0",
        "images": 1,
        "ages": ages,
        "absent_classes": absent,
    }


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (None, ["age_not_known", {}]),
        (3, ["class_not_trained", {"label": "ABNORMAL", "age": 3}]),
        (5.9, ["class_not_trained", {"label": "ABNORMAL", "age": 5}]),
        (12, ["age_not_covered", {"age": 12}]),
        (40, []),
        (95, ["age_not_covered", {"age": 95}]),
    ],
)
def test_ages_that_the_training_does_not_cover_are_told(
    save: Save, variant: Callable[..., str], age: float | None, told: list[Any]
) -> None:
    place = variant([part("children", (1, 5), ["ABNORMAL"]), part("adults", (18, 90), [])])
    chest = save((255 * draw_phantom(3, size=128).pixels).astype(np.uint8), "chest.png")
    result = diagnose(chest, age=age, bundle=place)
    warnings = result.warnings[len(result.radiograph.notes) :]
    assert [part for line in warnings for part in (line.code, line.values)] == told


def test_the_header_gives_age_and_sex_where_the_caller_does_not(
    phantom_dicom: Path, tiny_bundle: Bundle
) -> None:
    header = dcmread(phantom_dicom)
    place = str(tiny_bundle.folder)
    patient = diagnose(phantom_dicom, bundle=place).patient
    assert (patient.age, patient.sex) == (int(header.PatientAge[:3]), header.PatientSex)
    given = diagnose(phantom_dicom, age=1, bundle=place)
    assert (given.patient.age, given.patient.sex) == (1, header.PatientSex)
    (told,) = [line for line in given.warnings if line.code == "age_differs"]
    assert told.values == {"given": 1, "header": patient.age}


def test_the_readers_notes_are_among_the_warnings(save: Save, tiny_bundle: Bundle) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    colours[:, :32, 0] = 0
    result = diagnose(save(colours, "colour.png"), bundle=str(tiny_bundle.folder))
    assert result.radiograph.notes
    assert all(note in result.warnings for note in result.radiograph.notes)


def test_the_identity_is_kept_only_when_asked_for(phantom_dicom: Path, tiny_bundle: Bundle) -> None:
    place = str(tiny_bundle.folder)
    assert diagnose(phantom_dicom, bundle=place).radiograph.identity is None
    asked = diagnose(phantom_dicom, bundle=place, with_identity=True).radiograph.identity
    assert asked is not None
    assert asked.patient_id == str(dcmread(phantom_dicom).PatientID)


def test_a_reader_scores_what_it_would_not_answer(
    phantom_dicom: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    dataset = dcmread(phantom_dicom)
    dataset.ViewPosition = "LL"
    dataset.save_as(tmp_path / "lateral.dcm")
    radiograph = read_radiograph(tmp_path / "lateral.dcm")
    reader = Reader(tiny_bundle)
    result = reader.diagnose(radiograph)
    assert isinstance(result.abstained, Message)
    assert isinstance(reader.score(radiograph), Decision)
    assert (result.decision, result.heatmap, result.severity) == (None, None, None)


def test_a_reader_scores_the_same_with_and_without_explanation(
    picture: Path, tiny_bundle: Bundle
) -> None:
    radiograph, reader = read_radiograph(picture), Reader(tiny_bundle, threads=1)
    assert reader.score(radiograph) == reader.diagnose(radiograph).decision


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"age": float("nan")}, InputError),
        ({"age": 131}, InputError),
        ({"sex": "m"}, InputError),
        ({"symptoms": {"fatigue": 0.5}, "rule_base": "baral2025"}, SymptomError),
        ({"symptoms": SYMPTOMS, "rule_base": "none"}, InputError),
        ({"symptoms": SYMPTOMS | {"fever_value": 99}}, SymptomError),
        ({"bundle": "no-such"}, BundleError),
        ({"path": "absent.png"}, ImageError),
    ],
)
def test_bad_input_is_an_input_error_in_one_line(
    picture: Path, tiny_bundle: Bundle, arguments: dict[str, Any], error: type[InputError]
) -> None:
    given = {"path": picture, "bundle": str(tiny_bundle.folder)} | arguments
    with pytest.raises(error) as raised:
        diagnose(**given)
    assert "\n" not in str(raised.value)


def test_the_map_is_weighed_against_the_lungs(tmp_path: Path, grouped_bundle: Bundle) -> None:
    path = tmp_path / "phantom.dcm"
    write_dicom(draw_phantom(7, size=256), path)
    result = diagnose(path, bundle=str(grouped_bundle.folder), age=50)
    assert result.heatmap is not None
    lungs = packaged_lung_fields().find(result.radiograph.pixels)
    assert lungs.lungs_found == 2
    expected = result.heatmap.values[lungs.mask].sum() / result.heatmap.values.sum()
    assert result.heatmap.lung_share == pytest.approx(expected, abs=1e-4)
    assert not any("lung_found" in warning.code for warning in result.warnings)


def test_a_picture_without_lungs_has_a_warning(picture: Path, tiny_bundle: Bundle) -> None:
    result = diagnose(picture, bundle=str(tiny_bundle.folder))
    assert result.heatmap is not None
    assert result.heatmap.lung_share is None
    assert any("lung_found" in warning.code for warning in result.warnings)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda grey: grey[::-1, ::-1], "upside_down"),
        (lambda grey: np.rot90(grey), "rotated"),
        (lambda grey: 255 - grey, "inverted"),
        (lambda grey: grey // 64 + 90, "exposure"),
    ],
)
def test_a_wrong_picture_gets_the_reason_and_no_class(
    save: Save, variant: Callable[..., str], harm: Callable[..., np.ndarray], code: str
) -> None:
    grey = (255 * draw_phantom(3, size=512).pixels).astype(np.uint8)
    place = variant(picture_check=True)
    answered = diagnose(save(grey, "chest.png"), age=50, bundle=place)
    assert answered.abstained is None
    refused = diagnose(save(np.ascontiguousarray(harm(grey)), "wrong.png"), age=50, bundle=place)
    assert refused.abstained is not None
    assert refused.abstained.code == code
    assert (refused.decision, refused.heatmap) == (None, None)


def test_a_bundle_may_do_without_the_picture_check(save: Save, tiny_bundle: Bundle) -> None:
    grey = (255 * draw_phantom(3, size=512).pixels).astype(np.uint8)
    turned = save(np.ascontiguousarray(grey[::-1, ::-1]), "turned.png")
    assert diagnose(turned, age=50, bundle=str(tiny_bundle.folder)).abstained is None
