"""The page of four schemes of five folds, from experiments that are finished."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.datasets import identify
from pneumoscope.lab.studies import Context, run_study
from pneumoscope.lab.studies.baral2025_cv import PUBLISHED_FOLDS
from pneumoscope.lab.studies.baral2025_protocol import (
    ARMS,
    SCHEMES,
    SMOKE_ARMS,
    SOURCES,
    study_folds,
    study_recipe,
)

pytestmark = pytest.mark.lab


def _page(scale, study_data, work, finish):
    """Run the study with made-up answers in place of every training."""
    context = Context(scale, study_data, work / f"baral2025-cv-{scale}")
    data = identify([study_data / name for name in SOURCES])
    recipe = study_recipe(context)
    arms = (SCHEMES, ARMS) if scale == "full" else (SCHEMES[:1], SMOKE_ARMS)
    for scheme in arms[0]:
        for by in arms[1]:
            for number, split in enumerate(study_folds(context, data, scheme, by)):
                name = f"{scheme}-{by}-{number + 1}"
                finish(context, name, recipe, split, data, seed=number)
    page = run_study("baral2025-cv", scale=scale, data=study_data, work=work, out=None)
    return page.read_text(), json.loads(page.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def full(study_data, tmp_path_factory, finish):
    return _page("full", study_data, tmp_path_factory.mktemp("work"), finish)


def test_every_scheme_has_five_folds_in_both_arms(full):
    _, numbers = full
    assert set(numbers["arms"]) == {f"{scheme}, by {by}" for scheme in SCHEMES for by in ARMS}
    for folds in numbers["arms"].values():
        assert len(folds) == 5
        for fold in folds:
            confusion = np.array(fold["confusion"])
            assert fold["accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum())


def test_the_mean_over_the_folds_stands_beside_the_published(full):
    text, numbers = full
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| test accuracy |")]
    folds = numbers["arms"]["stratified-kfold, by image"]
    accuracy = [fold["accuracy"] for fold in folds]
    measured = f"{np.mean(accuracy):.4f} ± {np.std(accuracy, ddof=1):.4f}"
    assert rows[0][1:3] == ["0.9865 ± 0.0029", measured]
    for value in PUBLISHED_FOLDS:
        assert f"{value:.4f}" in text
    assert "The data differ" in text


def test_the_measured_parameters_are_the_published(full):
    rows = [line for line in full[0].splitlines() if line.startswith("| DenseNet-")]
    assert len(rows) == 4
    for row in rows:
        published, measured = row.rstrip(" |").split(" | ")[1:]
        assert published == measured


def test_a_smoke_page_shows_nothing_published(study_data, tmp_path, finish):
    text, numbers = _page("smoke", study_data, tmp_path, finish)
    assert [len(folds) for folds in numbers["arms"].values()] == [2]
    for value in (*PUBLISHED_FOLDS, 0.9865, 0.9793, 0.0621, 0.9879):
        assert f"{value:.4f}" not in text
