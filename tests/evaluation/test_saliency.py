"""Where a bundle looks: the map of `diagnose`, held-out images apart, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.bundles import Bundle
from pneumoscope.errors import DataError
from pneumoscope.evaluation import evaluate_folder, saliency_folder
from pneumoscope.imaging import fingerprint, perceptual_hash, read_radiograph
from pneumoscope.inference import to_heatmap
from pneumoscope.metrics import Box, fit_map, fixed_maps
from pneumoscope.synthetic import draw_phantom, write_png
from pneumoscope.workflow import diagnose

# The tiny bundle looks for PNEUMONIA at the lower right.
BOXES = {0: Box(0.5, 0.5, 0.5, 0.5), 2: Box(0, 0, 0.25, 0.25), 5: Box(0.6, 0.4, 0.3, 0.3)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight pictures, brightest at the lower right; three of different patients have a box."""
    rng = np.random.default_rng(5)
    place = tmp_path / "data"
    place.mkdir()
    rows, boxes = ["file,label,patient_id,view"], ["file,x,y,width,height"]
    for index in range(8):
        grey = rng.integers(0, 60, (96, 80 + index), dtype=np.uint8)
        grey[24:, 40:] += rng.integers(60, 190, dtype=np.uint8)
        Image.fromarray(grey).save(place / f"{index}.png")
        rows.append(f"{index}.png,PNEUMONIA,p{index},{('AP', 'PA')[index % 2]}")
        if index in BOXES:
            box = BOXES[index]
            boxes.append(f"{index}.png,{box.x},{box.y},{box.width},{box.height}")
    (place / "labels.csv").write_text("\n".join(rows), "utf-8")
    (place / "boxes.csv").write_text("\n".join(boxes), "utf-8")
    return place


