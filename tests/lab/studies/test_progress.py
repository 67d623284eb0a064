"""Many experiments of a study: none twice, several at a time, and the time that is left."""

import logging
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
pytest.importorskip("lightning")

from pneumoscope.errors import InputError
from pneumoscope.lab.datasets import SchemeSettings, draw, identify, linked_groups, units_of
from pneumoscope.lab.studies import Context
from pneumoscope.lab.studies.answers import Answers, read_answers
from pneumoscope.lab.studies.experiment import Experiment, recipe_contents
from pneumoscope.lab.studies.progress import in_words, run_experiments, side_by_side

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def planned(data_folder):
    data = identify([data_folder / "guangzhou"])
    groups = linked_groups(data.patients, data.fingerprints)
    units = units_of(data.strata, groups, "patient")
    settings = SchemeSettings(scheme="holdout", folds=1, holdout=0.3, stop=0.3, calibrate=0.0)
    split = draw(units, settings)
    small = {"training.batch_size": 4, "input.size": 32, "training.epochs": 1}
    return [
        Experiment(
            f"seed-{seed}",
            recipe_contents("li2025", small | {"seed": seed, "training.threads": 1}),
            split,
            data,
        )
        for seed in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_folder, planned):
    """The three trained one after another: their answers, and where their page would be."""
    work = tmp_path_factory.mktemp("work")
    context = Context("smoke", data_folder, work, page=work / "docs" / "page")
    answers = Answers()
    run_experiments(context, answers, planned)
    return answers, context


def test_side_by_side_gives_what_one_after_another_does(trained, planned, data_folder, tmp_path):
    context = Context("smoke", data_folder, tmp_path, page=tmp_path / "docs" / "page", jobs=2)
    answers = Answers()
    run_experiments(context, answers, planned)
    assert set(answers.experiments) == {each.name for each in planned}
    for each in planned:
        np.testing.assert_array_equal(
            answers.result(each.name).probabilities, trained[0].result(each.name).probabilities
        )


def test_answers_that_are_kept_beside_the_page_are_not_trained_again(trained, planned, tmp_path):
    """As for who has the repository, but not the folder of the runs: the data are gone too."""
    shutil.copytree(trained[1].page.parent, tmp_path / "docs")
    page = tmp_path / "docs" / "the page of another study"
    context = Context("smoke", tmp_path / "gone", tmp_path / "work", page=page)
    answers = Answers()
    run_experiments(context, answers, planned)
    assert answers.experiments == dict(trained[0].experiments)
    assert context.commits == {trained[0].experiments["seed-1"]["made_with"]["commit"]}
    assert not (tmp_path / "work").exists()


def test_what_an_earlier_run_kept_is_not_lost_by_an_interrupted_one(trained, planned, tmp_path):
    """As in a study that plans its trainings in two steps and is stopped between them."""
    shutil.copytree(trained[1].page.parent, tmp_path / "docs")
    page = tmp_path / "docs" / trained[1].page.name
    other = replace(planned[0], name="other", recipe={**planned[0].recipe, "seed": 9})
    context = Context("smoke", trained[1].data, tmp_path / "work", page=page)
    run_experiments(context, Answers(), [other])
    assert set(read_answers(page).experiments) == {each.name for each in planned} | {"other"}


def test_an_answer_of_another_recipe_does_not_stay_under_its_name(trained, planned, tmp_path):
    """As after a change of the recipe: the file must not mix the two."""
    shutil.copytree(trained[1].page.parent, tmp_path / "docs")
    page = tmp_path / "docs" / trained[1].page.name
    fails = {**planned[1].recipe["training"], "batch_size": 4000}
    changed = [
        replace(planned[0], recipe={**planned[0].recipe, "seed": 10}),
        replace(planned[1], recipe={**planned[1].recipe, "training": fails}),
    ]
    context = Context("smoke", trained[1].data, tmp_path / "work", page=page)
    with pytest.raises(InputError):
        run_experiments(context, Answers(), changed)
    kept = read_answers(page).experiments
    assert set(kept) == {changed[0].name, planned[2].name}
    assert kept[changed[0].name]["key"] == changed[0].key()


def test_a_process_that_is_ended_from_outside_is_told_in_one_line(tmp_path):
    context = Context("smoke", tmp_path, tmp_path, page=tmp_path / "page", jobs=2)
    with pytest.raises(InputError, match="was ended, perhaps for want of memory"):
        list(side_by_side(context, os._exit, {"one": (1,), "two": (1,)}))


def test_it_is_told_what_is_done_and_what_is_left(planned, data_folder, tmp_path, caplog):
    context = Context("smoke", data_folder, tmp_path, page=tmp_path / "docs" / "page")
    with caplog.at_level(logging.INFO, "pneumoscope.lab.studies.progress"):
        run_experiments(context, Answers(), planned[:1])
        run_experiments(context, Answers(), planned[:2])
    lines = [r.getMessage() for r in caplog.records if r.name.endswith("progress")]
    assert lines[0] == "0 of 1 trainings are kept, 1 are left"
    assert lines[1] == "seed-1: done; 1 of 1 trainings, 0 left"
    assert lines[2] == "1 of 2 trainings are kept, 1 are left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3594, "1 h 0 min"), (11_430, "3 h 10 min")],
)
def test_a_time_is_written_for_a_reader(seconds, text):
    assert in_words(seconds) == text
