"""Bundles with age groups: what age and view change, from one image to a folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from pneumoscope.bundles import Bundle
from pneumoscope.errors import DataError
from pneumoscope.evaluation import compare_folder, evaluate_folder, saliency_folder
from pneumoscope.findings import AgeGroupChoice, PatientContext, Purpose, Radiograph, Zone
from pneumoscope.imaging import read_radiograph
from pneumoscope.synthetic import draw_phantom, write_dicom
from pneumoscope.workflow import Reader, diagnose


def image(top: float, left: float, right: float) -> Radiograph:
    """An image of even regions: where the bundle looks for the age, ABNORMAL and PNEUMONIA."""
    pixels = np.full((64, 64), top, np.float32)
    pixels[16:, :32], pixels[16:, 32:] = left, right
    return Radiograph(pixels, "made-up.png", "PNG")


def save(radiograph: Radiograph, path: Path) -> None:
    Image.fromarray(np.rint(radiograph.pixels * 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def reader(grouped_bundle: Bundle) -> Reader:
    return Reader(grouped_bundle, threads=1)


def softmax(*scores: float) -> list[float]:
    powers = np.exp(np.array(scores))
    return [float(power) for power in powers / powers.sum()]


def test_each_age_group_has_its_head_calibration_and_classes(reader: Reader) -> None:
    shown = image(top=102 / 255, left=51 / 255, right=75 / 255)
    scores = [10 * value / 255 for value in (102, 51, 75)]
    child, adult = (reader.score(shown, age=age) for age in (5, 50))
    normal, pneumonia = softmax(scores[0] + 0.25, scores[2] - 0.5)
    assert child.probabilities == pytest.approx(
        {"NORMAL": normal, "ABNORMAL": 0, "PNEUMONIA": pneumonia}, abs=1e-5
    )
    expected = softmax(*(2 * score / 1.5 for score in scores))
    assert list(adult.probabilities.values()) == pytest.approx(expected, abs=1e-5)
    assert child.age_group == AgeGroupChoice("children", "age")
    assert adult.age_group == AgeGroupChoice("adults", "age")


def test_a_view_has_thresholds_of_its_own(reader: Reader) -> None:
    shown = image(top=0.2, left=0.1, right=0.3)
    unknown, bedside = (reader.score(shown, age=50, view=view) for view in ("", "AP"))
    assert [point.threshold for point in unknown.operating_points] == [0.1, 0.6]
    assert [point.threshold for point in bedside.operating_points] == [0.8]
    assert (unknown.view, bedside.view) == ("", "AP")
    assert (unknown.zone, bedside.zone) == (Zone.POSITIVE, Zone.INDETERMINATE)
    assert (unknown.coverage, bedside.coverage) == (0.9, None)


def test_the_header_tells_view_and_age(reader: Reader, tmp_path: Path) -> None:
    write_dicom(draw_phantom(3, size=128), tmp_path / "a.dcm")
    dataset = dcmread(tmp_path / "a.dcm")
    dataset.ViewPosition, dataset.PatientAge = "AP", "050Y"
    dataset.save_as(tmp_path / "a.dcm")
    radiograph = read_radiograph(tmp_path / "a.dcm")
    decision = reader.score(radiograph)
    assert decision.age_group == AgeGroupChoice("adults", "age")
    assert decision.view == "AP"
    assert reader.score(radiograph, age=3).age_group.name == "children"


@pytest.mark.parametrize(("top", "group"), [(0.6, "children"), (0.4, "adults")])
def test_without_an_age_the_image_tells_the_group_and_a_warning_says_so(
    reader: Reader, top: float, group: str
) -> None:
    result = reader.diagnose(image(top, 0.1, 0.2))
    assert result.decision is not None
    choice = result.decision.age_group
    assert (choice.name, choice.chosen_by) == (group, "image")
    assert choice.probability == pytest.approx(softmax(10 * abs(top - 0.5), 0)[0], abs=1e-5)
    (told,) = [line for line in result.warnings if line.code == "age_assumed"]
    assert told.values == {"group": group, "probability": choice.probability}


def test_a_known_age_needs_no_such_warning(grouped_bundle: Bundle, tmp_path: Path) -> None:
    save(image(0.6, 0.1, 0.2), tmp_path / "a.png")
    result = diagnose(tmp_path / "a.png", age=50, bundle=str(grouped_bundle.folder))
    assert result.decision is not None
    assert result.decision.age_group == AgeGroupChoice("adults", "age")
    assert not any(line.code.startswith("age_") for line in result.warnings)


def test_the_evidence_map_is_shown_with_grad_cam_beside_it(reader: Reader) -> None:
    pixels = image(top=0.4, left=0.1, right=0.1).pixels.copy()
    pixels[24:40, 40:56] = 0.8
    result = reader.diagnose(Radiograph(pixels, "a.png", "PNG"))
    assert result.heatmap is not None
    assert result.grad_cam is not None
    assert result.decision is not None
    assert (result.heatmap.method, result.heatmap.label) == ("evidence", "PNEUMONIA")
    assert (result.grad_cam.method, result.grad_cam.label) == (
        "grad_cam",
        result.decision.predicted,
    )
    assert result.heatmap.values.max() == pytest.approx(0.8, abs=1e-5)
    assert result.heatmap.outlined
    rows, columns = np.nonzero(result.heatmap.mask)
    # Within one cell of the bright square, since cells are interpolated.
    assert rows.min() >= 24 - 8
    assert rows.max() < 40 + 8
    assert columns.min() >= 40 - 8
    assert columns.max() < 56 + 8


def test_the_grad_cam_is_that_of_the_age_groups_own_answer(reader: Reader) -> None:
    """Children cannot be answered ABNORMAL, so their map is another one than that of adults."""
    shown = image(top=0.1, left=0.5, right=0.3)
    labels = []
    for age in (5, 50):
        result = reader.diagnose(shown, patient=PatientContext(age))
        assert result.grad_cam is not None
        labels.append(result.grad_cam.label)
    assert labels == ["PNEUMONIA", "ABNORMAL"]


@pytest.mark.parametrize(
    ("right", "age", "why"),
    [(0.25, 50, "probability of 0.3 from"), (0.9, 5, "nobody drew boxes"), (0.9, 50, "")],
)
def test_evidence_is_outlined_only_where_it_may_be(
    reader: Reader, right: float, age: float, why: str
) -> None:
    shown = image(top=0.4, left=0.1, right=right)
    result = reader.diagnose(shown, patient=PatientContext(age))
    assert result.heatmap is not None
    assert result.heatmap.outlined == (not why)
    assert why in result.heatmap.why_not_outlined
    assert bool(result.heatmap.contours) == (not why)


@pytest.mark.parametrize(
    ("left", "age", "refused"),
    [(0.79, 5, False), (0.81, 5, True), (0.89, 50, False), (0.91, 50, True)],
)
def test_an_image_too_far_from_the_training_gets_no_answer(
    reader: Reader, left: float, age: float, refused: bool
) -> None:
    shown = image(top=0.4, left=left, right=0.1)
    result = reader.diagnose(shown, patient=PatientContext(age))
    assert (result.abstained is not None) == refused
    if result.abstained is not None:
        assert result.abstained.code == "unlike_training_of_group"
        assert result.abstained.values["group"] == ("children" if age < 13 else "adults")
        assert result.decision is result.heatmap is result.grad_cam is None
    _, judged = reader.judge(shown, age=age)
    assert judged == result.abstained


ROWS = [
    # file, label, age, view, top, left, right
    ("a.png", "PNEUMONIA", "5", "", 0.4, 0.1, 0.8),
    ("b.png", "NORMAL", "5", "AP", 0.6, 0.1, 0.4),
    ("c.png", "PNEUMONIA", "50", "AP", 0.2, 0.1, 0.6),
    ("d.png", "NORMAL", "50", "ap", 0.6, 0.1, 0.1),
    ("e.png", "PNEUMONIA", "50", "PA", 0.5, 0.1, 0.55),
    ("f.png", "NORMAL", "155", "PA", 0.7, 0.1, 0.2),
    ("g.png", "NORMAL", "", "", 0.1, 0.92, 0.2),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven images: one age is impossible, one unknown; the last is too far from the training."""
    place = tmp_path / "data"
    place.mkdir()
    lines = ["file,label,patient_id,age,view"]
    for file, label, age, view, *regions in ROWS:
        save(image(*regions), place / file)
        lines.append(f"{file},{label},{file},{age},{view}")
    (place / "labels.csv").write_text("\n".join(lines), "utf-8")
    return place


