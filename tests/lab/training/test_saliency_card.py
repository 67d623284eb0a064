"""Where an exported network looks: on the report part alone, as the clinic would measure it."""

import json

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError
from pneumoscope.evaluation import read_manifest, saliency_folder
from pneumoscope.lab.training import export, train
from pneumoscope.lab.training.card import interval
from pneumoscope.lab.training.saliency_card import evenly

pytestmark = pytest.mark.lab


@given(st.integers(0, 400), st.integers(1, 80))
def test_the_checked_images_are_spread_over_the_whole_part(number, count):
    positions = np.arange(number) + 1000
    chosen = evenly(positions, count)
    assert len(chosen) == min(number, count)
    edges = np.concatenate([chosen, [1000 + number]]) if number else np.array([1000, 1001])
    steps = np.diff(edges)
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1


@pytest.fixture
def boxes(changed_data):
    """Every adult with pneumonia has a box; wherever."""
    images = [i for i in read_manifest(changed_data / "adults").images if i.label == "PNEUMONIA"]
    lines = [f"{i.file},0.{n % 5},0.{n % 4},0.3,0.5" for n, i in enumerate(images)]
    path = changed_data / "adults" / "boxes.csv"
    path.write_text("\n".join(["file,x,y,width,height", *lines]), "utf-8")
    return path


def with_boxes(recipe):
    contents = yaml.safe_load(recipe.read_text())
    contents["sources"][1]["boxes"] = "boxes.csv"
    recipe.write_text(yaml.safe_dump(contents))


def test_a_finished_run_may_be_given_boxes_and_its_card_tells_the_report_part_alone(
    copied, boxes, tmp_path
):
    with_boxes(copied / "recipe.yaml")
    bundle = export(copied, tmp_path / "bundle")
    section = bundle.card.split("## Where it looks\n")[1].split("\n## ")[0]
    found = saliency_folder(boxes.parent, boxes, bundle=str(bundle.folder), by=["view"])
    split = json.loads((copied / "split.json").read_text())
    report = {split["images"][position] for position in split["folds"][0]["report"]}
    held_out = {
        f"adults/{i.file}" for i in read_manifest(boxes.parent).images if i.label == "PNEUMONIA"
    }
    assert found.held_out is not None
    assert found.held_out.n == len(held_out & report) > 0
    assert f"**{found.verdict}**" in section
    rows = [
        line for line in section.splitlines() if line.startswith(f"| all ({found.held_out.n}) |")
    ]
    assert len(rows) == len(found.held_out.measures) == 4
    for row, item in zip(rows, found.held_out.measures.values(), strict=True):
        parts = [interval(each) for each in (item.heatmap, item.fixed, item.over_fixed)]
        assert row.endswith(f"| {' | '.join(parts)} |")
    assert [line.split("|")[1].strip() for line in section.splitlines()[-2:]] == [
        "head",
        "everything",
    ]


def test_without_boxes_the_card_says_nothing_of_where_it_looks(bundle):
    assert "Where it looks" not in bundle.card


def test_boxes_that_cannot_be_used_are_told_before_any_training(
    boxes, write_recipe, tmp_path, contents
):
    boxes.write_text("file,x,y,width,height\nnobody.png,0,0,1,1\n", "utf-8")
    recipe = write_recipe(tmp_path / "tiny.yaml")
    with_boxes(recipe)
    with pytest.raises(DataError, match=r"boxes\.csv, line 2"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()
