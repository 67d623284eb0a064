"""Images of several sources decoded once, in one order."""

import dataclasses
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError
from pneumoscope.evaluation import read_manifest
from pneumoscope.imaging import fingerprint, read_radiograph, reduce_by_area
from pneumoscope.lab.datasets import collect

pytestmark = pytest.mark.lab

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


def test_every_row_is_its_image(collection, manifests):
    rows = [(number, name, i) for number, (name, images) in enumerate(manifests) for i in images]
    assert len(collection) == len(rows) == 12
    size = len(collection.pixels[0])
    for position, (number, name, image) in enumerate(rows):
        pixels = read_radiograph(image.path).pixels
        np.testing.assert_array_equal(collection.pixels[position], reduce_by_area(pixels, size))
        assert collection.fingerprints[position] == fingerprint(pixels)
        assert CLASSES[collection.labels[position]] == image.label
        assert collection.sources[position] == number
        assert collection.files[position] == f"{name}/{image.file}"
        assert collection.patients[position] == f"{name}/{image.patient_id}"
        assert collection.extra[position] == image.extra
    assert collection.extra[-1]["view"] == "PA"


def test_equal_patient_numbers_of_two_sources_are_two_patients(manifests):
    _, images = manifests[0]
    twice = collect([("one", images), ("two", images)], CLASSES, 32)
    assert len(set(twice.patients)) == 2 * len({image.patient_id for image in images})


def test_a_source_without_patients_is_told(manifests, caplog):
    (name, images), second = manifests
    unknown = [dataclasses.replace(image, patient_id=image.file) for image in images]
    assert collect([(name, unknown), second], CLASSES, 32).without_patients == (name,)
    assert f"{name}: no patients are known" in caplog.text
    caplog.clear()
    assert collect(manifests, CLASSES, 32).without_patients == ()
    assert "no patients" not in caplog.text


def test_a_label_that_is_no_class_is_refused(manifests):
    with pytest.raises(DataError, match=r"'ABNORMAL' is not a class.*NORMAL, PNEUMONIA"):
        collect(manifests, ("NORMAL", "PNEUMONIA"), 32)


@pytest.fixture
def damaged(phantom_folders, tmp_path):
    """A copy of the first folder, two of its six images unreadable."""
    folder = tmp_path / "copy"
    shutil.copytree(phantom_folders[0], folder)
    images = read_manifest(folder).images
    images[3].path.write_bytes(images[3].path.read_bytes()[:500])
    images[4].path.write_bytes(b"")
    return images


@pytest.mark.parametrize("share", [0.0, 0.33])
def test_unreadable_images_stop_the_run_and_are_named(damaged, share):
    with pytest.raises(DataError, match=r"children: 2 of 6 images.*0\.334") as caught:
        collect([("children", damaged)], CLASSES, 32, max_unreadable_share=share)
    said = str(caught.value)
    assert damaged[3].file in said
    assert damaged[4].file in said
    assert "\n" not in said


def test_the_share_that_the_error_names_is_enough(damaged, manifests, caplog):
    sources = [("children", damaged), ("adults", manifests[1][1])]
    with pytest.raises(DataError) as caught:
        collect(sources, CLASSES, 32)
    share = float(re.search(r"max_unreadable_share: ([0-9.]+)", str(caught.value))[1])
    collected = collect(sources, CLASSES, 32, max_unreadable_share=share)
    left_out = tuple(f"children/{damaged[i].file}" for i in (3, 4))
    assert collected.left_out == left_out
    assert set(collected.files) == {
        f"{name}/{i.file}" for name, images in sources for i in images
    } - set(left_out)
    assert len(collected) == len(collected.pixels) == len(collected.fingerprints) == 10
    kept = [image for _, images in sources for image in images if image not in damaged[3:5]]
    for pixels, image in zip(collected.pixels, kept, strict=True):
        np.testing.assert_array_equal(
            pixels, reduce_by_area(read_radiograph(image.path).pixels, 32)
        )
    for i in (3, 4):
        assert sum(damaged[i].file in record.getMessage() for record in caplog.records) == 1
    assert "2 of 6 images left out" in caplog.text


def test_a_large_source_does_not_make_up_for_a_small_one(damaged, manifests):
    sources = [("adults", manifests[1][1] * 20), ("children", damaged)]
    with pytest.raises(DataError, match="children: 2 of 6"):
        collect(sources, CLASSES, 32, max_unreadable_share=0.1)


def test_no_share_allows_a_source_without_images(damaged):
    with pytest.raises(DataError, match="children: 2 of 2 images cannot be read") as caught:
        collect([("children", damaged[3:5])], CLASSES, 32, max_unreadable_share=0.999)
    assert "max_unreadable_share" not in str(caught.value)
