"""From a recipe to a run folder, and on from there."""

import csv
import json
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.lab.networks import create
from pneumoscope.lab.training import read_recipe, train
from pneumoscope.lab.training.module import ClassifierModule
from pneumoscope.lab.training.run import (
    build_network,
    known_classes,
    load_weights,
    prepare,
    recipe_digest,
)

pytestmark = pytest.mark.lab

CHECKPOINTS = ("checkpoints/best.ckpt", "checkpoints/last.ckpt")


def _epochs(folder, figure="stop_loss"):
    """A figure of every epoch in `metrics.csv`."""
    with (folder / "metrics.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row[figure]]
    return {int(row["epoch"]): float(row[figure]) for row in rows}


def _checkpoint(path):
    return torch.load(path, weights_only=True)


def _network(size=32):
    return create("li_cnn", classes=3, size=size, options={})


class _Malicious:
    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


def test_a_run_folder_is_complete(run):
    files = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert files == {"recipe.yaml", "split.json", "record.json", "metrics.csv", *CHECKPOINTS}
    assert (run / "recipe.yaml").read_bytes() == (run.parent / "tiny.yaml").read_bytes()
    record = json.loads((run / "record.json").read_text())
    assert record["torch"] == torch.__version__
    assert {"precision", "device", "machine", "python"} <= set(record)
    assert {"pneumoscope", "lightning", "monai", "numpy"} <= set(record)
    assert record["recipe_sha256"] == recipe_digest(read_recipe(run / "recipe.yaml"))
    split = json.loads((run / "split.json").read_text())
    assert sum(map(len, split["images"].values())) == 48
    assert split["patients_across_parts"] == split["groups_across_parts"] == 0


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


def _cut_off(recipe, out, epoch, **options):
    """Train until an interrupt at the beginning of an epoch."""

    def interrupt(module):
        if module.current_epoch == epoch:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClassifierModule, "on_train_epoch_start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, out, **options)


def test_a_resumed_run_goes_on_where_it_ended(write_recipe, tmp_path):
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml", {"training.epochs": 5})
    _cut_off(recipe, out, 3)
    earlier, steps = _epochs(out), _checkpoint(out / CHECKPOINTS[1])["global_step"]
    assert list(earlier) == [0, 1, 2]
    best = train(recipe, out, resume=True)
    last = _checkpoint(out / CHECKPOINTS[1])
    assert last["epoch"] == 4
    assert last["global_step"] == steps / 3 * 5
    losses = _epochs(out)
    assert list(losses) == [0, 1, 2, 3, 4]
    assert {epoch: losses[epoch] for epoch in earlier} == pytest.approx(earlier)
    assert best == out / CHECKPOINTS[0]
    assert _checkpoint(best)["epoch"] == min(losses, key=losses.get)


def test_resumed_epochs_do_not_repeat_the_draws_of_the_first(write_recipe, tmp_path):
    # Weights that hardly move: an epoch's loss tells which images were drawn.
    still = {"training.learning_rate": 1e-12, "network.options": {"dropout": 0}}
    out = tmp_path / "run"
    recipe = write_recipe(tmp_path / "r.yaml", still | {"training.epochs": 2})
    _cut_off(recipe, out, 1)
    train(recipe, out, resume=True)
    first, second = _epochs(out, "train_loss").values()
    assert abs(first - second) > 1e-3


def test_a_resumed_run_loses_no_step_of_the_plateau(write_recipe, tmp_path):
    # Weights that are thrown about: after the first epoch the loss does not fall.
    wild = {"training.learning_rate": 0.03, "training.plateau": {"factor": 0.1, "patience": 0}}
    recipe = write_recipe(tmp_path / "r.yaml", wild)
    train(recipe, tmp_path / "straight")
    _cut_off(recipe, tmp_path / "resumed", 2)
    train(recipe, tmp_path / "resumed", resume=True)
    for out in (tmp_path / "straight", tmp_path / "resumed"):
        losses = list(_epochs(out).values())
        assert len(losses) == 3
        assert min(losses) == losses[0]
        last = _checkpoint(out / CHECKPOINTS[1])
        (group,) = last["optimizer_states"][0]["param_groups"]
        assert group["lr"] == pytest.approx(0.0003)


def test_an_interrupt_leaves_python_open_to_the_next_one(write_recipe, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml")
    _cut_off(recipe, out, 0)
    assert signal.getsignal(signal.SIGINT) is before
    # Nothing was learnt yet: it says so, and what to do.
    with pytest.raises(RecipeError, match=r"no run to resume.*last\.ckpt.*another folder"):
        train(recipe, out, resume=True)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
def test_control_c_ends_the_command_and_the_run_can_go_on(write_recipe, tmp_path):
    endless = {"training.epochs": 10_000, "training.early_stopping_patience": 10_000}
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml", endless)
    command = [sys.executable, "-m", "pneumoscope", "-q", "train", "--recipe", recipe, "--out", out]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not (out / CHECKPOINTS[1]).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        printed, complained = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130
    assert printed == b""
    # Nothing but our own word: no traceback, no advice for programmers.
    assert set(complained.decode().splitlines()) <= {"", "pneumoscope: interrupted"}
    done = _checkpoint(out / CHECKPOINTS[1])["epoch"]
    _cut_off(recipe, out, done + 2, resume=True)
    assert _checkpoint(out / CHECKPOINTS[1])["epoch"] == done + 1


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


def test_a_resumed_run_keeps_its_record(write_recipe, tmp_path):
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml")
    _cut_off(recipe, out, 1)
    record = out / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"torch": "of another year"}))
    before = record.read_bytes()
    train(recipe, out, resume=True)
    assert record.read_bytes() == before


