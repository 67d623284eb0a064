"""One training of a study: kept, not run twice, and never mistaken for another."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
pytest.importorskip("lightning")

from pneumoscope.errors import InputError
from pneumoscope.lab.datasets import SchemeSettings, draw, identify, linked_groups, units_of
from pneumoscope.lab.studies import Context
from pneumoscope.lab.studies.experiment import RESULT, _document, recipe_contents, run_experiment
from pneumoscope.lab.training.recipe import DATA_VARIABLE

pytestmark = pytest.mark.lab

SMALL = {"training.batch_size": 4, "input.size": 32}


@pytest.fixture(scope="module")
def identity(data_folder):
    return identify([data_folder / "guangzhou"])


@pytest.fixture(scope="module")
def split(identity):
    groups = linked_groups(identity.patients, identity.fingerprints)
    units = units_of(identity.strata, groups, "patient")
    settings = SchemeSettings(scheme="holdout", folds=1, holdout=0.3, stop=0.3, calibrate=0.0)
    return draw(units, settings)


@pytest.fixture(scope="module")
def recipe():
    return recipe_contents("li2025", {**SMALL, "training.epochs": 1})


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_folder, recipe, split, identity):
    """The experiment run once: its result, and the study's work."""
    work = tmp_path_factory.mktemp("work")
    context = Context("smoke", data_folder, work)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_VARIABLE, "the user's own")
        result = run_experiment(context, "one", recipe, split, identity)
        assert os.environ[DATA_VARIABLE] == "the user's own"
    return result, work


@pytest.fixture
def kept(trained, tmp_path) -> Context:
    """A copy of the work; its data folder is gone, so that nothing could be trained again."""
    shutil.copytree(trained[1], tmp_path / "work")
    return Context("smoke", tmp_path / "gone", tmp_path / "work")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_result_is_of_the_report_part(trained, split, identity):
    result = trained[0]
    report = split.folds[0].indices("report")
    assert list(result.files) == [identity.files[i] for i in report]
    assert result.probabilities.shape == (len(report), 2)
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-5)
    assert result.leaks == ()
    assert len(result.epochs) == 1
    answered = [result.classes[i] for i in result.probabilities.argmax(axis=1)]
    right = [a == b for a, b in zip(answered, result.labels, strict=True)]
    assert result.accuracy == pytest.approx(sum(right) / len(right))


def test_no_patient_is_named_and_no_checkpoint_is_left(trained, identity):
    text = (trained[1] / "one" / RESULT).read_text()
    assert not any(f'"{patient}"' in text for patient in identity.patients)
    assert not list(trained[1].rglob("*.ckpt"))


def test_a_finished_experiment_is_not_run_again(trained, kept, recipe, split, identity):
    before = _contents(kept.work)
    again = run_experiment(kept, "one", recipe, split, identity)
    assert _contents(kept.work) == before
    assert again.epochs == trained[0].epochs
    np.testing.assert_array_equal(again.probabilities, trained[0].probabilities)


def test_one_stopped_in_its_first_epoch_begins_again(
    trained, tmp_path, data_folder, recipe, split, identity
):
    """What such a run leaves behind is its record alone."""
    shutil.copytree(trained[1], tmp_path / "work")
    folder = tmp_path / "work" / "one"
    (folder / RESULT).unlink()
    shutil.rmtree(folder / "run" / "checkpoints", ignore_errors=True)
    (folder / "run" / "metrics.csv").unlink()
    assert (folder / "run" / "record.json").is_file()
    again = run_experiment(
        Context("smoke", data_folder, tmp_path / "work"), "one", recipe, split, identity
    )
    np.testing.assert_array_equal(again.probabilities, trained[0].probabilities)


def test_the_commit_that_made_a_kept_result_is_told(trained, kept, recipe, split, identity):
    path = kept.work / "one" / RESULT
    body = json.loads(path.read_text())
    path.write_text(json.dumps(body | {"made_with": {"commit": "an earlier one"}}))
    run_experiment(kept, "one", recipe, split, identity)
    assert kept.commits == {"an earlier one"}


def test_another_recipes_result_is_refused_and_left_alone(kept, split, identity):
    before = _contents(kept.work)
    other = recipe_contents("li2025", {**SMALL, "training.epochs": 2})
    with pytest.raises(InputError, match="another recipe, split or data"):
        run_experiment(kept, "one", other, split, identity)
    assert _contents(kept.work) == before


def test_another_splits_result_is_refused_and_left_alone(kept, recipe, split, identity):
    before = _contents(kept.work)
    units = units_of(identity.strata, np.arange(len(identity.files)), "image")
    other = draw(units, SchemeSettings(scheme="holdout", folds=1, seed=9))
    with pytest.raises(InputError, match="another recipe, split or data"):
        run_experiment(kept, "one", recipe, other, identity)
    assert _contents(kept.work) == before


@pytest.mark.parametrize("damage", ["cut", "no object", "key lost", "ragged", "nan", "folder"])
def test_a_damaged_result_is_told_and_not_used(kept, recipe, split, identity, damage):
    path = kept.work / "one" / RESULT
    body = json.loads(path.read_text())
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "no object":
        path.write_text("[]")
    elif damage == "key lost":
        path.write_text(json.dumps({k: v for k, v in body.items() if k != "epochs"}))
    elif damage == "ragged":
        path.write_text(json.dumps(body | {"probabilities": [[0.5], [0.5, 0.5]]}))
    elif damage == "nan":
        path.write_text(json.dumps(body | {"probabilities": [[float("nan"), 1.0]]}))
    else:
        path.unlink()
        path.mkdir()
    with pytest.raises(InputError, match="is damaged; remove"):
        run_experiment(kept, "one", recipe, split, identity)


def test_a_diverged_training_is_told_and_leaves_no_result(tmp_path):
    with pytest.raises(InputError, match="the training diverged"):
        _document({"epochs": [{"train_loss": float("nan")}]}, tmp_path)


def test_recipe_changes_do_not_leak_into_the_next_reading():
    changed = recipe_contents("li2025", {"training.epochs": 1, "new.deep.key": 2})
    assert (changed["training"]["epochs"], changed["new"]["deep"]["key"]) == (1, 2)
    assert recipe_contents("li2025")["training"]["epochs"] != 1
