"""The packaged bundle and the picture check on real images. No figure here: the card has them."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pneumoscope.bundles import find_bundle
from pneumoscope.errors import ImageError
from pneumoscope.findings import Diagnosis
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import packaged_picture_check
from pneumoscope.reports import overlay_png
from pneumoscope.workflow import Reader

pytestmark = pytest.mark.shared

# As docs/explanation/imaging.md states it: how much a probability may differ between an image and
# its 3,000-pixel copy, for one image and on average.
COPY_TOLERANCE, MEAN_COPY_TOLERANCE = 0.12, 0.02


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(find_bundle())


def some_of_each_class(folder: Path, count: int) -> list[Path]:
    with (folder / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    chosen = []
    for label in sorted({row["label"] for row in rows}):
        files = [folder / row["file"] for row in rows if row["label"] == label]
        chosen += files[:: max(1, len(files) // count)][:count]
    return chosen


def _ages(folder: Path) -> dict[Path, float]:
    """Ages of a set that tells them, as a clinic knows them."""
    with (folder / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {folder / row["file"]: float(row["age"]) for row in rows if row.get("age")}


def check(diagnosis: Diagnosis) -> None:
    assert diagnosis.abstained is None
    assert diagnosis.decision is not None
    assert sum(diagnosis.decision.probabilities.values()) == pytest.approx(1)
    assert diagnosis.heatmap is not None
    assert diagnosis.heatmap.values.shape == diagnosis.radiograph.pixels.shape
    assert overlay_png(diagnosis).startswith(b"\x89PNG")


def test_every_chest_dicom_is_answered_unless_it_is_inverted(
    shared_data: Path, reader: Reader
) -> None:
    files = sorted((shared_data / "dicom" / "chest").glob("*.dcm"))
    assert len(files) == 4
    for file in files:
        diagnosis = reader.diagnose(read_radiograph(file))
        if "fake_mono1" in file.name:  # its header says the wrong photometric interpretation
            assert diagnosis.abstained is not None
            assert diagnosis.abstained.code == "inverted"
        else:
            check(diagnosis)


@pytest.mark.parametrize("source", ["guangzhou", "rsna"])
def test_ten_images_of_each_class_are_answered(
    shared_data: Path, reader: Reader, source: str
) -> None:
    unlike = []
    for file in some_of_each_class(shared_data / source, 10):
        diagnosis = reader.diagnose(read_radiograph(file))
        if diagnosis.abstained is not None and diagnosis.abstained.code.startswith(
            "unlike_training"
        ):
            unlike.append(file.name)
        else:
            check(diagnosis)
    # By its limits the bundle leaves about one image in a hundred unanswered for this.
    assert len(unlike) <= 1


@pytest.mark.parametrize("source", ["guangzhou", "rsna"])
def test_a_3000_pixel_copy_gives_the_same_answer(
    shared_data: Path, reader: Reader, source: str, tmp_path: Path
) -> None:
    ages = _ages(shared_data / source)
    differences = []
    for file in some_of_each_class(shared_data / source, 6):
        radiograph = read_radiograph(file)
        height, width = radiograph.pixels.shape
        scale = 3000 / max(height, width)
        large = cv2.resize(
            radiograph.pixels,
            (round(width * scale), round(height * scale)),
            interpolation=cv2.INTER_CUBIC,
        )
        copy = tmp_path / "copy.png"
        Image.fromarray(np.rint(np.clip(large, 0, 1) * 255).astype(np.uint8)).save(copy)
        original = reader.score(radiograph, age=ages.get(file)).probabilities
        enlarged = reader.score(read_radiograph(copy), age=ages.get(file)).probabilities
        differences.append(max(abs(original[name] - enlarged[name]) for name in original))
    assert max(differences) <= COPY_TOLERANCE
    assert np.mean(differences) <= MEAN_COPY_TOLERANCE


@pytest.mark.parametrize("source", ["guangzhou", "rsna", "nih-graded", "lungs-tb"])
def test_radiographs_pass_the_picture_check_and_turned_ones_do_not(
    shared_data: Path, source: str
) -> None:
    checker, refused, told = packaged_picture_check(), 0, []
    for file in some_of_each_class(shared_data / source, 15):
        pixels = read_radiograph(file).pixels
        refused += bool(checker.look(pixels).refusals)
        turned = (pixels[::-1, ::-1], np.rot90(pixels), 1 - pixels)
        for picture, code in zip(turned, ("upside_down", "rotated", "inverted"), strict=True):
            codes = checker.look(np.ascontiguousarray(picture)).codes
            assert codes, file.name
            told.append(code in codes)
    assert refused <= 1
    assert np.mean(told) >= 0.95


def test_chest_dicoms_pass_but_the_one_whose_header_makes_it_a_negative(shared_data: Path) -> None:
    files = sorted((shared_data / "dicom" / "chest").glob("*.dcm"))
    codes = {
        file.name: packaged_picture_check().look(read_radiograph(file).pixels).codes
        for file in files
    }
    wrong = "txrv_fake_mono1_header_jpegbaseline_8bit.dcm"
    assert codes == dict.fromkeys(codes, ()) | {wrong: ("inverted",)}


@pytest.mark.parametrize("source", ["covid-ct", "not-chest"])
def test_what_is_no_chest_does_not_pass_the_picture_check(shared_data: Path, source: str) -> None:
    passed = []
    for file in some_of_each_class(shared_data / source, 12):
        try:
            pixels = read_radiograph(file).pixels
        except ImageError:  # some wallpapers are of one grey
            continue
        passed.append(not packaged_picture_check().look(pixels).refusals)
    assert len(passed) >= 20
    assert np.mean(passed) <= 0.05
