"""Training learns, is the same each time, and its loss measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from pneumoscope.lab.lungs.examples import masked_radiographs
from pneumoscope.lab.lungs.masks import LEFT, RIGHT, UNKNOWN
from pneumoscope.lab.lungs.train import TrainingSet, dice_and_cross_entropy, gather, train

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def examples(lung_data: Path) -> TrainingSet:
    return gather(masked_radiographs(lung_data))


def test_only_believed_masks_of_patients_who_are_not_held_out(
    lung_data: Path, examples: TrainingSet
) -> None:
    taken = [
        e.source
        for e in masked_radiographs(lung_data)
        if not e.held_out and e.taught_fields() is not None
    ]
    assert list(examples.sources) == taken
    assert "cohen-opacity" not in taken
    assert examples.grey.shape == examples.fields.shape == (len(taken), 192, 192)


def test_hand_made_masks_are_drawn_more_often(examples: TrainingSet) -> None:
    hand_made = np.array(examples.sources) == "lungs-tb"
    assert examples.chances.sum() == pytest.approx(1)
    assert examples.chances[hand_made].sum() == pytest.approx(0.45)
    alone = TrainingSet(examples.grey[:2], examples.fields[:2], ("rsna", "rsna"))
    assert alone.chances == pytest.approx([0.5, 0.5])


def test_the_loss_falls_to_nothing_for_the_truth_and_ignores_the_unknown() -> None:
    fields = torch.zeros(2, 32, 32, dtype=torch.uint8)
    fields[:, 4:20, 2:12], fields[:, 4:20, 18:28], fields[:, 24:30] = RIGHT, LEFT, UNKNOWN
    truth = torch.stack([fields == RIGHT, fields == LEFT], dim=1).float()
    right, wrong = (truth - 0.5) * 60, (0.5 - truth) * 60
    assert dice_and_cross_entropy(right, fields) < 1e-3
    assert dice_and_cross_entropy(wrong, fields) > 10
    assert dice_and_cross_entropy(right.flip(1), fields) > 1
    other = right.clone()
    other[:, :, 24:30] = 30
    assert torch.equal(dice_and_cross_entropy(other, fields), dice_and_cross_entropy(right, fields))


def test_the_loss_is_dice_plus_cross_entropy_as_by_hand() -> None:
    rng = np.random.default_rng(0)
    logits, fields = rng.normal(size=(3, 2, 8, 8)), rng.integers(0, 4, (3, 8, 8)).astype(np.uint8)
    found, known = 1 / (1 + np.exp(-logits)), fields != UNKNOWN
    entropies, dices = [], []
    for image in range(3):
        for channel, lung in enumerate((RIGHT, LEFT)):
            p, t = found[image, channel][known[image]], fields[image][known[image]] == lung
            entropies += list(-np.log(np.where(t, p, 1 - p)))
            dices.append(1 - (2 * p[t].sum() + 1) / (p.sum() + t.sum() + 1))
    loss = dice_and_cross_entropy(torch.tensor(logits, dtype=torch.float32), torch.tensor(fields))
    assert float(loss) == pytest.approx(np.mean(entropies) + np.mean(dices), rel=1e-4)


def test_a_seed_gives_the_same_weights_and_steps_change_them(examples: TrainingSet) -> None:
    first, second, longer = (train(examples, steps) for steps in (2, 2, 3))
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name]), name
    assert not torch.equal(first.output.weight, longer.output.weight)
    assert not first.training
