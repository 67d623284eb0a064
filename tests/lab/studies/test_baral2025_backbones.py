"""The page that compares the backbones, from experiments that are finished."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.datasets import identify
from pneumoscope.lab.studies import Context, run_study
from pneumoscope.lab.studies.baral2025_backbones import BACKBONES, SMOKE_BACKBONES, _recipe
from pneumoscope.lab.studies.baral2025_protocol import (
    ARMS,
    SCHEMES,
    SMOKE,
    SMOKE_ARMS,
    SOURCES,
    study_folds,
    study_recipe,
)

pytestmark = pytest.mark.lab


def _page(scale, study_data, work, finish):
    """Run the study with made-up answers in place of every training."""
    context = Context(scale, study_data, work / f"baral2025-backbones-{scale}")
    data = identify([study_data / name for name in SOURCES])
    full = scale == "full"
    for by in ARMS if full else SMOKE_ARMS:
        for scheme in SCHEMES if full else SCHEMES[:1]:
            for number, split in enumerate(study_folds(context, data, scheme, by)):
                for backbone in BACKBONES if full else SMOKE_BACKBONES:
                    name = f"{backbone}-{scheme}-{by}-{number + 1}"
                    recipe = _recipe(context, backbone)
                    finish(context, name, recipe, split, data, seed=backbone + number)
    page = run_study("baral2025-backbones", scale=scale, data=study_data, work=work, out=None)
    return page.read_text(), json.loads(page.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def full(study_data, tmp_path_factory, finish):
    return _page("full", study_data, tmp_path_factory.mktemp("work"), finish)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_only_the_backbone_differs(scale, tmp_path):
    context = Context(scale, tmp_path, tmp_path)
    before = dict(SMOKE["network.options"])
    recipes = [_recipe(context, backbone) for backbone in BACKBONES]
    assert [r["network"]["options"].pop("backbone") for r in recipes] == list(BACKBONES)
    assert recipes[0] == recipes[1] == recipes[2]
    # What one study changes must not reach the others.
    assert SMOKE["network.options"] == before
    usual = study_recipe(context)["network"]["options"]
    assert recipes[0]["network"]["options"] == {k: v for k, v in usual.items() if k != "backbone"}


def test_a_difference_is_that_of_the_same_fold(full):
    text, numbers = full
    start = "| DenseNet-169 | kfold, by patient |"
    _, row = (line.split(" | ") for line in text.splitlines() if line.startswith(start))
    mine, largest = (
        np.array([fold["accuracy"] for fold in numbers["arms"][f"{b}, kfold, by patient"]])
        for b in (169, 201)
    )
    gained = mine - largest
    assert row[2] == f"{gained.mean():.4f} ± {gained.std(ddof=1):.4f}"


def test_every_backbone_has_every_scheme_in_both_arms(full):
    expected = {f"{b}, {scheme}, by {by}" for b in BACKBONES for scheme in SCHEMES for by in ARMS}
    assert set(full[1]["arms"]) == expected


def test_a_smoke_page_shows_nothing_published(study_data, tmp_path, finish):
    text, numbers = _page("smoke", study_data, tmp_path, finish)
    assert len(numbers["arms"]) == 2
    assert not any(f"{value:.4f}" in text for value in (0.9901, 0.9793, 0.0621))


def test_the_published_notebooks_stand_beside_the_measured(full):
    rows = [line for line in full[0].splitlines() if "0.9751 ± 0.0216" in line]
    assert len(rows) == 1
    assert rows[0].startswith("| DenseNet-169 | bootstrap | yes | yes | 50 |")
