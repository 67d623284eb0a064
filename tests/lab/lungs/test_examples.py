"""Every radiograph comes once, with what of its mask may be believed, on one side of the split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.errors import DataError
from pneumoscope.evaluation import LabelledImage
from pneumoscope.lab.lungs.examples import HELD_OUT_SHARE, Example, masked_radiographs, pictures
from pneumoscope.lab.lungs.masks import ELSEWHERE, LEFT, RIGHT, UNKNOWN

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def masked(lung_data: Path) -> list[Example]:
    return masked_radiographs(lung_data)


def test_each_radiograph_comes_once_and_only_with_a_mask(masked: list[Example]) -> None:
    assert Counter(example.source for example in masked) == {
        "lungs-tb": 11,
        "cohen-opacity": 11,
        "rsna": 12,
        "rsna-normals": 12,
        "nih-graded": 10,
    }


def test_a_cut_out_gives_the_lungs_without_the_opacity_as_unknown(masked: list[Example]) -> None:
    pairs = [e for e in masked if e.source == "rsna" and e.taught_fields() is not None]
    assert {e.image.label for e in pairs} == {"NORMAL", "PNEUMONIA"}
    for example in pairs:
        taught, plain = example.taught_fields(), example.fields()
        assert {RIGHT, LEFT} <= set(np.unique(taught))
        if example.image.label == "NORMAL":
            assert np.array_equal(taught, plain)
        else:
            boxed = example.opacities(taught.shape)
            assert not np.any(taught[boxed] == ELSEWHERE)
            assert np.any(taught == UNKNOWN)


def test_a_mask_of_one_lung_is_not_believed(masked: list[Example]) -> None:
    (example,) = (e for e in masked if (e.source, e.image.file) == ("nih-graded", "11.png"))
    assert example.taught_fields() is None


def test_hand_made_masks_and_opacities_are_taken_as_they_are(masked: list[Example]) -> None:
    hand_made = [e for e in masked if e.hand_made]
    assert {e.source for e in hand_made} == {"lungs-tb", "cohen-opacity"}
    for example in hand_made:
        assert UNKNOWN not in example.taught_fields()
    marked = [e for e in hand_made if e.opacity_mask is not None]
    assert marked
    for example in marked:
        opacity = example.opacities(example.pixels().shape)
        assert opacity.any()
        assert np.all(example.fields()[opacity] != ELSEWHERE)
        half = example.opacities((64, 64))
        assert half.mean() == pytest.approx(opacity.mean(), abs=0.01)


def test_the_split_is_by_patient_and_keeps_the_external_set_out(masked: list[Example]) -> None:
    assert all(e.held_out for e in masked if e.source == "cohen-opacity")

    def held_out(patient: str, source: str = "rsna") -> bool:
        image = LabelledImage(Path("x"), "x", "NORMAL", patient)
        return Example(source, image).held_out

    patients = [f"patient {number}" for number in range(2000)]
    share = np.mean([held_out(patient) for patient in patients])
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.03)
    for patient in patients[:50]:
        assert len({held_out(patient, source) for source in ("rsna", "nih-graded")}) == 1


def test_pictures_without_a_patient_are_their_own(lung_data: Path) -> None:
    knees = [picture.image.patient_id for picture in pictures(lung_data, "not-chest")]
    assert knees == ["knee 0", "knee 1", "knee 2", "3.png", "4.png", "5.png"]
    papers = {picture.image.patient_id for picture in pictures(lung_data, "covid-ct")}
    assert papers == {"paper 0", "paper 1", "paper 2"}


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="rsna-lungs"):
        masked_radiographs(tmp_path)
