"""Capsules against a plain head: the differences, and the page from finished experiments."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

pytest.importorskip("torch")

from pneumoscope.lab.studies import Context, run_study
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.baral2025_capsnet_vs_fc import (
    FIGURES,
    HEADS,
    PUBLISHED,
    head_figures,
    mean_differences,
)
from pneumoscope.lab.studies.baral2025_data import identify_sources
from pneumoscope.lab.studies.baral2025_protocol import (
    study_folds,
    study_recipe,
)
from pneumoscope.metrics import NO_TEST

pytestmark = pytest.mark.lab

ARMS = ("image", "patient")

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


def _result(skill, seed, images=150):
    rng = np.random.default_rng(seed)
    truth = np.arange(images) % 3
    answers = rng.dirichlet(np.ones(3), size=images)
    answers[np.arange(images), truth] += skill
    return Result(
        classes=CLASSES,
        epochs=(),
        files=tuple(map(str, range(images))),
        patients=tuple(str(i // 2) for i in range(images)),
        labels=tuple(CLASSES[t] for t in truth),
        probabilities=answers / answers.sum(axis=1, keepdims=True),
        certificate="",
        leaks=(),
    )


def test_the_figures_are_scikit_learns():
    result = _result(0.2, 1)
    figures = head_figures(result, np.ones((1, 150)))[0]
    predicted = result.probabilities.argmax(axis=1)
    expected = precision_recall_fscore_support(result.truth, predicted, average="macro")[:3]
    np.testing.assert_allclose(figures[:4], [result.accuracy, *expected])


def test_a_head_does_not_differ_from_itself():
    result = _result(0.2, 1)
    for estimate in mean_differences([(result, result)], resamples=50):
        assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_exchanged_heads_change_the_sign():
    pairs = [(_result(0.5, seed), _result(0.1, seed + 10)) for seed in range(3)]
    there = mean_differences(pairs, resamples=200)
    back = mean_differences([(b, a) for a, b in pairs], resamples=200)
    for first, second in zip(there, back, strict=True):
        assert first.low > 0
        assert (second.value, second.low, second.high) == pytest.approx(
            (-first.value, -first.high, -first.low)
        )


def test_other_images_are_no_comparison():
    result = _result(0.2, 1)
    with pytest.raises(ValueError, match="same images"):
        mean_differences([(result, replace(result, files=result.files[::-1]))])


def _page(scale, study_data, work, finish):
    context = Context(scale, study_data, work / f"baral2025-capsnet-vs-fc-{scale}")
    data, _ = identify_sources(context)
    for by in ARMS if scale == "full" else ARMS[1:]:
        for number, split in enumerate(study_folds(context, data, "stratified-kfold", by)):
            for head, network in HEADS.items():
                recipe = study_recipe(context, {"network.name": network})
                name = f"{head}-stratified-kfold-{by}-{number + 1}"
                skill = 0.9 if head == "capsules" else 0.6
                finish(context, name, recipe, split, data.identity, skill=skill, seed=number)
    study = "baral2025-capsnet-vs-fc"
    page = run_study(study, scale=scale, data=study_data, work=work, out=None)
    return page.read_text(), json.loads(page.with_suffix(".json").read_text())


def test_the_published_test_stands_beside_tests(study_data, tmp_path, finish):
    text, numbers = _page("full", study_data, tmp_path, finish)
    for a, b in PUBLISHED:
        assert f"{a:.4f} / {b:.4f}" in text
    assert "p < 0.05" in text
    assert NO_TEST in text
    # A p-value of each figure, of every fold.
    header = "| split by, fold | " + " | ".join(FIGURES) + " |"
    rows = text.split(header)[1].split("\n\n")[0].splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [
        f"| {by}, {n}" for by in ARMS for n in range(1, 6)
    ]
    for by in ARMS:
        assert set(numbers[f"differences by {by}"]) == set(FIGURES)
        for fold in numbers[f"tests by {by}"]:
            assert {"delong", "mcnemar", "as_published"} == set(fold["tests"])
            # Children have three images each.
            assert fold["tests"]["mcnemar"]["clustered"]


def test_a_smoke_page_shows_nothing_published(study_data, tmp_path, finish):
    text, numbers = _page("smoke", study_data, tmp_path, finish)
    assert len(numbers["tests by patient"]) == 2
    for a, b in PUBLISHED:
        assert f"{a:.4f} / {b:.4f}" not in text
    assert "p < 0.05" not in text