def test_a_folder_is_read_by_the_ages_and_views_of_its_table(
    folder: Path, grouped_bundle: Bundle
) -> None:
    result = evaluate_folder(folder, bundle=str(grouped_bundle.folder), positive="PNEUMONIA")
    found = {
        (p.age_group, p.view): (p.figures.images, p.chosen_by) for p in result.decisions.profiles
    }
    assert found == {
        ("adults", ""): (2, {"age": 1, "image": 1}),
        ("adults", "AP"): (2, {"age": 2}),
        ("children", ""): (3, {"age": 2, "image": 1}),
    }
    assert result.summary.abstained == 1
    points = {point.purpose: point for point in result.decisions.overall.points}
    # The AP profile has no rule-out point.
    assert points[Purpose.RULE_OUT].images == 5
    assert points[Purpose.RULE_IN].images == 7
    assert (points[Purpose.RULE_OUT].threshold, points[Purpose.RULE_IN].threshold) == (0.1, None)
    reader = Reader(grouped_bundle, threads=1)
    decisions = []
    for file, _, age, view, *_ in ROWS:
        known = float(age) if age and age != "155" else None
        radiograph = read_radiograph(folder / file)
        decisions.append(reader.score(radiograph, age=known, view=view.upper()))
    zones = [decision.zone for decision in decisions]
    assert result.decisions.overall.zones == {zone: zones.count(zone) for zone in Zone}
    sets = result.decisions.overall.sets
    assert sets is not None
    several = [d for d in decisions if len(d.prediction_set) > 1]
    assert (sets.images, sets.several) == (5, len(several))


