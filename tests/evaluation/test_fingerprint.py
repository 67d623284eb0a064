"""Copies are found and lookalikes are not; what tells a label is told, and what does not is not."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pneumoscope.evaluation import (
    DataFingerprint,
    LabelledImage,
    image_facts,
    measure_fingerprint,
    near_pairs,
)
from pneumoscope.evaluation.fingerprint import OTHER_SIZES
from pneumoscope.findings import Radiograph
from pneumoscope.imaging import NEAR_HASH_BITS
from pneumoscope.synthetic import draw_phantom

PHANTOMS = [
    draw_phantom(seed, size=256, opacity=seed % 2 == 1).pixels.astype(np.float32)
    for seed in range(6)
]


def jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer)).astype(np.float32) / 255


def half(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, (128, 128), interpolation=cv2.INTER_AREA)


def cropped(pixels: np.ndarray) -> np.ndarray:
    return pixels[4:-4, 4:-4]


def equalised(pixels: np.ndarray) -> np.ndarray:
    grey = np.rint(pixels * 255).astype(np.uint8)
    return cv2.createCLAHE(2.0, (8, 8)).apply(grey).astype(np.float32) / 255


def brighter(pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels * np.float32(1.05), 0, 1)


def measure(
    pictures: list[np.ndarray],
    labels: list[str] | None = None,
    patients: list[str] | None = None,
    extra: dict[str, list[str]] | None = None,
) -> DataFingerprint:
    images = [
        LabelledImage(
            Path(f"{i}.png"),
            f"{i}.png",
            labels[i] if labels else "A",
            patients[i] if patients else f"{i}.png",
            {name: values[i] for name, values in (extra or {}).items()},
        )
        for i in range(len(pictures))
    ]
    facts = [image_facts(Radiograph(each, "x", "PNG")) for each in pictures]
    return measure_fingerprint(images, facts, has_patients=patients is not None)


@pytest.mark.parametrize("change", [jpeg, half, brighter, cropped, equalised])
def test_a_changed_copy_is_a_near_duplicate_and_no_exact_one(change):
    found = measure([*PHANTOMS, change(PHANTOMS[2])], patients=list("abcdefg"))
    assert found.exact == ()
    assert [(g.files, g.patients) for g in found.near] == [(("2.png", "6.png"), 2)]
    assert "nearly_identical_across_patients" in [each.code for each in found.warnings]


def test_different_phantoms_are_no_copies():
    found = measure(PHANTOMS, patients=list("abcdef"))
    assert (found.exact, found.near, found.warnings) == ((), (), ())


def test_exact_copies_are_told_across_patients_and_labels():
    pictures = [*PHANTOMS, PHANTOMS[0], PHANTOMS[1]]
    found = measure(pictures, list("AAAAAAAB"), list("abcdefzb"))
    assert [g.files for g in found.exact] == [("0.png", "6.png"), ("1.png", "7.png")]
    assert [g.across_patients for g in found.exact] == [True, False]
    copies = found.as_dict()["exact_duplicates"]
    assert (copies["images"], copies["across_patients"], copies["across_labels"]) == (4, 1, 1)
    assert found.near == ()
    codes = [each.code for each in found.warnings]
    assert {"identical_across_patients", "identical_with_several_labels"} <= set(codes)


def test_identical_images_go_into_the_near_group_of_their_picture():
    pictures = [*PHANTOMS, PHANTOMS[2], jpeg(PHANTOMS[2])]
    found = measure(pictures)
    assert [g.files for g in found.near] == [("2.png", "6.png", "7.png")]
    assert [g.files for g in found.exact] == [("2.png", "6.png")]


def test_near_copies_chain_into_one_group():
    chain = [PHANTOMS[0], jpeg(PHANTOMS[0]), half(PHANTOMS[0]), *PHANTOMS[1:]]
    assert [g.files for g in measure(chain).near] == [("0.png", "1.png", "2.png")]


def test_all_pairs_agree_with_one_pair_at_a_time():
    """Against a plain count of bits, with pictures that are near in one direction only."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2, (8, 256))
    flips = rng.random((120, 3, 256)) < rng.uniform(0, 0.2, (120, 3, 1))
    bits = (base[np.arange(120) % 8, None] ^ flips).astype(np.uint8)
    hashes = np.packbits(bits, axis=2).view(np.uint64)

    def near(i: int, j: int) -> bool:
        return min((bits[i, kind] != bits[j, 0]).sum() for kind in range(3)) <= NEAR_HASH_BITS

    slow = [(i, j) for i, j in combinations(range(120), 2) if near(i, j) or near(j, i)]
    assert near_pairs(hashes).tolist() == [list(pair) for pair in slow]
    assert any(near(i, j) != near(j, i) for i, j in slow)


def sized(sizes: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.random((side, side), dtype=np.float32) for side in sizes]


def test_a_size_that_tells_the_label_is_told():
    found = measure(sized([64] * 12 + [96] * 12), ["A"] * 12 + ["B"] * 12)
    assert found.properties["size"].tells_label
    assert ("property_tells_label", "size") in [
        (each.code, each.values.get("name")) for each in found.warnings
    ]
    assert not found.properties["format"].tells_label


def test_a_size_that_is_spread_evenly_is_not_told():
    found = measure(sized([64, 96] * 12), ["A"] * 12 + ["B"] * 12)
    assert not found.properties["size"].tells_label
    assert not any("tells_label" in warning.code for warning in found.warnings)


def test_sizes_that_never_repeat_still_tell_by_their_area():
    found = measure(sized(list(range(40, 80))), ["A"] * 20 + ["B"] * 20)
    sizes = found.properties["size"]
    assert (found.distinct_sizes, len(sizes.counts)) == (40, 11)
    assert sum(sizes.counts[OTHER_SIZES].values()) == 30
    assert found.properties["area"].tells_label


def test_columns_of_few_values_are_set_against_the_label():
    labels = ["A"] * 20 + ["B"] * 20
    extra = {
        "view": ["AP"] * 16 + ["PA"] * 4 + ["AP"] * 4 + ["PA"] * 16,
        "sex": ["M", "F"] * 20,
        "id": [str(i) for i in range(40)],
        "age": ["3", "70"] * 20,
    }
    found = measure(sized([64] * 40), labels, extra=extra)
    assert found.columns_left_out == ("id",)
    assert {name: table.tells_label for name, table in found.columns.items()} == {
        "view": True,
        "sex": False,
        "age": False,
    }
    assert set(found.columns["age"].counts) == {"0 to 4", "65 to 79"}
    assert ("column_tells_label", "view") in [
        (each.code, each.values.get("name")) for each in found.warnings
    ]


def test_patients_are_counted():
    found = measure(PHANTOMS, list("AABBAA"), list("aaabbc"))
    assert found.patients is not None
    told = found.patients.n, found.patients.most_images, found.patients.median_images
    assert (*told, found.patients.several_labels) == (3, 3, 2.0, 2)
    assert measure(PHANTOMS).patients is None
