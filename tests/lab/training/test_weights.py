"""Checkpoints: loaded only if they are what they should be, written whole or not at all."""

import os
import pickle
import resource

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.errors import InputError, RecipeError
from pneumoscope.lab.networks import create
from pneumoscope.lab.training import load_weights, train
from pneumoscope.lab.training.weights import WholeCheckpoints

pytestmark = pytest.mark.lab

CHECKPOINTS = ("checkpoints/best.ckpt", "checkpoints/last.ckpt")


def _checkpoint(path):
    return torch.load(path, weights_only=True)


def _network(size=32):
    return create("li_cnn", classes=3, size=size, options={})


class _Malicious:
    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


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


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path):
    place = tmp_path / "checkpoints" / "last.ckpt"
    writer = WholeCheckpoints()
    writer.save_checkpoint({"weights": torch.arange(10)}, place)
    before = place.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(InputError, match=r"last\.ckpt: cannot be written \(File too large\)"):
            writer.save_checkpoint({"weights": torch.arange(100_000)}, place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert place.read_bytes() == before
    assert list(place.parent.iterdir()) == [place]
