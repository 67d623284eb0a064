"""Sets beside the sources: measured by the card, in no part, and told what they share with one."""

import json
import shutil

import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.findings import ImageKind
from pneumoscope.lab.training import export, read_recipe, train
from pneumoscope.lab.training.finished_run import open_run

pytestmark = pytest.mark.lab

SAID = {"licence": "CC0 1.0"}
AGAIN = {"name": "again", "folder": "children", "population": "the same children"} | SAID
STRANGERS = {"name": "strangers", "folder": "strangers", "population": "others"} | SAID


def tell(run, **keys):
    """Change what a run's recipe only tells: it is the same training."""
    path = run / "recipe.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | keys))
    return path


@pytest.fixture
def strangers(changed_data):
    """The adults' pictures mirrored are nobody's known; a label and a column of their own."""
    from PIL import Image, ImageOps

    folder = changed_data / "strangers"
    folder.mkdir()
    rows = ["file,label,site,paper"]
    for number in range(6):
        with Image.open(changed_data / "adults" / f"{number:02}.png") as picture:
            ImageOps.mirror(picture).save(folder / f"{number}.png")
        label = ("NORMAL", "PNEUMONIA")[number % 2]
        rows.append(f"{number}.png,{label},{'ab'[number // 4]},p{number // 2}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_set_is_measured_whole_and_without_what_the_training_knows(copied, strangers, finished):
    told = STRANGERS | {"patient_column": "paper", "subset": {"site": "a"}}
    tell(copied, also_measured=[AGAIN, told])
    again, others, new = open_run(copied).beside
    assert again.population == "the same children (again)"
    assert again.summary.n == 24
    assert (others.population, others.summary.n, others.summary.patients) == (
        "others (strangers)",
        4,
        2,
    )
    # What is left of the children is their report part, which was measured before.
    children = finished.figures[0]
    shared = 24 - children.summary.n
    assert f"without {shared} images that share a patient or a picture" in new.population
    assert new.summary.n == children.summary.n
    assert new.summary.confusion == children.summary.confusion
    brier = children.summary.metrics["brier"].value
    # Batches of other images: the last digits of a sum may differ.
    assert new.summary.metrics["brier"].value == pytest.approx(brier, abs=1e-6)


def test_a_set_of_which_nothing_is_new_to_the_network_says_so(copied, changed_data):
    run = json.loads((copied / "split.json").read_text())
    parts = run["folds"][0]
    known = {run["images"][i] for part in ("train", "stop", "calibrate") for i in parts[part]}
    lines = (changed_data / "children" / "labels.csv").read_text().splitlines()
    kept = [line for line in lines[1:] if f"children/{line.partition(',')[0]}" in known]
    folder = shutil.copytree(changed_data / "children", changed_data / "again")
    (folder / "labels.csv").write_text("\n".join([lines[0], *kept]) + "\n")
    tell(copied, also_measured=[AGAIN | {"folder": "again"}])
    (whole,) = open_run(copied).beside
    assert whole.population == "the same children, all known to the training (again)"
    assert whole.summary.n == len(kept)


def test_the_bundle_and_its_card_say_what_the_recipe_tells(copied, strangers, tmp_path):
    uses = ["to diagnose", "on radiographs"]
    tell(
        copied, also_measured=[STRANGERS], reads="axial chest CT slice", not_for=uses, name="slices"
    )
    bundle = export(copied, tmp_path / "bundle")
    assert bundle.description.reads is ImageKind.CHEST_CT
    assert bundle.description.not_for == tuple(uses)
    assert [part.name for part in bundle.description.training_sets] == ["children", "adults"]
    section = bundle.card.partition("## Figures on other sets")[2]
    assert "### others (strangers)\n\n6 images of 6 patients." in section
    assert all(f"- {use}.\n" in bundle.card for use in uses)
    assert "a frontal chest radiograph" not in bundle.card
    assert "slices of a chest CT" in bundle.card


def test_patients_by_another_column_are_told(copied, changed_data, tmp_path):
    card = export(copied, tmp_path / "bundle").card
    assert "the patients are not known" not in card
    assert "a frontal chest radiograph" in card
    assert "must not be used" not in card
    assert "Figures on other sets" not in card


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"folder": "nowhere"}, RecipeError, "source 'strangers': no folder"),
        ({"subset": {"site": "c"}}, DataError, "no image has site=c"),
        ({"patient_column": "papers"}, DataError, "no column 'papers'"),
    ],
)
def test_what_could_not_be_measured_is_told_before_the_training(
    write_recipe, strangers, tmp_path, change, error, message
):
    path = write_recipe(tmp_path / "r.yaml", {"also_measured": [STRANGERS | change]})
    with pytest.raises(error, match=message):
        train(path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_label_beside_the_classes_is_told_before_the_training(write_recipe, strangers, tmp_path):
    labels = strangers / "labels.csv"
    labels.write_text(labels.read_text().replace("PNEUMONIA", "COVID"))
    path = write_recipe(tmp_path / "r.yaml", {"also_measured": [STRANGERS]})
    with pytest.raises(DataError, match="label 'COVID' is not a class of the recipe"):
        train(path, tmp_path / "run")


def test_the_name_of_a_source_is_not_used_twice(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"also_measured": [AGAIN | {"name": "children"}]})
    with pytest.raises(RecipeError, match="two sources have the same name"):
        read_recipe(path)
