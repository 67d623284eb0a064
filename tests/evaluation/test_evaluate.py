"""A bundle against a folder: the figures, and the images that are in none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from pneumoscope.bundles import Bundle
from pneumoscope.errors import BundleError, DataError
from pneumoscope.evaluation import FolderEvaluation, evaluate_folder, read_manifest
from pneumoscope.findings import Purpose
from pneumoscope.imaging import fingerprint, read_radiograph, to_input
from pneumoscope.workflow import diagnose

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty random pictures in class folders, of different sizes so that threads overtake."""
    rng = np.random.default_rng(5)
    for index in range(30):
        place = tmp_path / "data" / CLASSES[index % 3]
        place.mkdir(parents=True, exist_ok=True)
        side = int(rng.choice([64, 200, 500]))
        grey = rng.integers(0, 80, (side, side), dtype=np.uint8)
        rows, columns = rng.choice([0, side // 2], 2)
        grey[rows : rows + side // 2, columns : columns + side // 2] += rng.integers(
            20, 170, dtype=np.uint8
        )
        Image.fromarray(grey).save(place / f"{index:02d}.png")
    return tmp_path / "data"


def by_hand(folder: Path, bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and true columns of every image, one after the other."""
    rows, true = [], []
    for image in read_manifest(folder).images:
        grey = to_input(read_radiograph(image.path).pixels, bundle.description.input.spec())[0]
        means = np.array([grey[:16].mean(), grey[16:, :32].mean(), grey[16:, 32:].mean()])
        powers = np.exp(10 * means / 1.5)
        rows.append(powers / powers.sum())
        true.append(CLASSES.index(image.label))
    return np.array(rows), np.array(true)


def figures(result: FolderEvaluation) -> dict[str, object]:
    return result.summary.as_dict()


def test_figures_agree_with_a_hand_computation(folder: Path, tiny_bundle: Bundle) -> None:
    result = evaluate_folder(folder, bundle=str(tiny_bundle.folder), positive="PNEUMONIA")
    probabilities, true = by_hand(folder, tiny_bundle)
    predicted = probabilities.argmax(axis=1)
    ill, called = true == 2, predicted == 2
    document = figures(result)
    confusion = {
        label: {name: int(((true == i) & (predicted == j)).sum()) for j, name in enumerate(CLASSES)}
        for i, label in enumerate(CLASSES)
    }
    # The case is worth something only if the answers differ from one another and from the truth.
    assert len(set(predicted)) == 3
    assert 0 < (predicted == true).mean() < 1
    assert document["confusion"] == confusion
    pairs = np.sign(probabilities[ill, 2][:, None] - probabilities[~ill, 2][None])
    expected = {
        "accuracy": (predicted == true).mean(),
        "brier": ((probabilities - np.eye(3)[true]) ** 2).sum(axis=1).mean(),
        "sensitivity": called[ill].mean(),
        "specificity": (~called[~ill]).mean(),
        "auroc": (pairs.mean() + 1) / 2,
    }
    for name, value in expected.items():
        assert document[name]["value"] == pytest.approx(value, abs=1e-6), name  # type: ignore[index]
    (point,) = result.decisions.overall.points
    assert (point.purpose, point.threshold, point.images) == (Purpose.RULE_OUT, 0.4, 30)
    assert point.sensitivity.value == pytest.approx((probabilities[ill, 2] >= 0.4).mean())
    assert point.specificity.value == pytest.approx((probabilities[~ill, 2] < 0.4).mean())


def test_the_operating_point_is_left_out_for_another_class(
    folder: Path, tiny_bundle: Bundle
) -> None:
    place = str(tiny_bundle.folder)
    for positive in (None, "NORMAL"):
        found = evaluate_folder(folder, bundle=place, positive=positive).decisions.overall
        assert (found.points, found.zones) == ((), None)


def test_class_folders_and_a_table_give_the_same_figures(
    folder: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    lines = [f"{image.file},{image.label}" for image in read_manifest(folder).images]
    from_folders = evaluate_folder(folder, bundle=str(tiny_bundle.folder))
    (folder / "labels.csv").write_text("\n".join(["file,label", *lines]), "utf-8")
    from_table = evaluate_folder(folder, bundle=str(tiny_bundle.folder))
    assert figures(from_folders) == figures(from_table)
    assert from_folders.patient_column is from_table.patient_column is None
    assert "intervals_without_patients" in [line.code for line in from_table.warnings]


def test_patients_of_the_table_are_known(folder: Path, tiny_bundle: Bundle) -> None:
    images = read_manifest(folder).images
    lines = [f"{image.file},{image.label},p{i // 2}" for i, image in enumerate(images)]
    (folder / "labels.csv").write_text("\n".join(["file,label,patient_id", *lines]), "utf-8")
    result = evaluate_folder(folder, bundle=str(tiny_bundle.folder))
    assert result.patient_column == "patient_id"
    assert result.summary.patients == 15
    assert "intervals_without_patients" not in [line.code for line in result.warnings]


def test_subgroups_are_of_the_readable_images_of_the_column(
    folder: Path, tiny_bundle: Bundle
) -> None:
    images = read_manifest(folder).images
    lines = [
        f"{image.file},{image.label},{('AP', 'PA', '')[i % 3]}" for i, image in enumerate(images)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,label,view", *lines]), "utf-8")
    images[0].path.write_bytes(b"not an image")
    result = evaluate_folder(folder, bundle=str(tiny_bundle.folder), by=["view"])
    groups = {group.name: group.n for group in result.figures.subgroups["view"]}
    assert groups == {"AP": 9, "PA": 10, "not stated": 10}


def test_unreadable_images_are_counted_named_and_in_no_figure(
    folder: Path, tiny_bundle: Bundle
) -> None:
    before = evaluate_folder(folder, bundle=str(tiny_bundle.folder))
    (folder / "NORMAL" / "00-broken.png").write_bytes(b"not an image")
    (folder / "PNEUMONIA" / "zz-empty.jpg").touch()
    after = evaluate_folder(folder, bundle=str(tiny_bundle.folder))
    assert after.images == before.images + 2
    assert after.unreadable == ("NORMAL/00-broken.png", "PNEUMONIA/zz-empty.jpg")
    assert figures(after) == figures(before)
    (told,) = [line for line in after.warnings if line.code == "images_not_readable"]
    expected = {"count": 2, "images": after.images, "first": "NORMAL/00-broken.png"}
    assert told.values == expected


def test_images_that_diagnose_refuses_are_counted_and_scored_all_the_same(
    folder: Path, tiny_bundle: Bundle, phantom_dicom: Path
) -> None:
    place = folder / "NORMAL" / "phantom.dcm"
    bundle = str(tiny_bundle.folder)
    place.write_bytes(phantom_dicom.read_bytes())
    frontal = evaluate_folder(folder, bundle=bundle, positive="PNEUMONIA")
    dataset = dcmread(phantom_dicom)
    dataset.ViewPosition = "LL"
    dataset.save_as(place)
    assert diagnose(place, bundle=bundle).abstained is not None
    lateral = evaluate_folder(folder, bundle=bundle, positive="PNEUMONIA")
    # The pixels are the same, and so is every figure.
    assert figures(lateral) == figures(frontal) | {"abstained": 1}
    assert lateral.decisions == frontal.decisions
    assert (lateral.summary.n, sum(lateral.summary.confusion["NORMAL"].values())) == (31, 11)
    (told,) = [line for line in lateral.warnings if line.code == "images_refused"]
    assert told.values == {"count": 1, "images": 31}
    assert "images_refused" not in [line.code for line in frontal.warnings]


def test_images_of_the_training_are_counted(
    folder: Path, tiny_bundle: Bundle, variant: Callable[..., str]
) -> None:
    known = [image.path for image in read_manifest(folder).images][::10]
    prints = [fingerprint(read_radiograph(path).pixels) for path in known]
    result = evaluate_folder(folder, bundle=variant(fingerprints="\n".join(prints)))
    assert result.summary.in_training == len(known) == 3
    (told,) = [line for line in result.warnings if line.code == "identical_in_training"]
    assert told.values == {"images": 30, "identical": 3, "near": 0}
    assert (result.overlap.near, result.summary.near_training) == (None, None)
    fresh = evaluate_folder(folder, bundle=str(tiny_bundle.folder))
    assert fresh.summary.in_training == 0
    assert fresh.without_overlap is None
    assert not any(line.code.endswith("in_training") for line in fresh.warnings)


def test_figures_without_the_training_images_are_those_of_the_other_images(
    folder: Path, tiny_bundle: Bundle, variant: Callable[..., str]
) -> None:
    images = read_manifest(folder).images
    prints = [fingerprint(read_radiograph(image.path).pixels) for image in images[::10]]
    result = evaluate_folder(
        folder, bundle=variant(fingerprints="\n".join(prints)), positive="PNEUMONIA"
    )
    assert result.overlap.identical == tuple(image.file for image in images[::10])
    for image in images[::10]:
        image.path.unlink()
    others = evaluate_folder(folder, bundle=str(tiny_bundle.folder), positive="PNEUMONIA")
    assert result.summary.n == 30
    assert result.without_overlap is not None
    assert result.without_overlap.as_dict() == figures(others)


def test_there_are_no_figures_without_the_training_images_where_all_are(
    folder: Path, variant: Callable[..., str]
) -> None:
    images = read_manifest(folder).images
    prints = [fingerprint(read_radiograph(image.path).pixels) for image in images]
    result = evaluate_folder(folder, bundle=variant(fingerprints="\n".join(prints)))
    assert result.summary.in_training == 30
    assert result.without_overlap is None


def test_progress_is_told_once_per_image_in_order(folder: Path, tiny_bundle: Bundle) -> None:
    told: list[tuple[int, int]] = []
    evaluate_folder(
        folder,
        bundle=str(tiny_bundle.folder),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, 30) for done in range(1, 31)]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"positive": "TUMOUR"}, "TUMOUR"),
        ({"negatives": ["COVID"]}, "positive"),
        ({"positive": "NORMAL", "negatives": ["NORMAL"]}, "NORMAL"),
        ({"by": ["view"]}, "view"),
    ],
)
def test_labels_are_checked_before_any_image_is_read(
    folder: Path, tiny_bundle: Bundle, arguments: dict[str, object], word: str
) -> None:
    told: list[int] = []
    with pytest.raises(DataError, match=word):
        evaluate_folder(
            folder,
            bundle=str(tiny_bundle.folder),
            progress=lambda done, _: told.append(done),
            **arguments,  # type: ignore[arg-type]
        )
    assert told == []


def test_a_folder_of_unreadable_images_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "NORMAL").mkdir()
    (tmp_path / "NORMAL" / "a.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match="none of its 1 images can be read"):
        evaluate_folder(tmp_path, bundle=str(tiny_bundle.folder))


def test_an_unknown_bundle_is_refused(folder: Path) -> None:
    with pytest.raises(BundleError, match="no-such"):
        evaluate_folder(folder, bundle="no-such")