def test_only_images_with_boxes_count_and_the_map_is_that_of_diagnose(
    folder: Path, tiny_bundle: Bundle
) -> None:
    place = str(tiny_bundle.folder)
    told: list[tuple[int, int]] = []
    found = saliency_folder(
        folder, folder / "boxes.csv", bundle=place, progress=lambda *n: told.append(n)
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert found.in_training is None
    assert found.held_out is not None
    shown = {i: diagnose(folder / f"{i}.png", bundle=place) for i in BOXES}
    # Elsewhere `diagnose` shows another class's map.
    answers = [one.decision.predicted for one in shown.values() if one.decision]
    assert answers == ["PNEUMONIA"] * 3
    assert (found.held_out.n, found.held_out.answered, found.boxes) == (3, 3, 3)
    fixed = fixed_maps([[box] for box in BOXES.values()], [f"p{i}" for i in BOXES])
    pairs = []
    for index, one in shown.items():
        assert one.heatmap is not None
        other = to_heatmap(fixed[f"p{index}"], one.heatmap.values.shape, "PNEUMONIA")
        pairs.append([fit_map(each, [BOXES[index]]).mass for each in (one.heatmap, other)])
    item = found.held_out.measures["mass"]
    assert item.heatmap.value == pytest.approx(np.mean(pairs, axis=0)[0])
    assert item.fixed.value == pytest.approx(np.mean(pairs, axis=0)[1])


def test_images_of_the_training_stand_apart(folder: Path, variant: Callable[..., str]) -> None:
    known = fingerprint(read_radiograph(folder / "2.png").pixels)
    apart = saliency_folder(
        folder, folder / "boxes.csv", bundle=variant(fingerprints=known), by=["view"]
    )
    assert apart.held_out is not None
    assert apart.in_training is not None
    assert (apart.held_out.n, apart.in_training.n) == (2, 1)
    assert {name: group.n for name, group in apart.subgroups["view"].items()} == {"AP": 1, "PA": 1}
    # The trained-on image has its box where the network does not look; the headline is without it.
    assert apart.in_training.measures["mass"].heatmap.value == 0
    assert (apart.held_out.measures["mass"].heatmap.value or 0) > 0.2


def test_a_changed_copy_of_a_training_image_stands_apart_too(
    folder: Path, variant: Callable[..., str]
) -> None:
    pixels = read_radiograph(folder / "2.png").pixels
    darker = np.rint(pixels * 0.9 * 255) / 255
    known = f"{fingerprint(darker)} {perceptual_hash(darker.astype(np.float32))}"
    apart = saliency_folder(folder, folder / "boxes.csv", bundle=variant(fingerprints=known))
    assert apart.in_training is not None
    assert apart.held_out is not None
    assert (apart.held_out.n, apart.in_training.n) == (2, 1)
    # Its box is the only one where the network does not look.
    assert apart.in_training.measures["mass"].heatmap.value == 0


def test_where_all_are_of_the_training_there_is_no_verdict(
    folder: Path, variant: Callable[..., str]
) -> None:
    known = [fingerprint(read_radiograph(folder / f"{i}.png").pixels) for i in BOXES]
    bundle = variant(fingerprints="\n".join(known))
    found = saliency_folder(folder, folder / "boxes.csv", bundle=bundle)
    assert found.held_out is None
    assert "there is no verdict" in found.verdict


def test_an_unreadable_image_is_named_and_in_no_figure(folder: Path, tiny_bundle: Bundle) -> None:
    (folder / "2.png").write_bytes(b"not an image")
    found = saliency_folder(folder, folder / "boxes.csv", bundle=str(tiny_bundle.folder))
    assert found.unreadable == ("2.png",)
    assert found.boxes == 2
    assert found.held_out is not None
    assert found.held_out.n == 2
    for index in (0, 5):
        (folder / f"{index}.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match="none of the 3 images with boxes"):
        saliency_folder(folder, folder / "boxes.csv", bundle=str(tiny_bundle.folder))


@pytest.mark.parametrize(
    ("boxes", "positive", "words"),
    [
        ("file,x,y,width,height\n0.png,0,0,1,1\n", None, "all boxes are of one patient"),
        ("file,x,y,width,height\n9.png,0,0,1,1\n", None, "is not that of exactly one image"),
        (None, "TUMOUR", "TUMOUR"),
    ],
)
def test_what_cannot_be_measured_is_told_before_any_image_is_read(
    folder: Path, tiny_bundle: Bundle, boxes: str | None, positive: str | None, words: str
) -> None:
    if boxes is not None:
        (folder / "boxes.csv").write_text(boxes, "utf-8")
    told: list[int] = []
    with pytest.raises(DataError, match=words):
        evaluate_folder(
            folder,
            bundle=str(tiny_bundle.folder),
            positive=positive,
            boxes=folder / "boxes.csv",
            progress=lambda done, _: told.append(done),
        )
    assert told == []


def test_a_large_copy_is_measured_as_its_original_is(folder: Path, tiny_bundle: Bundle) -> None:
    def measured() -> list[float]:
        found = saliency_folder(folder, folder / "boxes.csv", bundle=str(tiny_bundle.folder))
        assert found.held_out is not None
        return [item.heatmap.value or 0 for item in found.held_out.measures.values()]

    before = measured()
    for index in BOXES:
        path = folder / f"{index}.png"
        with Image.open(path) as image:
            large = image.resize((20 * image.width, 20 * image.height), Image.Resampling.NEAREST)
        large.save(path)
    assert measured() == pytest.approx(before, abs=0.03)


def test_an_evaluation_has_it_where_boxes_are_given(folder: Path, tiny_bundle: Bundle) -> None:
    place, boxes = str(tiny_bundle.folder), folder / "boxes.csv"
    assert evaluate_folder(folder, bundle=place).saliency is None
    found = evaluate_folder(folder, bundle=place, boxes=boxes, by=["view"]).saliency
    assert found is not None
    alone = saliency_folder(folder, boxes, bundle=place, by=["view"])
    assert found.as_dict() == alone.as_dict()
    other = evaluate_folder(folder, bundle=place, boxes=boxes, positive="NORMAL").saliency
    assert other is not None
    assert other.label == "NORMAL"


def test_phantoms_with_the_packaged_bundle(tmp_path: Path) -> None:
    boxes, labels = ["file,x,y,width,height"], ["file,label,patient_id"]
    for seed in range(4):
        phantom = draw_phantom(seed, size=256, opacity=True)
        write_png(phantom, tmp_path / f"{seed}.png")
        labels.append(f"{seed}.png,PNEUMONIA,p{seed}")
        rows, columns = (np.flatnonzero(phantom.opacity_mask.any(axis=axis)) for axis in (1, 0))
        edges = np.array([columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]) / 256
        boxes.append(f"{seed}.png,{','.join(map(str, edges))}")
    (tmp_path / "labels.csv").write_text("\n".join(labels), "utf-8")
    (tmp_path / "boxes.csv").write_text("\n".join(boxes), "utf-8")
    found = saliency_folder(tmp_path, tmp_path / "boxes.csv")
    assert found.held_out is not None
    assert (found.held_out.n, found.boxes, found.in_training) == (4, 4, None)
    assert found.held_out.verdict == found.verdict
    for item in found.held_out.measures.values():
        assert all(0 <= (part.value or 0) <= 1 for part in (item.heatmap, item.fixed))
