"""The averaged weights, and which weights a checkpoint and the stop part have."""

import csv

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.lab.training import build_network, load_weights, read_recipe, train

pytestmark = pytest.mark.lab

DECAY = 0.7
# One step an epoch, so that the checkpoints of longer and longer runs are the weights of each step.
STEPS = {
    "training.samples_per_epoch": 8,
    "training.plateau": None,
    "training.early_stopping_patience": None,
}


def _last(out):
    return torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.fixture(scope="module")
def averaged(write_recipe, tmp_path_factory):
    """A run of three steps with averaging, and the plain weights after each of them."""
    folder = tmp_path_factory.mktemp("ema")
    changes = STEPS | {"training.epochs": 3, "training.ema_decay": DECAY}
    train(write_recipe(folder / "ema.yaml", changes), folder / "ema")
    plain = []
    for steps in (1, 2, 3):
        recipe = write_recipe(folder / f"{steps}.yaml", STEPS | {"training.epochs": steps})
        train(recipe, folder / str(steps))
        plain.append(_last(folder / str(steps))["state_dict"])
    return folder / "ema", plain


def test_the_average_is_that_of_a_slow_one(averaged):
    run, plain = averaged
    found = _last(run)
    for name, first in plain[0].items():
        # Averaging changes nothing of the training itself.
        assert torch.equal(found["current_model_state"][name], plain[2][name])
        if not first.is_floating_point():
            continue
        slow = first.double()
        for later in plain[1:]:
            slow = DECAY * slow + (1 - DECAY) * later[name].double()
        torch.testing.assert_close(found["state_dict"][name].double(), slow, atol=1e-6, rtol=1e-5)
    assert any(not torch.equal(plain[2][n], v) for n, v in found["state_dict"].items())


def test_what_is_loaded_is_the_average(averaged):
    run, _ = averaged
    network = build_network(read_recipe(run / "recipe.yaml"))
    load_weights(network, run / "checkpoints" / "last.ckpt")
    stored = _last(run)["state_dict"]
    assert all(torch.equal(v, stored[f"network.{n}"]) for n, v in network.state_dict().items())


def test_a_row_of_figures_for_every_epoch(averaged):
    run, _ = averaged
    with (run / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["epoch"], row["step"]) for row in rows] == [("0", "1"), ("1", "2"), ("2", "3")]
    figures = {"train_loss", "train_accuracy", "stop_loss", "stop_accuracy", "data_wait_share"}
    assert set(rows[0]) == {"epoch", "step", "learning_rate"} | figures
    # As the epoch began: the schedule has not changed it yet.
    assert (
        float(rows[0]["learning_rate"]) == read_recipe(run / "recipe.yaml").training.learning_rate
    )
    assert _last(run)["callbacks"]["Curves"]["epochs"][-1]["stop_loss"] == float(
        rows[-1]["stop_loss"]
    )


@pytest.mark.parametrize("keep", ["lowest_loss", "last"])
def test_the_kept_epoch_is_the_one_that_the_recipe_names(write_recipe, tmp_path, keep):
    # Steps so long that the loss on the stop part rises.
    changes = STEPS | {"training.epochs": 4, "training.learning_rate": 0.5, "training.keep": keep}
    out = tmp_path / "run"
    kept = torch.load(train(write_recipe(tmp_path / "r.yaml", changes), out), weights_only=True)
    with (out / "metrics.csv").open(newline="") as stream:
        losses = [float(row["stop_loss"]) for row in csv.DictReader(stream)]
    lowest = losses.index(min(losses))
    assert lowest < 3
    assert kept["epoch"] == (3 if keep == "last" else lowest)