def test_only_the_same_recipe_resumes(copied, write_recipe, tmp_path):
    other = write_recipe(tmp_path / "other.yaml", {"training.learning_rate": 0.5})
    with pytest.raises(RecipeError, match="another recipe; resume with"):
        train(other, copied, resume=True)


@pytest.mark.parametrize("missing", ["recipe.yaml", "checkpoints/last.ckpt"])
def test_without_a_run_there_is_nothing_to_resume(run, copied, missing):
    (copied / missing).unlink()
    with pytest.raises(RecipeError, match=f"holds no run to resume.*{missing}"):
        train(run / "recipe.yaml", copied, resume=True)


def test_changed_data_do_not_resume(copied, changed_data):
    labels = changed_data / "adults" / "labels.csv"
    labels.write_text("\n".join(labels.read_text().splitlines()[:-1]) + "\n")
    before = (copied / "split.json").read_bytes()
    with pytest.raises(RecipeError, match="data or the split changed"):
        train(copied / "recipe.yaml", copied, resume=True)
    assert (copied / "split.json").read_bytes() == before


def test_a_damaged_checkpoint_does_not_resume(run, copied):
    last = copied / CHECKPOINTS[1]
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(RecipeError, match=r"last\.ckpt: not a checkpoint"):
        train(run / "recipe.yaml", copied, resume=True)


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


@pytest.mark.parametrize("key", ["batch_size", "samples_per_epoch"])
def test_an_epoch_without_a_full_batch_is_refused(write_recipe, tmp_path, key):
    value = {"batch_size": 17, "samples_per_epoch": 7}[key]
    recipe = write_recipe(tmp_path / "r.yaml", {f"training.{key}": value})
    with pytest.raises(RecipeError, match=r"has no full batch.*lower batch_size"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("loss", "compared"), [("left_out", False), ("as_negative", True)])
def test_an_absent_class_is_left_out_of_the_loss_or_compared(
    write_recipe, tmp_path, loss, compared
):
    path = write_recipe(tmp_path / "r.yaml", {"sources.0.absent_class_loss": loss})
    assert known_classes(read_recipe(path)) == [[True, compared, True], [True, True, True]]


