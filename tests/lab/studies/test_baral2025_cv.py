"""The page of four schemes of five folds, from experiments that are finished."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.studies import Context, run_study
from pneumoscope.lab.studies.baral2025_data import identify_sources
from pneumoscope.lab.studies.baral2025_figures import published
from pneumoscope.lab.studies.baral2025_protocol import (
    SCHEMES,
    study_folds,
    study_recipe,
)

pytestmark = pytest.mark.lab

ARMS = ("image", "patient")


def _page(scale, study_data, work, finish):
    """Run the study with made-up answers in place of every training."""
    context = Context(scale, study_data, work / f"baral2025-cv-{scale}")
    data, _ = identify_sources(context)
    recipe = study_recipe(context)
    arms = (SCHEMES, ARMS) if scale == "full" else (SCHEMES[:1], ARMS[1:])
    for scheme in arms[0]:
        for by in arms[1]:
            for number, split in enumerate(study_folds(context, data, scheme, by)):
                name = f"{scheme}-{by}-{number + 1}"
                finish(context, name, recipe, split, data.identity, seed=number)
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
    for value in published().headline_folds:
        assert f"{value:.4f}" in text
    assert "The data differ" in text


def test_what_was_quoted_stands_beside_what_follows_from_the_matrix(full):
    rows = [line for line in full[0].splitlines() if line.startswith("| recall, macro |")]
    assert rows[0].startswith("| recall, macro | 0.9891 | 0.9910 | ")


def test_validation_is_compared_at_the_same_epoch(full):
    lines = full[0].splitlines()
    kept, last = (
        next(line for line in lines if line.startswith(f"| validation loss, {which} epoch |"))
        for which in ("kept", "last")
    )
    # The made-up trainings end with their best epoch.
    assert kept.split(" | ")[1:3] == ["0.0621 (fold 5)", "0.2500 ± 0.0000"]
    assert last.split(" | ")[1:3] == ["0.0793 (mean of five)", "0.2500 ± 0.0000"]


def test_the_measured_parameters_are_the_published(full):
    start = "| DenseNet-"
    rows = [line for line in full[0].split("## The headline")[0].splitlines() if start in line]
    assert len(rows) == 4
    for row in rows:
        published, measured = row.rstrip(" |").split(" | ")[1:]
        assert published == measured


def test_a_smoke_page_shows_nothing_published(study_data, tmp_path, finish):
    text, numbers = _page("smoke", study_data, tmp_path, finish)
    assert [len(folds) for folds in numbers["arms"].values()] == [2]
    for value in (*published().headline_folds, 0.9865, 0.9793, 0.0621, 0.9879):
        assert f"{value:.4f}" not in text
