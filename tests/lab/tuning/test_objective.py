"""The batched objective against the whole network with one mask after the other in its place."""

import dataclasses
import itertools

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("deap")

import torch
from torch import nn
from torch.nn import functional

from pneumoscope.errors import RecipeError
from pneumoscope.lab.networks import create
from pneumoscope.lab.training import masked_logits, prepare_again, read_recipe
from pneumoscope.lab.tuning import (
    Objective,
    SearchSettings,
    TrainingObjective,
    build_objective,
)
from pneumoscope.lab.tuning.objective import ROUNDS, draw_batches

pytestmark = pytest.mark.lab

KNOWN = torch.tensor([[True, False, True], [True, True, True]])


class _Masked(nn.Module):
    """Dropout that draws one given mask: kept units are scaled by the mask's own share."""

    def __init__(self, mask):
        super().__init__()
        self.mask = torch.from_numpy(mask)

    def forward(self, values):
        return values * self.mask / self.mask.double().mean()


def _one_by_one(network, images, labels, sources, masks):
    losses = []
    for mask in masks:
        network.dropout = _Masked(mask)
        total = 0.0
        for batch in range(len(images)):
            logits = masked_logits(network(images[batch]), sources[batch], KNOWN)
            total += functional.cross_entropy(logits, labels[batch]).item()
        losses.append(total)
    return losses


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("li_cnn", 32, {}),
        ("densenet_capsnet", 64, {"backbone": 121}),
        ("inception_v3", 75, {}),
    ],
)
@torch.no_grad()
def test_many_masks_at_once_are_one_mask_after_the_other(name, size, options):
    torch.manual_seed(0)
    network = create(name, classes=3, size=size, options=options).double().eval()
    images = torch.rand(2, 2, 3, size, size).double()
    labels, sources = torch.tensor([[0, 2], [1, 2]]), torch.tensor([[0, 0], [1, 1]])
    features = torch.stack([network.pooled(batch) for batch in images])
    units = network.output.in_features
    objective = Objective(
        features, labels, sources, KNOWN, network.output.weight, network.output.bias
    )
    rng = np.random.default_rng(0)
    masks = rng.random((3, units)) < np.array([[0.05], [0.5], [1.0]])
    masks[0, 0] = True
    expected = _one_by_one(network, images, labels, sources, masks)
    np.testing.assert_allclose(objective(masks), expected, rtol=1e-9)
    assert objective.units == units
    assert len(set(expected)) == 3


def test_a_population_larger_than_a_portion_is_evaluated_in_order():
    torch.manual_seed(0)
    labels = torch.tensor([[0, 1, 1]])
    objective = Objective(
        torch.rand(1, 3, 10),
        labels,
        torch.zeros_like(labels),
        torch.ones(1, 2, dtype=torch.bool),
        torch.randn(2, 10),
        torch.zeros(2),
    )
    masks = np.random.default_rng(0).random((300, 10)) < 0.5
    masks[:, 0] = True
    each = [objective(mask[np.newaxis])[0] for mask in masks]
    np.testing.assert_allclose(objective(masks), each, rtol=1e-12)


def _random_head(units, zero=False):
    torch.manual_seed(1)
    labels, sources = torch.tensor([[0, 2, 1], [1, 2, 2]]), torch.tensor([[0, 0, 1], [1, 1, 0]])
    weight = torch.zeros(3, units) if zero else torch.randn(3, units)
    return Objective(torch.rand(2, 3, units), labels, sources, KNOWN, weight, torch.zeros(3))


@pytest.mark.parametrize("kept", [1, 2, 3, 5])
def test_no_rate_has_a_lower_mean_than_dropping_nothing(kept):
    # Jensen: the loss is convex in the logits, whose mean over all masks of a share is unchanged.
    units = 6
    masks = np.zeros((0, units), bool)
    for chosen in itertools.combinations(range(units), kept):
        masks = np.vstack([masks, np.isin(np.arange(units), chosen)])
    objective = _random_head(units)
    assert objective(masks).mean() > objective(np.ones((1, units), bool))[0]


def test_logits_that_say_nothing_are_worth_a_guess():
    objective = _random_head(4, zero=True)
    assert objective(np.ones((1, 4), bool))[0] == pytest.approx(objective.of_guessing)


def _drawn(units=7, batches=3):
    """Features, labels, sources and a last layer; no image has a class that its source lacks."""
    torch.manual_seed(2)
    labels, sources = torch.randint(2, (batches, 4)) * 2, torch.randint(2, (batches, 4))
    features = torch.rand(batches, 4, units).double()
    return features, labels, sources, KNOWN, torch.randn(3, units).double(), torch.randn(3).double()


