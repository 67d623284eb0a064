"""A study's answers: kept whole, and enough to write every figure of its page again."""

import json
import lzma

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.errors import InputError
from pneumoscope.lab.studies import Context, run_study
from pneumoscope.lab.studies.answers import (
    Answers,
    answers_path,
    kept_experiments,
    read_answers,
    write_answers,
)
from pneumoscope.lab.studies.baral2025_cv import _arms
from pneumoscope.lab.studies.baral2025_data import identify_sources
from pneumoscope.lab.studies.baral2025_protocol import experiments_of, study_recipe

pytestmark = pytest.mark.lab

NAME = "baral2025-cv"
BODY = {
    "key": "k",
    "classes": ["A", "B"],
    "epochs": [{"stop_loss": 0.5}],
    "files": ["a/1.png", "a/2.png"],
    "patients": ["p", "q"],
    "labels": ["A", "B"],
    "probabilities": [[0.75, 0.25], [0.5, 0.5]],
    "certificate": "c",
    "leaks": [],
    "evidence": None,
    "images": {"train": 7},
    "seconds": 3,
    "made_with": {"commit": "0123", "machine": "m"},
}


@pytest.fixture(scope="module")
def reduced(study_data, tmp_path_factory, finish):
    """The reduced study with made-up answers in place of trainings: its page, and its folder."""
    work = tmp_path_factory.mktemp("work")
    context = Context("reduced", study_data, work / f"{NAME}-reduced")
    data, _ = identify_sources(context)
    recipe = study_recipe(context)
    for scheme, by in _arms(context):
        for seed, each in enumerate(experiments_of(context, recipe, data, scheme, by)):
            finish(context, each.name, recipe, each.split, data.identity, seed=seed)
    docs = tmp_path_factory.mktemp("docs")
    page = run_study(NAME, scale="reduced", data=study_data, work=work, out=docs, jobs=2)
    return page, docs


def _recompute(docs, out=None):
    nowhere = docs / "nowhere"
    return run_study(
        NAME, scale="reduced", data=nowhere, work=nowhere, out=out or docs, recompute=True
    )


def test_what_is_written_is_read_again(tmp_path):
    answers = Answers({"set": "sha256 1"}, {"rate": 0.25}, {"one": BODY})
    write_answers(tmp_path / "page", answers)
    again = read_answers(tmp_path / "page")
    assert (again.sources, again.facts) == (answers.sources, answers.facts)
    assert again.experiments == answers.experiments
    np.testing.assert_array_equal(again.result("one").probabilities, BODY["probabilities"])
    assert kept_experiments(tmp_path / "another page") == {"k": again.experiments["one"]}


def test_maps_of_evidence_are_not_dropped_unseen(tmp_path):
    answers = Answers(experiments={"one": BODY | {"evidence": [[[0.5]], [[0.25]]]}})
    with pytest.raises(ValueError, match="without maps"):
        write_answers(tmp_path / "page", answers)


def test_a_page_of_a_reduced_scale_says_what_differs(reduced):
    page, docs = reduced
    text = page.read_text()
    assert page == docs / f"{NAME}-reduced.md"
    title, notice = text.split("\n\n")[:2]
    assert title.endswith(", at reduced scale")
    assert "96 pixels in place of 224" in notice
    assert "differences between the rows" in notice


def test_a_page_is_written_again_from_its_answers_alone(reduced):
    page, docs = reduced
    before = {path.name: path.read_bytes() for path in docs.glob(f"{NAME}*")}
    assert _recompute(docs) == page
    assert {path.name: path.read_bytes() for path in docs.glob(f"{NAME}*")} == before


def test_figures_of_the_page_follow_from_the_kept_answers(reduced):
    """Accuracy and macro F1 of every fold, by scikit-learn, from the file alone."""
    page, docs = reduced
    numbers = json.loads(page.with_suffix(".json").read_text())
    kept = json.loads(lzma.decompress(answers_path(docs / page.stem).read_bytes()))
    compared = 0
    for arm, folds in numbers["arms"].items():
        scheme, by = arm.split(", by ")
        for number, fold in enumerate(folds, start=1):
            body = kept["experiments"][f"{scheme}-{by}-{number}"]
            called = [body["classes"][np.argmax(row)] for row in body["probabilities"]]
            f1 = precision_recall_fscore_support(
                body["labels"], called, average="macro", zero_division=0
            )[2]
            assert fold["accuracy"] == pytest.approx(accuracy_score(body["labels"], called))
            assert fold["rates"]["macro"]["F1"] == pytest.approx(f1)
            compared += 1
    assert compared == 25


def test_a_fold_that_is_missing_is_named(reduced, tmp_path):
    page, docs = reduced
    answers = read_answers(docs / page.stem)
    del answers.experiments["kfold-patient-3"]
    write_answers(tmp_path / page.stem, answers)
    with pytest.raises(InputError, match=r"lack the experiment 'kfold-patient-3'.*--recompute"):
        _recompute(tmp_path)
    assert not list(tmp_path.glob("*.md"))


def test_answers_of_another_recipe_are_not_shown_under_todays(reduced, tmp_path):
    page, docs = reduced
    answers = read_answers(docs / page.stem)
    body = answers.experiments["kfold-patient-3"]
    answers.experiments["kfold-patient-3"] = {**body, "key": "of another recipe"}
    write_answers(tmp_path / page.stem, answers)
    with pytest.raises(InputError, match="'kfold-patient-3' are of another recipe"):
        _recompute(tmp_path)


def test_without_answers_nothing_can_be_recomputed(tmp_path):
    with pytest.raises(InputError, match=r"no answers are kept there; run .* without --recompute"):
        _recompute(tmp_path)


def test_a_study_that_keeps_no_answers_says_so(tmp_path):
    with pytest.raises(InputError, match="'tracking-detection' keeps no answers"):
        run_study(
            "tracking-detection",
            scale="full",
            data=tmp_path,
            work=tmp_path,
            out=tmp_path,
            recompute=True,
        )


@pytest.mark.parametrize(
    "damage", ["cut", "no xz", "other format", "ragged", "labels", "key", "made_with"]
)
def test_damaged_answers_are_told_and_not_used(tmp_path, damage):
    page = tmp_path / "page"
    write_answers(page, Answers(experiments={"one": BODY}))
    path = answers_path(page)
    document = json.loads(lzma.decompress(path.read_bytes()))
    if damage == "other format":
        document["format"] = 99
    elif damage == "ragged":
        document["experiments"]["one"]["probabilities"] = [[1], [0.5, 0.5]]
    elif damage in BODY:
        del document["experiments"]["one"][damage]
    whole = lzma.compress(json.dumps(document).encode())
    path.write_bytes({"cut": whole[:-30], "no xz": b"{}"}.get(damage, whole))
    with pytest.raises(InputError, match="is damaged; remove it"):
        read_answers(page)
