"""A run that was cut off goes on to the result that it would have had, to the bit."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.errors import RecipeError
from pneumoscope.lab.training import train

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals"),
]

CHECKPOINTS = ("checkpoints/best.ckpt", "checkpoints/last.ckpt")
PLAIN = {"training.epochs": 5}
# Everything that draws or remembers, besides the augmentation that the recipe has by default.
EVERYTHING = PLAIN | {
    "network.options": {"dropout": 0.5},
    "training.ema_decay": 0.8,
    "training.label_smoothing": 0.1,
    "training.class_weights": "balanced",
    "training.learning_rate": 0.03,
    "training.plateau": {"factor": 0.1, "patience": 0},
    "training.early_stopping_patience": 6,
}
EVERY_IMAGE = EVERYTHING | {"training.sampling": "every_image", "training.samples_per_epoch": None}


def _checkpoint(path):
    return torch.load(path, weights_only=True)


def _curves(out):
    """All figures of all epochs but the seconds waited for data."""
    with (out / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{k: v for k, v in row.items() if k != "data_wait_share"} for row in rows]


def _same(first, second):
    """Compare all that a checkpoint holds of the network and its optimiser, to the bit."""
    for name in ("state_dict", "current_model_state", "averaging_state"):
        assert first.get(name, {}).keys() == second.get(name, {}).keys()
        assert all(torch.equal(v, second[name][k]) for k, v in first.get(name, {}).items())
    left, right = (c["optimizer_states"][0]["state"] for c in (first, second))
    assert all(torch.equal(v, right[n][k]) for n, state in left.items() for k, v in state.items())
    assert first["lr_schedulers"] == second["lr_schedulers"]
    assert (first["epoch"], first["global_step"]) == (second["epoch"], second["global_step"])


def _assert_the_same_result(straight, resumed):
    for name in CHECKPOINTS:
        _same(_checkpoint(straight / name), _checkpoint(resumed / name))
    assert _curves(straight) == _curves(resumed)


@pytest.mark.parametrize(
    ("changes", "sent"),
    [(EVERYTHING, signal.SIGINT), (EVERY_IMAGE, signal.SIGKILL)],
    ids=["everything-INT", "every-image-KILL"],
)
def test_a_run_cut_off_twice_ends_as_if_it_had_not_been(
    write_recipe, cut_off, tmp_path, changes, sent
):
    recipe = write_recipe(tmp_path / "r.yaml", changes)
    train(recipe, tmp_path / "straight")
    out = tmp_path / "resumed"
    cut_off(recipe, out, 1, sent)
    cut_off(recipe, out, 3, sent, resume=True)
    assert train(recipe, out, resume=True) == out / CHECKPOINTS[0]
    _assert_the_same_result(tmp_path / "straight", out)


def test_the_plateau_and_the_average_were_at_work(write_recipe, tmp_path):
    """What the comparison above relies on."""
    train(write_recipe(tmp_path / "r.yaml", EVERYTHING), tmp_path / "run")
    last = _checkpoint(tmp_path / "run" / CHECKPOINTS[1])
    (group,) = last["optimizer_states"][0]["param_groups"]
    assert group["lr"] < 0.03
    name = "network.output.weight"
    assert not torch.equal(last["state_dict"][name], last["current_model_state"][name])


def test_a_run_that_stopped_early_trains_no_further_epoch(write_recipe, tmp_path):
    wild = {"training.learning_rate": 1.0, "training.early_stopping_patience": 1}
    out, recipe = (
        tmp_path / "run",
        write_recipe(tmp_path / "r.yaml", wild | {"training.epochs": 50}),
    )
    train(recipe, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert len(_curves(out)) < 50
    train(recipe, out, resume=True)
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_finished_run_stays_as_it_is(copied):
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    train(copied / "recipe.yaml", copied, resume=True)
    assert before == {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}


def test_no_two_epochs_draw_the_same(write_recipe, cut_off, tmp_path):
    # Weights that hardly move: an epoch's loss tells which images were drawn.
    still = {"training.learning_rate": 1e-12, "network.options": {"dropout": 0}}
    recipe = write_recipe(tmp_path / "r.yaml", still | {"training.epochs": 5})
    cut_off(recipe, tmp_path / "run", 2)
    train(recipe, tmp_path / "run", resume=True)
    assert len({row["train_loss"] for row in _curves(tmp_path / "run")}) == 5


def test_an_interrupt_leaves_python_open_to_the_next_one(write_recipe, tmp_path):
    endless = {"training.epochs": 10_000, "training.early_stopping_patience": 10_000}
    before = signal.getsignal(signal.SIGINT)
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml", endless)

    def interrupt():
        while not (out / CHECKPOINTS[1]).exists():
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        train(recipe, out)
    assert signal.getsignal(signal.SIGINT) is before
    assert len(_curves(out)) < 10_000


def test_a_run_without_an_epoch_says_what_to_do(copied):
    (copied / CHECKPOINTS[1]).unlink()
    with pytest.raises(RecipeError, match=r"no run to resume.*last\.ckpt.*another folder"):
        train(copied / "recipe.yaml", copied, resume=True)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_the_run_can_go_on(write_recipe, cut_off, tmp_path, sent):
    endless = {"training.epochs": 10_000, "training.early_stopping_patience": 10_000}
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml", endless)
    command = [sys.executable, "-m", "pneumoscope", "-q", "train", "--recipe", recipe, "--out", out]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not (out / CHECKPOINTS[1]).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(sent)
        printed, complained = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130
    assert printed == b""
    # Nothing but our own word: no traceback, no advice for programmers.
    assert complained.decode().split("\n")[-2:] == ["pneumoscope: interrupted", ""]
    assert set(complained.decode().splitlines()) <= {"", "pneumoscope: interrupted"}
    done = _checkpoint(out / CHECKPOINTS[1])["epoch"]
    cut_off(recipe, out, done + 3, resume=True)
    assert _checkpoint(out / CHECKPOINTS[1])["epoch"] > done


def test_a_full_disk_ends_in_one_line_and_the_run_can_go_on(write_recipe, cut_off, tmp_path):
    """Files may not grow beyond what the disk, made-up by a limit, has left."""
    recipe = write_recipe(tmp_path / "r.yaml", {"training.epochs": 4})
    train(recipe, tmp_path / "straight")
    out = tmp_path / "run"
    cut_off(recipe, out, 1)
    before = {path: path.read_bytes() for path in (out / "checkpoints").iterdir()}
    room = min(map(len, before.values())) // 2
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}));"
        "from pneumoscope.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "-q", "train", "--recipe", recipe, "--out", out]
    ended = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (said,) = ended.stderr.splitlines()
    assert ".ckpt: cannot be written (File too large)" in said
    assert before == {path: path.read_bytes() for path in (out / "checkpoints").iterdir()}
    train(recipe, out, resume=True)
    _assert_the_same_result(tmp_path / "straight", out)


def test_a_resumed_run_keeps_its_record_and_tells_what_changed(
    write_recipe, cut_off, tmp_path, caplog
):
    out, recipe = tmp_path / "run", write_recipe(tmp_path / "r.yaml", PLAIN)
    cut_off(recipe, out, 1)
    record = out / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"torch": "of another year"}))
    before = json.loads(record.read_text())
    with caplog.at_level(logging.WARNING, logger="pneumoscope"):
        train(recipe, out, resume=True)
    after = json.loads(record.read_text())
    assert after.pop("seconds") >= 0
    assert after == before
    (said,) = [r.getMessage() for r in caplog.records if "to the bit" in r.getMessage()]
    assert f"torch of another year, goes on with {torch.__version__}" in said


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
