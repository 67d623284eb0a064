"""From a recipe to a run folder, and on from there."""

import csv
import json
import logging
import shutil
from itertools import chain

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.errors import RecipeError
from pneumoscope.lab.training import export, read_recipe, train
from pneumoscope.lab.training.prepare import prepare
from pneumoscope.lab.training.run_folder import recipe_digest, write_record
from pneumoscope.lab.training.weights import build_network

pytestmark = pytest.mark.lab

CHECKPOINTS = ("checkpoints/best.ckpt", "checkpoints/last.ckpt")


def _epochs(folder, figure="stop_loss"):
    """A figure of every epoch in `metrics.csv`."""
    with (folder / "metrics.csv").open(newline="") as stream:
        return {int(row["epoch"]): float(row[figure]) for row in csv.DictReader(stream)}


def _checkpoint(path):
    return torch.load(path, weights_only=True)


def test_a_run_folder_is_complete(run):
    files = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    own = {"recipe.yaml", "record.json", "metrics.csv", "split.json", "split.certificate.json"}
    assert files == {*own, *CHECKPOINTS}
    assert (run / "recipe.yaml").read_bytes() == (run.parent / "tiny.yaml").read_bytes()
    record = json.loads((run / "record.json").read_text())
    assert record["torch"] == torch.__version__
    assert {"commit", "precision", "device", "machine", "python"} <= set(record)
    assert {"pneumoscope", "lightning", "monai", "numpy"} <= set(record)
    assert record["recipe_sha256"] == recipe_digest(read_recipe(run / "recipe.yaml"))
    assert record["accepted_leaks"] == record["left_out"] == []
    (fold,) = json.loads((run / "split.json").read_text())["folds"]
    assert sorted(chain.from_iterable(fold.values())) == list(range(48))
    (facts,) = json.loads((run / "split.certificate.json").read_text())["folds"]
    assert facts["leaks"] == []


def test_the_best_checkpoint_is_that_of_the_lowest_stop_loss(run):
    losses = _epochs(run)
    assert list(losses) == [0, 1, 2]
    best = _checkpoint(run / CHECKPOINTS[0])
    assert best["epoch"] == min(losses, key=losses.get)
    assert _checkpoint(run / CHECKPOINTS[1])["epoch"] == 2


def test_the_same_recipe_gives_the_same_weights(run, tmp_path):
    train(run / "recipe.yaml", tmp_path / "again")
    first, second = (_checkpoint(place / CHECKPOINTS[1]) for place in (run, tmp_path / "again"))
    assert all(torch.equal(v, second["state_dict"][k]) for k, v in first["state_dict"].items())
    assert _epochs(run) == _epochs(tmp_path / "again")


def test_a_run_is_never_overwritten(run):
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    with pytest.raises(RecipeError, match=r"already holds a run.*--resume"):
        train(run.parent / "tiny.yaml", run)
    assert before == {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("level", "shown"), [(logging.INFO, True), (logging.WARNING, False)])
def test_a_progress_bar_is_information(write_recipe, tmp_path, caplog, capfd, level, shown):
    caplog.set_level(level, logger="pneumoscope")
    train(write_recipe(tmp_path / "r.yaml", {"training.epochs": 1}), tmp_path / "run")
    written = "".join(capfd.readouterr())
    assert ("stop_loss" in written) == shown
    assert "GPU available" not in written


def test_a_file_in_the_run_s_place_is_refused_before_the_images_are_read(
    write_recipe, tmp_path, monkeypatch
):
    (tmp_path / "run").write_text("mine")
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(tmp_path / "absent"))
    with pytest.raises(RecipeError, match=r"run: is a file; give a folder"):
        train(write_recipe(tmp_path / "r.yaml"), tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_initial_weights_are_where_training_starts(run, write_recipe, tmp_path):
    changes = {
        "seed": 8,
        "initial_weights": str(run / CHECKPOINTS[0]),
        "training.epochs": 1,
        "training.learning_rate": 1e-12,
    }
    best = train(write_recipe(tmp_path / "r.yaml", changes), tmp_path / "run")
    given, found = (_checkpoint(p)["state_dict"] for p in (run / CHECKPOINTS[0], best))
    for name, values in given.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(found[name], values, atol=1e-8, rtol=0)


def test_initial_weights_of_another_split_are_refused(run, write_recipe, tmp_path):
    changes = {"split.seed": 43, "initial_weights": str(run / CHECKPOINTS[0])}
    with pytest.raises(RecipeError, match=r"another split.*may have seen this run's report part"):
        train(write_recipe(tmp_path / "r.yaml", changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("silently_changed")
def test_initial_weights_of_changed_data_are_refused(run, write_recipe, tmp_path):
    recipe = write_recipe(tmp_path / "r.yaml", {"initial_weights": str(run / CHECKPOINTS[0])})
    with pytest.raises(RecipeError, match="another split"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_initial_weights_that_are_missing_are_named(write_recipe, tmp_path):
    recipe = write_recipe(tmp_path / "r.yaml", {"initial_weights": "absent.ckpt"})
    with pytest.raises(RecipeError, match=r"absent\.ckpt: no such checkpoint"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_imagenet_weights_are_read_by_training_and_not_by_what_comes_after(
    write_recipe, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "resnet152-394f9c45.pth"
    cached.parent.mkdir(parents=True)
    cached.write_text("no weights")
    network = {"name": "resnet152", "options": {"pretrained": True}}
    recipe = write_recipe(tmp_path / "r.yaml", {"network": network})
    with pytest.raises(RecipeError, match=r"'resnet152'.*394f9c45.*pretrained: false"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert build_network(read_recipe(recipe)).pretrained


def test_a_missing_source_says_where_it_was_looked_for(
    data_folder, write_recipe, tmp_path, monkeypatch
):
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(tmp_path / "data"))
    shutil.copytree(data_folder / "children", tmp_path / "data" / "children")
    recipe = write_recipe(tmp_path / "r.yaml")
    with pytest.raises(RecipeError, match=rf"'adults': no folder {tmp_path}/data/adults;.*PNEUMO"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_is_told_and_not_exported(write_recipe, tmp_path):
    recipe = write_recipe(tmp_path / "r.yaml", {"training.learning_rate": 1e30})
    with pytest.raises(RecipeError, match=r"diverged.*lower training\.learning_rate"):
        train(recipe, tmp_path / "run")
    with pytest.raises(RecipeError, match=r"diverged.*lower training\.learning_rate"):
        export(tmp_path / "run", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_checkpoints_without_a_recipe_are_not_taken_over(copied, run):
    """A run that ended before its first epoch would be resumed from another one's weights."""
    (copied / "recipe.yaml").unlink()
    with pytest.raises(RecipeError, match="already holds a run"):
        train(run / "recipe.yaml", copied)


def test_a_recipe_that_changes_while_the_images_are_read_is_refused(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml")
    recipe = read_recipe(path)
    data = prepare(recipe, path)
    write_recipe(path, {"training.epochs": 4})
    with pytest.raises(RecipeError, match="changed while the images were read"):
        write_record(path, recipe, tmp_path / "run", data, "32-true")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["batch_size", "samples_per_epoch"])
def test_an_epoch_without_a_full_batch_is_refused(write_recipe, tmp_path, key):
    value = {"batch_size": 17, "samples_per_epoch": 7}[key]
    recipe = write_recipe(tmp_path / "r.yaml", {f"training.{key}": value})
    with pytest.raises(RecipeError, match=r"has no full batch.*lower batch_size"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