def _trained_one_by_one(parts, masks, learning_rate):
    """A head of its own for each mask, trained as anyone would train it."""
    features, labels, sources, known, weight, bias = parts
    found = []
    for mask in masks:
        head = nn.Linear(features.shape[2], 3).double()
        head.load_state_dict({"weight": weight, "bias": bias})
        dropped = _Masked(mask)
        optimiser = torch.optim.Adam(head.parameters(), learning_rate)
        total = 0.0
        for _ in range(ROUNDS):
            for batch in range(len(features)):
                logits = masked_logits(head(dropped(features[batch])), sources[batch], known)
                loss = functional.cross_entropy(logits, labels[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item()
        found.append(total / ROUNDS)
    return found


def test_short_trainings_at_once_are_one_after_the_other():
    parts = _drawn()
    masks = np.random.default_rng(0).random((140, 7)) < 0.5  # more than one portion
    masks[:, 0] = True
    found = TrainingObjective(*parts, learning_rate=0.05)(masks)
    np.testing.assert_allclose(found[-20:], _trained_one_by_one(parts, masks[-20:], 0.05))
    assert len(np.unique(found)) > 20


def test_a_short_training_leaves_the_network_alone_and_begins_where_it_is():
    parts = _drawn()
    before = [part.clone() for part in parts]
    masks = np.random.default_rng(0).random((9, 7)) < 0.6
    masks[:, 0] = True
    evaluated = Objective(*parts)(masks)
    trained = TrainingObjective(*parts, learning_rate=0.05)
    first = trained(masks)
    np.testing.assert_array_equal(trained(masks), first)
    assert all(torch.equal(a, b) for a, b in zip(parts, before, strict=True))
    # Without a step both readings are one and the same; with some, the losses fall.
    still = TrainingObjective(*parts, learning_rate=1e-12)(masks)
    np.testing.assert_allclose(still, evaluated, rtol=1e-8)
    assert np.all(first < evaluated)


@pytest.fixture(scope="module")
def data(run, recipe_path):
    return prepare_again(run, read_recipe(recipe_path), recipe_path)


def test_batches_are_distinct_images_of_the_train_part_alone(data, recipe_path):
    recipe = read_recipe(recipe_path)
    part = set(data.split.indices("train").tolist())
    draws = [draw_batches(recipe, data, 3, seed) for seed in range(10)]
    for chosen in draws:
        assert chosen.shape == (3, 4)
        assert len(np.unique(chosen)) == 12
        assert set(chosen.flatten().tolist()) <= part
    np.testing.assert_array_equal(draws[0], draw_batches(recipe, data, 3, 0))
    assert any(not np.array_equal(draws[0], other) for other in draws[1:])


def test_more_batches_than_images_are_refused(data, recipe_path):
    with pytest.raises(RecipeError, match=r"batches: 100 of 4 images .* give fewer"):
        draw_batches(read_recipe(recipe_path), data, 100, 0)


def test_batches_of_one_class_are_refused(data, recipe_path):
    same = dataclasses.replace(data.collection, labels=np.zeros(len(data.collection), np.int64))
    one_class = dataclasses.replace(data, collection=same)
    with pytest.raises(RecipeError, match="every drawn image is NORMAL"):
        draw_batches(read_recipe(recipe_path), one_class, 2, 0)


def test_the_objective_is_that_of_the_network_without_its_dropout(data, recipe_path):
    recipe = read_recipe(recipe_path)
    torch.manual_seed(0)
    network = create("li_cnn", classes=3, size=32, options={"dropout": 0.5}).train()
    settings = SearchSettings(batches=2)
    objective = build_objective(network, recipe, data, settings)
    again = build_objective(network, recipe, data, settings)
    masks = np.ones((1, objective.units), bool)
    assert not network.training
    assert objective.images == 8
    assert objective(masks)[0] == again(masks)[0]


def test_the_settings_choose_the_reading(data, recipe_path):
    recipe = read_recipe(recipe_path)
    torch.manual_seed(0)
    network = create("li_cnn", classes=3, size=32, options={"dropout": 0.5})
    masks = np.ones((1, network.output.in_features), bool)
    losses = {}
    for reading in ("evaluation", "training"):
        settings = SearchSettings(batches=2, objective=reading)
        losses[reading] = build_objective(network, recipe, data, settings)(masks)[0]
    assert losses["training"] < losses["evaluation"]