def test_a_label_that_is_said_to_be_absent_is_refused(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"sources.1.absent_classes": ["NORMAL"]})
    with pytest.raises(DataError, match="'adults': has images labelled 'NORMAL'"):
        prepare(read_recipe(path), path)


def test_a_positive_class_that_does_not_occur_is_refused_before_training(
    write_recipe, changed_data, tmp_path
):
    labels = changed_data / "adults" / "labels.csv"
    labels.write_text(labels.read_text().replace(",ABNORMAL,", ",NORMAL,"))
    recipe = write_recipe(tmp_path / "r.yaml", {"positive_class": "ABNORMAL"})
    with pytest.raises(DataError, match="'ABNORMAL': no image of any source has this label"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_picture_of_two_patients_keeps_them_together(changed_data, write_recipe, tmp_path):
    adults = changed_data / "adults"
    first = sorted((changed_data / "children").glob("*.png"))[0]
    shutil.copy(first, adults / "copy.png")
    with (adults / "labels.csv").open("a") as stream:
        stream.write("copy.png,NORMAL,a0,PA\n")
    path = write_recipe(tmp_path / "r.yaml")
    for seed in range(6):
        recipe = read_recipe(path)
        split = recipe.split.model_copy(update={"seed": seed})
        data = prepare(recipe.model_copy(update={"split": split}), path)
        part = dict(zip(data.collection.patients, data.split.part, strict=True))
        assert part["children/c0-0"] == part["adults/a0"]
        assert data.certificate["groups_across_parts"] == 0


# Checkpoints


def test_weights_are_loaded(run):
    network = _network()
    load_weights(network, run / CHECKPOINTS[0])
    stored = _checkpoint(run / CHECKPOINTS[0])["state_dict"]
    state = network.state_dict()
    assert {f"network.{name}" for name in state} == set(stored)
    assert all(torch.equal(values, stored[f"network.{name}"]) for name, values in state.items())


def test_another_network_s_checkpoint_is_refused(run):
    with pytest.raises(RecipeError, match="holds another network") as caught:
        load_weights(_network(size=64), run / CHECKPOINTS[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [[1, 2], {"other": 1}, {"state_dict": 3}, {"state_dict": {1: 2}}]
)
def test_a_file_of_torch_that_is_no_checkpoint_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "bad.ckpt")
    with pytest.raises(RecipeError, match="not a checkpoint of Pneumoscope"):
        load_weights(_network(), tmp_path / "bad.ckpt")


def test_text_and_folders_are_refused(tmp_path):
    (tmp_path / "text.ckpt").write_text("weights")
    for path in (tmp_path / "text.ckpt", tmp_path):
        with pytest.raises(RecipeError, match="not a checkpoint of Pneumoscope"):
            load_weights(_network(), path)
    with pytest.raises(RecipeError, match="no such checkpoint"):
        load_weights(_network(), tmp_path / "absent.ckpt")


@pytest.mark.parametrize("save", ["torch", "pickle"])
def test_a_checkpoint_never_runs_code(tmp_path, save):
    path, made = tmp_path / "bad.ckpt", tmp_path / "made"
    content = {"state_dict": {"network.output.bias": _Malicious(made)}}
    if save == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(RecipeError, match="not a checkpoint of Pneumoscope"):
        load_weights(_network(), path)
    assert not made.exists()


def test_a_checkpoint_to_resume_from_never_runs_code(run, copied, tmp_path):
    made = tmp_path / "made"
    content = _checkpoint(copied / CHECKPOINTS[1]) | {"callbacks": _Malicious(made)}
    torch.save(content, copied / CHECKPOINTS[1])
    with pytest.raises(RecipeError, match="not a checkpoint of Pneumoscope"):
        train(run / "recipe.yaml", copied, resume=True)
    assert not made.exists()
