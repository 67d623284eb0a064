"""A recipe's images and its fold: what is refused before training, and what is kept together."""

import csv
import json
import shutil

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.lab.datasets import PARTS, scheme_settings, split_folders
from pneumoscope.lab.training import SplitChoice, read_recipe, train
from pneumoscope.lab.training.prepare import UNCERTIFIED, prepare, read_images
from pneumoscope.lab.training.run_folder import prepare_again

pytestmark = pytest.mark.lab

# Of few patients: each part must get one of each class.
SHARES = {"stop": 0.34, "calibrate": 0.33}


@pytest.mark.parametrize(("loss", "compared"), [("left_out", False), ("as_negative", True)])
def test_an_absent_class_is_left_out_of_the_loss_or_compared(
    write_recipe, tmp_path, loss, compared
):
    path = write_recipe(tmp_path / "r.yaml", {"sources.0.absent_class_loss": loss})
    assert read_recipe(path).known_classes() == [[True, compared, True], [True, True, True]]


def test_a_label_that_is_said_to_be_absent_is_refused(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"sources.1.absent_classes": ["NORMAL"]})
    with pytest.raises(DataError, match="'adults': has images labelled 'NORMAL'"):
        prepare(read_recipe(path), path)


def test_a_positive_class_that_does_not_occur_is_refused_before_training(
    write_recipe, changed_data, tmp_path
):
    labels = changed_data / "adults" / "labels.csv"
    labels.write_text(labels.read_text().replace(",ABNORMAL,", ",NORMAL,"))
    recipe = write_recipe(tmp_path / "r.yaml", {"positive_class": "ABNORMAL"})
    with pytest.raises(DataError, match="'ABNORMAL': no image of any source has this label"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_class_without_an_image_to_learn_it_from_is_told(
    write_recipe, changed_data, tmp_path, caplog
):
    path = write_recipe(tmp_path / "r.yaml")
    prepare(read_recipe(path), path)
    assert "cannot learn" not in caplog.text
    labels = changed_data / "adults" / "labels.csv"
    labels.write_text(labels.read_text().replace(",ABNORMAL,", ",NORMAL,"))
    prepare(read_recipe(path), path)
    assert "no image of the train part is labelled ABNORMAL: " in caplog.text


def test_files_that_are_not_read_are_told_by_the_split_and_by_the_training(
    write_recipe, changed_data, tmp_path, caplog
):
    for source in ("children", "adults"):
        folder = changed_data / source
        for row in csv.DictReader((folder / "labels.csv").read_text().splitlines()):
            (folder / row["label"]).mkdir(exist_ok=True)
            (folder / row["file"]).rename(folder / row["label"] / row["file"])
        (folder / "labels.csv").unlink()
    # As CDs and PACS exports name a DICOM object.
    (changed_data / "adults" / "NORMAL" / "IM0001").write_bytes(b"")
    told = "adults: 1 files have no image ending and are not read (first: 'NORMAL/IM0001')"
    path = write_recipe(tmp_path / "r.yaml")
    prepare(read_recipe(path), path)
    assert caplog.text.count(told) == 1
    assert "children: 1 files" not in caplog.text
    caplog.clear()
    settings = scheme_settings(scheme="holdout", folds=None, holdout=0.3, **SHARES)
    folders = [changed_data / "children", changed_data / "adults"]
    split_folders(folders, settings, by="patient", out=tmp_path / "split.json")
    assert caplog.text.count(told) == 1


def test_a_picture_of_two_patients_keeps_them_together(changed_data, write_recipe, tmp_path):
    adults = changed_data / "adults"
    first = sorted((changed_data / "children").glob("*.png"))[0]
    shutil.copy(first, adults / "copy.png")
    with (adults / "labels.csv").open("a") as stream:
        stream.write("copy.png,NORMAL,a0,PA\n")
    path = write_recipe(tmp_path / "r.yaml")
    for seed in range(6):
        recipe = read_recipe(path)
        split = recipe.split.model_copy(update={"seed": seed})
        data = prepare(recipe.model_copy(update={"split": split}), path)
        part = {
            data.collection.patients[i]: name for name in PARTS for i in data.split.indices(name)
        }
        assert part["children/c0-0"] == part["adults/a0"]
        assert data.leaks == ()


def test_images_of_one_class_are_refused(write_recipe, changed_data, tmp_path):
    for source in ("adults", "children"):
        labels = changed_data / source / "labels.csv"
        text = labels.read_text().replace(",NORMAL,", ",PNEUMONIA,")
        labels.write_text(text.replace(",ABNORMAL,", ",PNEUMONIA,"))
    with pytest.raises(DataError, match=r"all images are labelled 'PNEUMONIA'.*add"):
        train(write_recipe(tmp_path / "r.yaml"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Patients by another column, and a part of a folder


COLUMNS = {"patient_column": "paper", "where": {"list": "train"}}
ADULTS = {
    "name": "adults",
    "folder": "adults",
    "population": "made-up adults",
    "licence": "for tests only",
    "patient_column": COLUMNS["patient_column"],
    "subset": COLUMNS["where"],
}


@pytest.fixture
def papers(changed_data):
    """The adults' labels name no patient, but the paper that each two pictures are from."""
    labels = changed_data / "adults" / "labels.csv"
    rows = [line.split(",") for line in labels.read_text().splitlines()[1:]]
    lines = [
        f"{file},{label},p{i // 2},{'train' if i < 20 else 'val'}"
        for i, (file, label, *_) in enumerate(rows)
    ]
    labels.write_text("\n".join(["file,label,paper,list", *lines]) + "\n")
    return changed_data


def test_a_source_s_patients_and_part_are_those_of_its_columns(papers, write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"sources": [ADULTS]})
    collection, _ = read_images(read_recipe(path), path)
    assert collection.files == tuple(f"adults/{i:02}.png" for i in range(20))
    assert collection.patients == tuple(f"adults/p{i // 2}" for i in range(20))
    assert collection.without_patients == ()


def test_a_split_file_of_the_same_columns_fits_and_another_does_not(papers, write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"sources": [ADULTS]})
    out = tmp_path / "split.json"

    def split(by="patient", **columns):
        settings = scheme_settings(scheme="holdout", folds=None, **SHARES)
        split_folders([papers / "adults"], settings, by=by, out=out, **columns)
        return prepare(read_recipe(path), path, SplitChoice(out))

    data = split(**COLUMNS)
    assert data.leaks == ()
    assert data.facts["patients_across_parts"] == 0
    with pytest.raises(DataError, match="lists other images"):
        split(patient_column="paper")
    with pytest.raises(DataError, match="of other pictures, labels or patients"):
        split(by="image", where=COLUMNS["where"])


# Splits from a file


@pytest.fixture
def recipe_path(write_recipe, tmp_path):
    return write_recipe(tmp_path / "r.yaml")


@pytest.fixture
def split_file(data_folder, tmp_path):
    folders = [data_folder / "children", data_folder / "adults"]
    settings = scheme_settings(scheme="stratified-kfold", folds=2, seed=1, **SHARES)
    split_folders(folders, settings, by="patient", out=tmp_path / "split.json")
    return tmp_path / "split.json"


def test_the_chosen_fold_is_the_run_s(recipe_path, split_file):
    recipe = read_recipe(recipe_path)
    written = json.loads(split_file.read_text())["folds"]
    for number in (1, 2):
        data = prepare(recipe, recipe_path, SplitChoice(split_file, number))
        for part in PARTS:
            assert data.split.indices(part).tolist() == written[number - 1][part]
        assert data.leaks == ()
    with pytest.raises(RecipeError, match="has folds 1 to 2, not 3"):
        prepare(recipe, recipe_path, SplitChoice(split_file, 3))


def test_folders_in_another_order_are_told(recipe_path, data_folder, tmp_path):
    folders = [data_folder / "adults", data_folder / "children"]
    out = tmp_path / "split.json"
    split_folders(
        folders, scheme_settings(scheme="holdout", folds=None, **SHARES), by="patient", out=out
    )
    with pytest.raises(DataError, match=r"in another order.*as the recipe's sources"):
        prepare(read_recipe(recipe_path), recipe_path, SplitChoice(out), accept_leak=True)


def test_a_leak_is_refused_or_told(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"split.by": "image"})
    recipe = read_recipe(path)
    with pytest.raises(RecipeError, match=r"patients are in more than one part.*--accept-leak"):
        prepare(recipe, path)
    (leak,) = prepare(recipe, path, accept_leak=True).leaks
    assert "patients are in more than one part" in leak


