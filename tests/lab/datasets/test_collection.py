"""Images of several sources decoded once, in one order."""

import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation import read_manifest
from pneumoscope.imaging import fingerprint, read_radiograph, reduce_by_area
from pneumoscope.lab.datasets import collect

pytestmark = pytest.mark.lab

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


def test_every_row_is_its_image(collection, manifests):
    rows = [(number, name, i) for number, (name, images) in enumerate(manifests) for i in images]
    assert len(collection) == len(rows) == 12
    size = collection.pixels.shape[1]
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


def test_a_label_that_is_no_class_is_refused(manifests):
    with pytest.raises(DataError, match=r"'ABNORMAL' is not a class.*NORMAL, PNEUMONIA"):
        collect(manifests, ("NORMAL", "PNEUMONIA"), 32)


def test_a_damaged_image_is_named(phantom_folders, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(phantom_folders[0], folder)
    images = read_manifest(folder).images
    images[3].path.write_bytes(images[3].path.read_bytes()[:500])
    with pytest.raises(ImageError, match=images[3].file) as caught:
        collect([("children", images)], CLASSES, 32)
    assert "\n" not in str(caught.value)
