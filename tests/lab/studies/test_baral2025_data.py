"""The authors' own set in place of the two open ones: its test folder, its pages, what it lacks."""

import csv
import json
from itertools import chain

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.errors import DataError
from pneumoscope.lab.datasets import write_split
from pneumoscope.lab.studies import Context, baral2025_backbones, baral2025_cv, run_study
from pneumoscope.lab.studies.baral2025_backbones import _in_files
from pneumoscope.lab.studies.baral2025_capsnet_vs_fc import HEADS, _sides
from pneumoscope.lab.studies.baral2025_data import AUTHORS_SET, identify_sources
from pneumoscope.lab.studies.baral2025_protocol import (
    HEADLINE,
    SCHEMES,
    experiments_of,
    study_folds,
    study_recipe,
)
from pneumoscope.lab.studies.experiment import data_folder
from pneumoscope.lab.training import SplitChoice, prepare, read_recipe

pytestmark = pytest.mark.lab


def _context(scale, data, work, name="study", data_set=AUTHORS_SET):
    label = f"{name}-{data_set}" if data_set else name
    return Context(scale, data, work / f"{label}-{scale}", data_set=data_set)


def _planned(study, context):
    """The experiments of a study."""
    data, _ = identify_sources(context)
    heads = {
        f"{head}-": study_recipe(context, {"network.name": network})
        for head, network in HEADS.items()
    }
    backbones = {f"{_in_files(n)}-": r for n, r in baral2025_backbones._recipes(context).items()}
    recipes, arms = {
        "baral2025-cv": ({"": study_recipe(context)}, baral2025_cv._arms(context)),
        "baral2025-backbones": (backbones, baral2025_backbones._arms(context)),
        "baral2025-capsnet-vs-fc": (heads, [(HEADLINE, by) for by in _sides(context)]),
    }[study]
    return [
        experiment
        for scheme, by in arms
        for prefix, recipe in recipes.items()
        for experiment in experiments_of(context, recipe, data, scheme, by, prefix)
    ]


def _page(study, scale, folder, work, finish, *, data_set=AUTHORS_SET, out=None):
    """Run a study with made-up answers in place of every training."""
    context = _context(scale, folder, work, study, data_set)
    for seed, each in enumerate(_planned(study, context)):
        finish(context, each.name, each.recipe, each.split, each.data, seed=seed)
    return run_study(study, scale=scale, data=folder, work=work, out=out, data_set=data_set)


def test_every_fold_of_every_scheme_reports_the_test_folder(authors_data, tmp_path):
    context = _context("full", authors_data, tmp_path)
    data, _ = identify_sources(context)
    for scheme in SCHEMES:
        splits = study_folds(context, data, scheme, "image")
        assert len(splits) == 5
        for (fold,) in (split.folds for split in splits):
            parts = {
                part: [data.identity.files[i].split("/")[2] for i in fold.indices(part)]
                for part in ("train", "stop", "report")
            }
            assert parts["report"] == ["test"] * 12
            assert set(chain(parts["train"], parts["stop"])) == {"train"}
            drawn = np.concatenate([np.unique(fold.indices("train")), fold.indices("stop")])
            assert len(set(drawn.tolist())) == len(drawn) == 48


def test_by_patient_there_is_no_official_test_set(authors_data, tmp_path):
    context = _context("full", authors_data, tmp_path)
    data, _ = identify_sources(context)
    with pytest.raises(ValueError, match="one of images"):
        study_folds(context, data, "kfold", "patient")


@pytest.mark.parametrize("scale", ["full", "reduced", "smoke"])
def test_the_recipe_trains_on_what_was_split(authors_data, tmp_path, scale):
    context = _context(scale, authors_data, tmp_path)
    data, _ = identify_sources(context)
    split = study_folds(context, data, "kfold", "image")[0]
    write_split(tmp_path / "split.json", split, data.identity)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(study_recipe(context)))
    with data_folder(authors_data):
        chosen = SplitChoice(tmp_path / "split.json")
        prepared = prepare(read_recipe(recipe), recipe, chosen, accept_leak=True)
    assert prepared.identity.sha256 == data.identity.sha256
    for part in ("train", "stop", "report"):
        np.testing.assert_array_equal(prepared.split.indices(part), split.folds[0].indices(part))


