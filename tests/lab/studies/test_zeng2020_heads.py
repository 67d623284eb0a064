"""Heads on frozen features: what is kept, what is paired, and that every way is tried."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from pneumoscope.lab.studies.zeng2020_heads import (
    WAYS,
    Budget,
    HeadSettings,
    HeadTrainer,
    Parts,
    Trial,
    _tried,
    try_all,
)
from pneumoscope.lab.tuning import UNIT_WEIGHTS, describe_maps

pytestmark = pytest.mark.lab

UNITS = 24


def _trainer(seed=0, *, views=1, signal=1.0, settings=None):
    """Two classes that lie apart in one direction, 240 images."""
    rng = np.random.default_rng(7)
    labels = rng.integers(2, size=240)
    features = rng.normal(size=(240, views, UNITS)).astype(np.float32)
    features[:, :, 0] += signal * (2 * labels[:, np.newaxis] - 1)
    order = rng.permutation(240)
    parts = Parts(order[:140], order[140:180], order[180:])
    return HeadTrainer(torch.from_numpy(features), torch.from_numpy(labels), parts, seed, settings)


def _same(one, other):
    return torch.equal(one.weight, other.weight) and torch.equal(one.bias, other.bias)


def test_the_kept_head_is_that_of_the_epoch_with_the_lowest_stop_loss():
    trainer = _trainer(signal=0.2, settings=HeadSettings(epochs=30, patience=4, learning_rate=0.02))
    kept, at = trainer.train(nn.Dropout(0.3))
    again, _ = trainer.train(nn.Dropout(0.3), epochs=at)
    assert _same(kept, again)
    losses = [
        trainer.loss(trainer.train(nn.Dropout(0.3), epochs=epoch)[0], trainer.parts.stop)
        for epoch in range(1, at + 5)
    ]
    assert trainer.loss(kept, trainer.parts.stop) == min(losses)
    assert losses.index(min(losses)) == at - 1


def test_every_way_begins_with_the_same_weights_and_batches():
    """Without dropped units the two kinds of dropout are the same training."""
    from pneumoscope.lab.networks import UnitDropout

    trainer = _trainer(views=3)
    plain, _ = trainer.train(nn.Dropout(0.0), epochs=3)
    per_unit, _ = trainer.train(UnitDropout([0.0] * UNITS), epochs=3)
    assert torch.allclose(plain.weight, per_unit.weight, atol=1e-6)
    assert not torch.allclose(
        plain.weight, _trainer(1, views=3).train(nn.Dropout(0.0), epochs=3)[0].weight
    )


def test_reported_images_neither_train_nor_stop_nor_choose():
    settings = HeadSettings(epochs=6)
    trainer = _trainer(settings=settings)
    changed = trainer.features.clone()
    changed[trainer.parts.report] = 99.0
    other = HeadTrainer(changed, trainer.labels, trainer.parts, 0, settings)
    assert _same(trainer.train(nn.Dropout(0.5))[0], other.train(nn.Dropout(0.5))[0])
    masks = np.random.default_rng(0).random((20, UNITS)) < 0.5
    for reading in ("evaluation", "training"):
        mine, others = (each.objectives()[reading](masks) for each in (trainer, other))
        np.testing.assert_array_equal(mine, others)
    for way in UNIT_WEIGHTS:
        assert torch.equal(trainer.weighted(way).keep, other.weighted(way).keep)
    mine, others = (_tried(each, Budget(seconds=60.0)) for each in (trainer, other))
    assert (mine.rate, mine.evaluations) == (others.rate, others.evaluations)


def test_all_ways_answer_better_than_chance():
    """By a budget in masks: by the clock, a busy machine would get other rates."""
    trainer = _trainer(signal=1.5)
    trials = try_all(trainer, Budget(evaluations=200, rates=3))
    assert list(trials) == list(WAYS)
    truth = trainer.labels[trainer.parts.report].numpy()
    for way, trial in trials.items():
        assert 0 <= trial.rate <= 1, way
        # Of 60 images, chance has a standard error of 0.075.
        assert roc_auc_score(truth, trial.probabilities) > 0.7, way


def test_searches_by_the_clock_cost_their_seconds():
    trials = try_all(_trainer(), Budget(seconds=0.05))
    for way, trial in trials.items():
        searched = way not in ("none", "0.2", "0.5", *UNIT_WEIGHTS)
        if searched:
            assert trial.search_seconds >= 0.05, way
        elif way not in UNIT_WEIGHTS:  # which take what their numbers take
            assert trial.search_seconds == 0, way
        assert (trial.evaluations > 0) == searched, way
        # Who tries rates trains whole heads, and has no head to warm up.
        assert (trial.warm_up_seconds > 0) == (searched and way != "tried"), way
    # One search gives both answers.
    assert trials["ga"].search_seconds == trials["per-unit"].search_seconds


def test_a_budget_in_masks_gives_the_same_answers_again():
    budget = Budget(evaluations=90, rates=3)
    first, again = (try_all(_trainer(), budget) for _ in range(2))
    for way in WAYS:
        assert first[way].rate == again[way].rate, way
        np.testing.assert_array_equal(first[way].probabilities, again[way].probabilities)
    assert {first[way].evaluations for way in ("ga", "ga-training", "random", "bayes")} == {90}
    assert first["tried"].evaluations == 3
    assert str(budget) == "A search ended after 90 masks."


@pytest.mark.parametrize("way", UNIT_WEIGHTS)
def test_a_weighting_drops_the_unit_that_carries_the_classes_less(way):
    """That unit's values lie apart by class, so every number of its matrix is the largest."""
    rates = 1 - _trainer(signal=4.0).weighted(way).keep.numpy()
    assert rates.argmin() == 0
    assert rates.mean() == pytest.approx(0.5, abs=1e-6)


def test_a_weighting_looks_at_maps_where_there_are_some():
    """One unit's map is a flat one and the other's is not, though their means agree."""
    plain = _trainer()
    maps = plain.features[:, 0, :, None, None].repeat(1, 1, 2, 2)
    maps[:, 5] += torch.tensor([[9.0, -9.0], [-9.0, 9.0]]) + torch.tensor(
        [[7.0, 7.0], [-7.0, -7.0]]
    )
    described = describe_maps(maps)
    with_maps = HeadTrainer(plain.features, plain.labels, plain.parts, 0, described=described)
    for way in ("activation", "deviation", "nuclear"):
        assert with_maps.weighted(way).keep.argmax() == 5
    assert torch.allclose(with_maps.weighted("difference").keep, plain.weighted("difference").keep)


def test_a_trial_survives_its_document():
    trial = Trial(0.25, 0.1, 1.5, 0.5, 40, 7, np.array([0.125, 0.5]))
    again = Trial.from_dict(trial.as_dict())
    assert again.as_dict() == trial.as_dict()
    assert again.probabilities.tolist() == [0.125, 0.5]