def test_a_stated_age_group_is_that_of_images_whose_age_is_not_known(
    folder: Path, grouped_bundle: Bundle
) -> None:
    place = str(grouped_bundle.folder)
    result = evaluate_folder(folder, bundle=place, positive="PNEUMONIA", age_group="children")
    found = {(p.age_group, p.view): p.chosen_by for p in result.decisions.profiles}
    assert found == {
        ("adults", ""): {"age": 1},
        ("adults", "AP"): {"age": 2},
        ("children", ""): {"age": 4},
    }


def test_an_age_group_that_no_bundle_has_is_refused_before_any_image_is_read(
    folder: Path, grouped_bundle: Bundle, tiny_bundle: Bundle
) -> None:
    told: list[int] = []
    for bundle, words in ((grouped_bundle, "children, adults"), (tiny_bundle, "all ages alike")):
        with pytest.raises(DataError, match=words):
            evaluate_folder(
                folder,
                bundle=str(bundle.folder),
                age_group="elders",
                progress=lambda done, _: told.append(done),
            )
    assert told == []


def test_a_bundle_with_age_groups_is_compared_with_one_without(
    folder: Path, grouped_bundle: Bundle, tiny_bundle: Bundle
) -> None:
    places = str(grouped_bundle.folder), str(tiny_bundle.folder)
    guessed, stated = (
        compare_folder(folder, *places, age_group=group) for group in (None, "children")
    )
    brier = [each.summary.differences["brier"] for each in (guessed, stated)]
    assert brier[0].a != brier[1].a
    assert brier[0].b == brier[1].b
    # Only the first bundle knows how far an image is from its training.
    assert guessed.abstained == 1
    with pytest.raises(DataError, match="elders"):
        compare_folder(folder, *places, age_group="elders")


def test_boxes_are_held_against_the_evidence_map_also_where_it_is_not_outlined(
    folder: Path, grouped_bundle: Bundle
) -> None:
    """The boxes are where the bundle looks for PNEUMONIA; both images are of children or faint."""
    boxes = [f"{file},0.5,0.25,0.5,0.75" for file in ("a.png", "f.png")]
    (folder / "boxes.csv").write_text("\n".join(["file,x,y,width,height", *boxes]), "utf-8")
    place = str(grouped_bundle.folder)
    found = saliency_folder(folder, folder / "boxes.csv", bundle=place)
    assert (found.method, found.as_dict()["method"]) == ("evidence", "evidence")
    assert found.held_out is not None
    assert (found.held_out.measures["mask"].heatmap.value or 0) > 0.9
    of_normal = saliency_folder(folder, folder / "boxes.csv", bundle=place, label="NORMAL")
    assert of_normal.method == "grad_cam"


def test_a_table_of_a_bundle_without_groups_counts_all_as_one(
    folder: Path, tiny_bundle: Bundle
) -> None:
    result = evaluate_folder(folder, bundle=str(tiny_bundle.folder), positive="PNEUMONIA")
    document = result.decisions.as_dict()
    (profile,) = document["profiles"]
    assert (profile["age_group"], profile["view"]) == ("everyone", None)
    assert (profile["images"], profile["chosen_by"]) == (7, {"only": 7})
    assert profile["operating_points"] == document["operating_points"]
    assert document["prediction_sets"] is None
    assert json.loads(json.dumps(document)) == document