def _rewrite(folder, change):
    table = folder / AUTHORS_SET / "labels.csv"
    with table.open(newline="") as stream:
        rows = [change(row) for row in csv.reader(stream)]
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row[:2],
        lambda row: [*row[:2], row[2].replace("test", "val")],
        lambda row: [*row[:2], row[2].replace("test", "train")],
    ],
    ids=["no column", "another value", "no test image"],
)
@pytest.mark.parametrize("study", ["baral2025-cv", "baral2025-clahe"])
def test_a_table_without_the_test_set_is_refused_and_none_is_drawn(
    authors_data, tmp_path, study, change
):
    _rewrite(authors_data, change)
    with pytest.raises(DataError, match=r"official_split .*lay-out-the-public-sets\.md") as caught:
        run_study(
            study,
            scale="smoke",
            data=authors_data,
            work=tmp_path / "work",
            out=None,
            data_set=AUTHORS_SET,
        )
    assert "\n" not in str(caught.value)


def test_pages_of_both_sets_stand_side_by_side(authors_data, study_data, tmp_path, finish):
    docs, study = tmp_path / "docs", "baral2025-cv"
    for folder, data_set in ((study_data, ""), (authors_data, AUTHORS_SET)):
        page = _page(study, "reduced", folder, tmp_path, finish, data_set=data_set, out=docs)
        assert page.is_file()
    stems = {f"{study}-reduced", f"{study}-{AUTHORS_SET}-reduced"}
    assert {path.stem for path in docs.glob("*.md")} == stems
    assert {path.name for path in (docs / "answers").iterdir()} == {f"{s}.json.xz" for s in stems}
    theirs = page.read_text()
    assert theirs.split("\n")[0].endswith(f", on the set {AUTHORS_SET}, at reduced scale")
    assert f"pneumoscope study {study} --scale reduced --set {AUTHORS_SET}" in theirs
    assert "The data differ" not in theirs
    assert "## By source" not in theirs
    assert "by patient" not in theirs.split("## The schemes")[1]
    assert "The data differ" in (docs / f"{study}-reduced.md").read_text()


def test_a_page_of_the_set_is_written_again_from_its_answers_alone(authors_data, tmp_path, finish):
    docs, study = tmp_path / "docs", "baral2025-capsnet-vs-fc"
    page = _page(study, "reduced", authors_data, tmp_path, finish, out=docs)
    before = page.read_bytes()
    nowhere = tmp_path / "nowhere"
    again = run_study(
        study,
        scale="reduced",
        data=nowhere,
        work=nowhere,
        out=docs,
        recompute=True,
        data_set=AUTHORS_SET,
    )
    assert (again, again.read_bytes()) == (page, before)


@pytest.mark.parametrize(
    "study", ["baral2025-cv", "baral2025-backbones", "baral2025-capsnet-vs-fc"]
)
def test_the_page_tells_another_release_and_a_copy_in_both_folders(
    authors_data, tmp_path, finish, study
):
    page = _page(study, "full", authors_data, tmp_path, finish)
    text, numbers = page.read_text(), json.loads(page.with_suffix(".json").read_text())
    assert numbers["images of the authors' set"] == {
        "total": 60,
        "test": 12,
        "test by class": {"ABNORMAL": 4, "NORMAL": 4, "PNEUMONIA": 4},
        "test, copies": 1,
    }
    assert "same pixels as one outside it: 1." in text
    assert "| ABNORMAL in the test set | 593 | 4 |" in text
    assert "another release" in text
    assert "patients of the test set" not in text
    assert "test set's patients" not in text


def test_a_smoke_page_shows_nothing_published(authors_data, tmp_path, finish):
    text = _page("baral2025-cv", "smoke", authors_data, tmp_path, finish).read_text()
    assert "| all | - | 60 |" in text
    for figure in ("17,229", "2,229", "593", "another release"):
        assert figure not in text


def test_clahe_is_measured_on_the_training_images_alone(authors_data, tmp_path):
    page = run_study(
        "baral2025-clahe",
        scale="full",
        data=authors_data,
        work=tmp_path,
        out=None,
        data_set=AUTHORS_SET,
    )
    text = page.read_text()
    assert page.stem == f"baral2025-clahe-{AUTHORS_SET}"
    assert "1,000 bootstrap draws of images" in text
    numbers = json.loads(page.with_suffix(".json").read_text())["measures"]
    assert {(row["set"], row["label"], row["images"]) for row in numbers} == {
        (AUTHORS_SET, label, 16) for label in ("NORMAL", "ABNORMAL", "PNEUMONIA")
    }