@pytest.mark.parametrize("spoil", ["missing", "stale"])
def test_a_split_without_a_valid_certificate_is_refused_or_told_for_good(
    recipe_path, split_file, tmp_path, spoil
):
    recipe = read_recipe(recipe_path)
    certificate = split_file.with_suffix(".certificate.json")
    if spoil == "missing":
        certificate.unlink()
    else:
        split_file.write_text(split_file.read_text().replace('"seed": 1', '"seed": 2'))
    choice = SplitChoice(split_file)
    with pytest.raises(DataError, match=r"certificate.*make it again"):
        prepare(recipe, recipe_path, choice)
    out = tmp_path / "run"
    train(recipe_path, out, split=choice, accept_leak=True)
    assert prepare_again(out, recipe, recipe_path).leaks == (UNCERTIFIED,)


@pytest.mark.parametrize("name", ["split.json", "split.certificate.json", "record.json"])
@pytest.mark.parametrize("content", [None, "[]", "{", "{}", '{"folds": []}'])
def test_a_spoilt_run_folder_is_refused(copied, name, content):
    path = copied / name
    path.unlink() if content is None else path.write_text(content)
    recipe_path = copied / "recipe.yaml"
    with pytest.raises(RecipeError, match="missing") as caught:
        prepare_again(copied, read_recipe(recipe_path), recipe_path)
    assert "\n" not in str(caught.value)
