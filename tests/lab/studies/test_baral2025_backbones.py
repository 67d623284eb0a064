"""The page that compares the backbones, from experiments that are finished."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.studies import Context, run_study
from pneumoscope.lab.studies.baral2025_backbones import _arms, _folds, _recipes
from pneumoscope.lab.studies.baral2025_data import identify_sources
from pneumoscope.lab.studies.baral2025_protocol import (
    SCHEMES,
    SMOKE,
    study_folds,
    study_recipe,
)

pytestmark = pytest.mark.lab

ARMS = ("image", "patient")


def _page(scale, study_data, work, finish):
    """Run the study with made-up answers in place of every training."""
    context = Context(scale, study_data, work / f"baral2025-backbones-{scale}")
    data, _ = identify_sources(context)
    for scheme, by in _arms(context):
        folds = study_folds(context, data, scheme, by)[: _folds(context)]
        for number, split in enumerate(folds):
            for seed, (backbone, recipe) in enumerate(_recipes(context).items()):
                name = f"{backbone.replace('/', '-')}-{scheme}-{by}-{number + 1}"
                finish(context, name, recipe, split, data.identity, seed=10 * seed + number)
    page = run_study("baral2025-backbones", scale=scale, data=study_data, work=work, out=None)
    return page.read_text(), json.loads(page.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def full(study_data, tmp_path_factory, finish):
    return _page("full", study_data, tmp_path_factory.mktemp("work"), finish)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_only_the_backbone_differs(scale, tmp_path):
    context = Context(scale, tmp_path, tmp_path)
    before = dict(SMOKE["network.options"])
    recipes = _recipes(context)
    depths = [f"DenseNet-{r['network']['options'].pop('backbone')}" for r in recipes.values()]
    assert depths == list(recipes)
    first, *others = recipes.values()
    assert all(other == first for other in others)
    # What one study changes must not reach the others.
    assert SMOKE["network.options"] == before
    usual = study_recipe(context)["network"]["options"]
    assert first["network"]["options"] == {k: v for k, v in usual.items() if k != "backbone"}


def test_a_reduced_page_has_a_vision_transformer_beside_three_folds(study_data, tmp_path, finish):
    text, numbers = _page("reduced", study_data, tmp_path, finish)
    names = [name.removesuffix(", stratified-kfold, by patient") for name in numbers["arms"]]
    assert names == ["ViT-B/16", "DenseNet-121", "DenseNet-169", "DenseNet-201"]
    assert {len(folds) for folds in numbers["arms"].values()} == {3}
    assert "## Against DenseNet-201, fold by fold" in text


def test_a_difference_is_that_of_the_same_fold(full):
    text, numbers = full
    start = "| DenseNet-169 | kfold, by patient |"
    _, row = (line.split(" | ") for line in text.splitlines() if line.startswith(start))
    mine, largest = (
        np.array([fold["accuracy"] for fold in numbers["arms"][f"DenseNet-{b}, kfold, by patient"]])
        for b in (169, 201)
    )
    gained = mine - largest
    assert row[2] == f"{gained.mean():.4f} ± {gained.std(ddof=1):.4f}"


def test_every_backbone_has_every_scheme_in_both_arms(full):
    depths = (121, 169, 201)
    expected = {f"DenseNet-{b}, {s}, by {by}" for b in depths for s in SCHEMES for by in ARMS}
    assert set(full[1]["arms"]) == expected


def test_a_smoke_page_shows_nothing_published(study_data, tmp_path, finish):
    text, numbers = _page("smoke", study_data, tmp_path, finish)
    assert len(numbers["arms"]) == 2
    assert not any(f"{value:.4f}" in text for value in (0.9901, 0.9793, 0.0621))


def test_the_published_notebooks_stand_beside_the_measured(full):
    rows = [line for line in full[0].splitlines() if "0.9751 ± 0.0216" in line]
    assert len(rows) == 1
    assert rows[0].startswith("| DenseNet-169 | bootstrap | yes | yes | 50 |")
