"""Two bundles against a folder: the same figures as each alone, each image read once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumoscope.bundles import CARD, GRAPH, LICENCE, TRAINING_IMAGES, Bundle, write_bundle
from pneumoscope.errors import BundleError, DataError
from pneumoscope.evaluation import compare_folder, evaluate_folder, read_manifest, score
from pneumoscope.imaging import fingerprint, read_radiograph

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
Other = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve random pictures of six patients."""
    rng = np.random.default_rng(5)
    root = tmp_path / "data"
    root.mkdir()
    lines = ["file,label,patient_id"]
    for index in range(12):
        grey = rng.integers(0, 255, (64, 64), dtype=np.uint8)
        Image.fromarray(grey).save(root / f"{index}.png")
        lines.append(f"{index}.png,{CLASSES[index % 3]},p{index // 2}")
    (root / "labels.csv").write_text("\n".join(lines), "utf-8")
    return root


@pytest.fixture
def other(tiny_bundle: Bundle, tmp_path: Path) -> Other:
    """The tiny bundle with parts of its description changed; its folder."""

    def make(fingerprints: str = "", **changes: Any) -> str:
        described = json.loads((tiny_bundle.folder / "bundle.json").read_text("utf-8"))
        del described["files"]
        names = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)
        contents = {name: (tiny_bundle.folder / name).read_bytes() for name in names}
        contents[TRAINING_IMAGES] = fingerprints.encode()
        return str(write_bundle(tmp_path / "other", described | changes, contents).folder)

    return make


def _warm(bundle: Bundle, temperature: float) -> dict[str, Any]:
    """The bundle's profile with another temperature."""
    (profile,) = json.loads((bundle.folder / "bundle.json").read_text("utf-8"))["profiles"]
    profile["calibration"]["temperature"] = temperature
    return dict(profile)


def test_the_values_are_those_of_each_evaluation(
    folder: Path, tiny_bundle: Bundle, other: Other
) -> None:
    places = str(tiny_bundle.folder), other(name="flat", profiles=[_warm(tiny_bundle, 9.0)])
    found = compare_folder(folder, *places, positive="PNEUMONIA")
    alone = [
        evaluate_folder(folder, bundle=place, positive="PNEUMONIA").summary for place in places
    ]
    for name, item in found.summary.differences.items():
        assert (item.a, item.b) == tuple(each.metrics[name].value for each in alone)
    # The temperature moves the probabilities and no class.
    assert found.summary.differences["brier"].estimate.value not in (None, 0)
    assert found.summary.differences["accuracy"].estimate.value == 0
    assert (found.a.name, found.b.name) == ("tiny", "flat")
    assert (found.summary.n, found.summary.patients) == (12, 6)
    assert found.warnings == ()


def test_bundles_that_read_different_images_are_not_compared(
    folder: Path, tiny_bundle: Bundle, other: Other
) -> None:
    of_ct = other(name="slices", reads="axial chest CT slice")
    with pytest.raises(BundleError, match="read different images"):
        compare_folder(folder, str(tiny_bundle.folder), of_ct)


def test_classes_in_another_order_are_the_same_classes(
    folder: Path, tiny_bundle: Bundle, other: Other
) -> None:
    """With two names exchanged, b says of NORMAL what a says of ABNORMAL."""
    exchanged = other(name="exchanged", classes=["ABNORMAL", "NORMAL", "PNEUMONIA"])
    found = compare_folder(folder, str(tiny_bundle.folder), exchanged, positive="NORMAL")
    alone = evaluate_folder(folder, bundle=exchanged, positive="NORMAL").summary.metrics
    assert found.summary.classes == CLASSES
    assert found.summary.differences["auroc"].b == alone["auroc"].value
    assert found.summary.differences["auroc"].a != alone["auroc"].value


def test_bundles_of_different_classes_are_refused_before_any_image_is_read(
    folder: Path, tiny_bundle: Bundle, other: Other
) -> None:
    place = other(
        name="covid",
        classes=["NORMAL", "COVID", "PNEUMONIA"],
        profiles=[
            {
                "age_group": "everyone",
                "view": None,
                "classes": ["NORMAL", "COVID"],
                "calibration": {"temperature": 1, "biases": {"NORMAL": 0, "COVID": 0}},
                "operating_points": [],
                "prediction_set": None,
            }
        ],
        training_sets=[
            {"name": "x", "population": "y", "licence": "z", "images": 1, "absent_classes": []}
        ],
    )
    told: list[int] = []
    with pytest.raises(BundleError, match=r"different classes, .*ABNORMAL.* and .*COVID") as error:
        compare_folder(
            folder, str(tiny_bundle.folder), place, progress=lambda done, _: told.append(done)
        )
    assert "\n" not in str(error.value)
    assert told == []


def test_each_image_is_decoded_once(
    folder: Path, tiny_bundle: Bundle, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    def counting(path: Path) -> Any:
        decoded.append(path.name)
        return read_radiograph(path)

    monkeypatch.setattr(score, "read_radiograph", counting)
    compare_folder(folder, str(tiny_bundle.folder), other(name="same-but-for-its-name"))
    assert sorted(decoded) == sorted(f"{index}.png" for index in range(12))


def test_training_images_are_counted_for_each_bundle(
    folder: Path, tiny_bundle: Bundle, other: Other
) -> None:
    known = [image.path for image in read_manifest(folder).images][:4]
    prints = "\n".join(fingerprint(read_radiograph(path).pixels) for path in known)
    place = other(fingerprints=prints, name="knows")
    found = compare_folder(folder, str(tiny_bundle.folder), place)
    assert [len(overlap.identical) for overlap in found.overlaps] == [0, 4]
    (told,) = [line for line in found.warnings if line.code == "compared_identical_in_training"]
    assert told.values == {"bundle": "b", "images": 12, "identical": 4, "near": 0}
    assert (found.summary.n, found.summary.patients) == (12, 6)
    assert found.without_overlap is not None
    images = read_manifest(folder).images
    lines = [f"{i.file},{i.label},{i.patient_id}" for i in images[4:]]
    (folder / "labels.csv").write_text("\n".join(["file,label,patient_id", *lines]), "utf-8")
    others = compare_folder(folder, str(tiny_bundle.folder), place)
    assert found.without_overlap.as_dict() == others.summary.as_dict()
    assert others.without_overlap is None


def test_what_a_reader_must_know_is_said(folder: Path, tiny_bundle: Bundle) -> None:
    place = str(tiny_bundle.folder)
    (folder / "0.png").write_bytes(b"not an image")
    told: list[tuple[int, int]] = []
    found = compare_folder(
        folder, place, place, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(done, 12) for done in range(1, 13)]
    assert (found.images, found.summary.n, found.unreadable) == (12, 11, ("0.png",))
    told_of = {line.code: line.values for line in found.warnings}
    assert "same_bundle" in told_of
    assert told_of["images_not_readable"]["first"] == "0.png"


def test_labels_are_checked_before_any_image_is_read(folder: Path, tiny_bundle: Bundle) -> None:
    place = str(tiny_bundle.folder)
    with pytest.raises(DataError, match="TUMOUR"):
        compare_folder(folder, place, place, positive="TUMOUR")
    with pytest.raises(BundleError, match="no-such"):
        compare_folder(folder, place, "no-such")
