from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pneumoscope.findings import DicomSource, Radiograph
from pneumoscope.imaging import polarity_note
from pneumoscope.imaging.polarity import inversion_score


def phantom(height: int = 240, width: int = 200) -> np.ndarray:
    """A trunk on black air with two dark lungs beside a bright middle."""
    y, x = np.mgrid[0:height, 0:width]
    y, x = y / height, x / width
    image = np.where(np.abs(x - 0.5) < 0.35 + 0.15 * (y > 0.1), 0.6, 0.02)
    for centre in (0.25, 0.75):
        image[((x - centre) / 0.14) ** 2 + ((y - 0.45) / 0.3) ** 2 < 1] = 0.25
    image[np.abs(x - 0.5) < 0.07] = 0.9
    return image.astype(np.float32)


def test_phantom_and_its_negative():
    assert polarity_note(Radiograph(phantom(), "a.png", "PNG")) is None
    source = DicomSource(photometric="MONOCHROME1")
    note = polarity_note(Radiograph(1 - phantom(), "a.dcm", "DICOM", dicom=source))
    assert note is not None
    assert note.code == "looks_inverted_by_header"
    assert note.values == {"photometric": "MONOCHROME1"}


def test_without_a_header_nothing_is_said_of_one():
    note = polarity_note(Radiograph(1 - phantom(), "a", "any"))
    assert note is not None
    assert (note.code, note.values) == ("looks_inverted", {})


@given(st.floats(0.3, 3), st.integers(32, 300), st.integers(32, 300))
def test_exposure_and_size_do_not_matter_and_the_negative_is_opposite(gamma, height, width):
    image = phantom(height, width) ** np.float32(gamma)
    assert inversion_score(image) < 0
    assert inversion_score(1 - image) == pytest.approx(-inversion_score(image), abs=0.05)


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["rsna", "guangzhou"])
def test_errs_on_less_than_one_in_a_hundred_real_images(shared_data, folder):
    files = sorted((shared_data / folder / "images").rglob("*.jp*g"))[::7][:300]
    assert files
    scores = []
    for path in files:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"), dtype=np.float32) / 255
        scores.append((inversion_score(pixels), -inversion_score(1 - pixels)))
    assert (np.array(scores) >= 0).mean() < 0.01
