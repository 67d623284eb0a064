"""Two processes train one network together, to what one alone would have reached."""

import csv
import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import numpy as np
import torch

from pneumoscope.errors import PneumoscopeError
from pneumoscope.lab.training import build_network, load_weights, logits_of, read_recipe, train
from pneumoscope.lab.training.batches import stop_loader, training_loader
from pneumoscope.lab.training.prepare import prepare
from pneumoscope.lab.training.processes import Process, together
from pneumoscope.lab.training.run_folder import prepare_again

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        os.name != "posix" or not torch.distributed.is_gloo_available(), reason="needs gloo"
    ),
    pytest.mark.skipif(torch.cuda.is_available(), reason="proves the CPU's processes"),
]

TWO = {"training.devices": 2, "training.epochs": 2, "training.ema_decay": 0.5}


def _recipe(write_recipe, tmp_path, changes):
    path = write_recipe(tmp_path / "r.yaml", changes)
    return path, read_recipe(path)


def _curves(out):
    with (out / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("sampling", ["balanced_sources", "every_image"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_processes_batches_are_together_those_of_one(write_recipe, tmp_path, count, sampling):
    samples = 20 if sampling == "balanced_sources" else None  # no whole number of batches
    changes = {"training.sampling": sampling, "training.samples_per_epoch": samples}
    path, recipe = _recipe(write_recipe, tmp_path, changes)
    data = prepare(recipe, path)

    def batches(process):
        loader = training_loader(recipe, data, process)
        loader.sampler.set_epoch(3)
        made = list(loader)
        assert len(made) == len(loader)
        return made

    whole = batches(Process())
    shares = [batches(Process(rank, count)) for rank in range(count)]
    assert len({len(share) for share in shares}) == 1
    for number, batch in enumerate(whole):
        images = torch.stack([share[number][0] for share in shares], dim=1).flatten(0, 1)
        assert torch.equal(images, batch[0])


@pytest.mark.parametrize("images", [2, 3, 8, 9, 10, 17])
@pytest.mark.parametrize("count", [1, 2])
def test_every_stop_image_is_seen_once_and_the_processes_take_as_many_batches(
    write_recipe, tmp_path, images, count
):
    path, recipe = _recipe(write_recipe, tmp_path, {})
    data = prepare(recipe, path)
    parts = dict(data.split.parts) | {"stop": np.arange(images)}
    object.__setattr__(data.split, "parts", parts)
    loaders = [stop_loader(recipe, data, Process(rank, count)) for rank in range(count)]
    seen = [int(i) for loader in loaders for batch in loader.batch_sampler for i in batch]
    assert sorted(seen) == list(range(images))
    assert len({len(loader) for loader in loaders}) == 1
    assert all(0 < len(batch) <= 8 for loader in loaders for batch in loader.batch_sampler)


@pytest.fixture(scope="module")
def trained_by_two(write_recipe, tmp_path_factory):
    """A run of the command line, as a user starts it, and what it printed."""
    folder = tmp_path_factory.mktemp("two")
    recipe = write_recipe(folder / "r.yaml", TWO)
    command = [sys.executable, "-m", "pneumoscope", "-q", "train", "--recipe", recipe]
    command += ["--out", folder / "run"]
    return folder / "run", subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_the_command_speaks_and_writes_once(trained_by_two):
    out, ended = trained_by_two
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == 2
    assert ended.stdout.count("Best checkpoint") == 1
    assert [row["epoch"] for row in _curves(out)] == ["0", "1"]
    last = torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)
    # Two whole batches of eight in each epoch of sixteen, not four of eight.
    assert (last["epoch"], last["global_step"]) == (1, 4)
    assert json.loads((out / "record.json").read_text())["accepted_leaks"] == []


def test_the_stop_figures_are_those_of_one_process(trained_by_two):
    out, _ = trained_by_two
    recipe = read_recipe(out / "recipe.yaml")
    data = prepare_again(out, recipe, out / "recipe.yaml")
    network = build_network(recipe)
    load_weights(network, out / "checkpoints" / "last.ckpt")
    network.eval()
    stop = np.sort(data.split.indices("stop"))
    with torch.autocast("cpu", torch.bfloat16, enabled=_half(out)):
        logits = logits_of(network, data, recipe, stop)
    known = np.array(recipe.known_classes())[data.collection.sources[stop]]
    logits = np.where(known, logits, -np.inf)
    labels, sources = data.collection.labels[stop], data.collection.sources[stop]
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(stop)), labels]
    hits = logits.argmax(1) == labels
    row = _curves(out)[-1]
    for name, values in (("stop_loss", losses), ("stop_accuracy", hits)):
        expected = np.mean([values[sources == source].mean() for source in np.unique(sources)])
        assert float(row[name]) == pytest.approx(expected, abs=0.01 if _half(out) else 1e-5)


def _half(out):
    return json.loads((out / "record.json").read_text())["precision"] == "bf16-mixed"


def test_a_run_of_two_resumes_to_the_same_result(trained_by_two, write_recipe, cut_off, tmp_path):
    straight, _ = trained_by_two
    recipe, out = straight / "recipe.yaml", tmp_path / "run"
    cut_off(recipe, out, 1)
    train(recipe, out, resume=True)
    first, second = (
        torch.load(place / "checkpoints" / "last.ckpt", weights_only=True)
        for place in (straight, out)
    )
    for name in ("state_dict", "current_model_state"):
        assert all(torch.equal(v, second[name][k]) for k, v in first[name].items())
    assert [row["stop_loss"] for row in _curves(straight)] == [
        row["stop_loss"] for row in _curves(out)
    ]


def test_a_process_that_cannot_start_is_told_with_its_own_words(tmp_path):
    with (
        pytest.raises(PneumoscopeError, match=r"process 2 .* ended .*absent\.yaml: cannot be read"),
        together(tmp_path / "absent.yaml", tmp_path, 2, resume=False),
    ):
        pass
