"""A recipe with a rate for every unit: checked, trained, resumed, exported."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.errors import RecipeError
from pneumoscope.lab.networks import UnitDropout
from pneumoscope.lab.training import build_network, read_recipe, train
from pneumoscope.lab.training.export import TOLERANCES
from pneumoscope.lab.training.graph import Exported, parity, round_to_half, to_graph

pytestmark = pytest.mark.lab

RATES = np.linspace(0, 0.95, 100).round(4).tolist()
ALL = {"network.unit_dropout": RATES}


def test_the_layer_before_the_last_one_takes_the_rates(write_recipe, tmp_path):
    recipe = read_recipe(write_recipe(tmp_path / "r.yaml", ALL))
    network = build_network(recipe)
    assert isinstance(network.dropout, UnitDropout)
    np.testing.assert_allclose(1 - network.dropout.keep.numpy(), RATES, atol=1e-6)
    # The rate of the other layers stays an option of the network.
    assert network.blocks[0].dropout.p == 0.1


def test_a_recipe_without_the_key_is_the_recipe_that_it_was(write_recipe, tmp_path):
    recipe = read_recipe(write_recipe(tmp_path / "r.yaml"))
    assert "unit_dropout" not in recipe.training_part()["network"]
    tuned = read_recipe(write_recipe(tmp_path / "t.yaml", ALL))
    assert tuned.training_part() != recipe.training_part()


@pytest.mark.parametrize("rates", [[], [0.5, 1.0], [-0.1], ["half"], 0.5])
def test_impossible_rates_are_named(write_recipe, tmp_path, rates):
    path = write_recipe(tmp_path / "r.yaml", {"network.unit_dropout": rates})
    with pytest.raises(RecipeError, match=r"network\.unit_dropout"):
        read_recipe(path)


def test_a_rate_for_each_unit_is_needed(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"network.unit_dropout": [0.5] * 99})
    with pytest.raises(RecipeError, match="has 99 rates, but li_cnn has 100 units"):
        build_network(read_recipe(path))


def test_it_trains_resumes_and_its_graph_answers_as_the_network(write_recipe, tmp_path):
    short = {"training.epochs": 2, "training.early_stopping_patience": None}
    recipe_path = write_recipe(tmp_path / "r.yaml", ALL | short)
    best = train(recipe_path, tmp_path / "run")
    straight = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)
    assert not any("keep" in name for name in straight["state_dict"])
    train(recipe_path, tmp_path / "run", resume=True)
    network = build_network(read_recipe(recipe_path))
    weights = torch.load(best, weights_only=True)["state_dict"]
    network.load_state_dict({k.removeprefix("network."): v for k, v in weights.items()})
    network.eval()
    round_to_half(network)
    images = np.random.default_rng(0).random((4, 3, 32, 32), dtype=np.float32)
    exported = Exported(network)
    differences = parity(exported, to_graph(exported, 32), images)
    assert all(far < TOLERANCES[name] for name, far in differences.items())
