"""The folds of Baral 2025 beside a fixed test set, and its recipes."""

from importlib.resources import files

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.datasets import certify
from pneumoscope.lab.studies import Context
from pneumoscope.lab.studies.baral2025_cv import SCHEMES
from pneumoscope.lab.studies.baral2025_data import identify_sources
from pneumoscope.lab.studies.baral2025_protocol import study_folds, study_recipe
from pneumoscope.lab.training import read_recipe

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def data(study_data):
    return identify_sources(Context("full", study_data, study_data))[0]


@pytest.fixture
def context(study_data, tmp_path):
    return Context("full", study_data, tmp_path)


@pytest.mark.parametrize("by", ["image", "patient"])
def test_every_fold_of_every_scheme_has_the_same_test_set(context, data, by):
    folds = [fold for scheme in SCHEMES for fold in study_folds(context, data, scheme, by)]
    assert len(folds) == 20
    tests = {tuple(split.folds[0].indices("report").tolist()) for split in folds}
    assert len(tests) == 1


def test_by_patient_nothing_leaks_and_by_image_patients_do(context, data):
    for scheme in SCHEMES:
        for by, leaks in (("patient", False), ("image", True)):
            for split in study_folds(context, data, scheme, by):
                assert bool(certify(split, data.identity)["folds"][0]["leaks"]) == leaks


def test_a_bootstrap_stops_on_what_it_did_not_draw(context, data):
    for split in study_folds(context, data, "bootstrap", "patient"):
        parts = split.folds[0]
        train, stop, test = (parts.indices(part) for part in ("train", "stop", "report"))
        assert len(np.unique(train)) < len(train)
        everything = np.concatenate([np.unique(train), stop, test])
        np.testing.assert_array_equal(np.sort(everything), np.arange(len(data.identity.files)))


def test_a_smoke_run_takes_the_first_of_the_full_folds(context, data, study_data, tmp_path):
    smoke = study_folds(Context("smoke", study_data, tmp_path), data, "kfold", "patient")
    full = study_folds(context, data, "kfold", "patient")
    assert len(smoke) == 2
    for split, whole in zip(smoke, full, strict=False):
        np.testing.assert_array_equal(
            split.folds[0].indices("train"), whole.folds[0].indices("train")
        )


def test_changes_of_a_recipe_do_not_stay(context):
    assert study_recipe(context, {"network.name": "other"})["network"]["name"] == "other"
    assert study_recipe(context)["network"]["name"] == "densenet_capsnet"


RECIPES = files("pneumoscope.lab.studies").joinpath("recipes")


@pytest.mark.parametrize("name", sorted(path.name for path in RECIPES.iterdir()))
def test_every_recipe_of_a_study_is_one(name, tmp_path):
    (tmp_path / name).write_text(RECIPES.joinpath(name).read_text("utf-8"))
    assert read_recipe(tmp_path / name).name == name.removesuffix(".yaml")
