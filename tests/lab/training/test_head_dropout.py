"""A recipe with one rate before the last layer: it changes that layer, and nothing without it."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import torch

from pneumoscope.errors import RecipeError
from pneumoscope.lab.networks import create, names
from pneumoscope.lab.training import build_network, read_recipe

pytestmark = pytest.mark.lab


def _rates(network):
    modules = network.named_modules()
    return {name: m.p for name, m in modules if isinstance(m, torch.nn.Dropout)}


@pytest.mark.parametrize("name", names())
def test_the_rate_is_that_of_the_layer_before_the_last_one_alone(write_recipe, tmp_path, name):
    changes = {"network": {"name": name}, "input.size": 96}
    with torch.device("meta"):  # shapes only
        plain = build_network(read_recipe(write_recipe(tmp_path / "p.yaml", changes)))
        changes["network.head_dropout"] = 0.31
        changed = build_network(read_recipe(write_recipe(tmp_path / "c.yaml", changes)))
    assert _rates(changed) == _rates(plain) | {"dropout": 0.31}
    assert changed.state_dict().keys() == plain.state_dict().keys()


def test_the_rate_drops_units_in_training_and_none_in_use(write_recipe, tmp_path):
    off = {"network.options": {"dropout": 0.0}, "network.head_dropout": 1.0}
    network = build_network(read_recipe(write_recipe(tmp_path / "r.yaml", off)))
    images = torch.rand(4, 3, 32, 32)
    torch.testing.assert_close(network(images), network.output.bias.expand(4, -1))
    network.eval()
    logits = network(images)
    assert not torch.allclose(logits, network.output.bias.expand(4, -1))


def test_a_recipe_without_the_key_is_the_recipe_that_it_was(write_recipe, tmp_path):
    recipe = read_recipe(write_recipe(tmp_path / "r.yaml"))
    # What a run is bound to, and what is written into other recipes: both lack the new key.
    assert recipe.training_part()["network"] == {"name": "li_cnn", "options": {"dropout": 0.1}}
    assert recipe.model_dump(exclude_unset=True)["network"].keys() == {"name", "options"}
    torch.manual_seed(0)
    built = build_network(recipe).train()
    after = torch.rand(1)
    torch.manual_seed(0)
    created = create("li_cnn", classes=3, size=32, options={"dropout": 0.1}).train()
    assert torch.equal(torch.rand(1), after)
    images = torch.rand(2, 3, 32, 32)
    answers = []
    for network in (built, created):
        torch.manual_seed(1)
        answers.append(network(images))
    assert torch.equal(*answers)
    tuned = read_recipe(write_recipe(tmp_path / "t.yaml", {"network.head_dropout": 0.1}))
    assert tuned.training_part() != recipe.training_part()


@pytest.mark.parametrize("rate", [-0.1, 1.1, "half", [0.5]])
def test_an_impossible_rate_is_named(write_recipe, tmp_path, rate):
    path = write_recipe(tmp_path / "r.yaml", {"network.head_dropout": rate})
    with pytest.raises(RecipeError, match=r"network\.head_dropout"):
        read_recipe(path)


def test_one_layer_has_one_of_the_two(write_recipe, tmp_path):
    both = {"network.head_dropout": 0.5, "network.unit_dropout": [0.5] * 100}
    with pytest.raises(RecipeError, match="head_dropout and unit_dropout are of one layer"):
        read_recipe(write_recipe(tmp_path / "r.yaml", both))
