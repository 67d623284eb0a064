"""The loss with absent classes, the penalties, and the figure that decides when to stop."""

import math
import warnings

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import lightning
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from pneumoscope.lab.datasets import HIDDEN
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.module import ClassifierModule, masked_logits
from pneumoscope.lab.training.recipe import Training

pytestmark = pytest.mark.lab

KNOWN = torch.tensor([[True, False, True], [True, True, True]])


class _FirstPixels(Network):
    """Answers with the image's first pixels times a kernel of ones, to be checked by hand."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(3))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, images):
        return images[:, :, 0, 0] * self.kernel

    def penalised_kernels(self):
        return [self.kernel]


class _Recording(ClassifierModule):
    """Keeps what would be logged."""

    def log(self, name, value, **options):
        self.seen = getattr(self, "seen", {}) | {name: float(value.detach())}
        if self._trainer is not None:
            super().log(name, value, **options)


def _module(class_weights=None, **settings):
    return _Recording(
        _FirstPixels(),
        KNOWN.tolist(),
        Training(**settings),
        steps_per_epoch=4,
        class_weights=class_weights,
    )


def _batch(rows):
    logits, labels, sources = zip(*rows, strict=True)
    images = torch.tensor(logits)[:, :, None, None].expand(-1, -1, 4, 4)
    no_maps = torch.zeros(len(labels), 0, 1, 1)
    return images, torch.tensor(labels), torch.tensor(sources), no_maps


def test_an_absent_class_gets_no_gradient_and_no_say():
    logits = torch.randn(6, 3, generator=torch.manual_seed(0), requires_grad=True)
    sources, labels = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 2, 2, 0, 1, 2])
    loss = functional.cross_entropy(masked_logits(logits, sources, KNOWN), labels, reduction="none")
    loss.sum().backward()
    assert (logits.grad[:3, 1] == 0).all()
    assert (logits.grad[3:] != 0).all()
    assert (logits.grad[:3][:, [0, 2]] != 0).all()
    # For the source without the class the loss is that of the two-class softmax.
    two = functional.cross_entropy(logits[:3][:, [0, 2]], labels[:3] // 2, reduction="none")
    torch.testing.assert_close(loss[:3], two)
    plain = functional.cross_entropy(logits[3:], labels[3:], reduction="none")
    torch.testing.assert_close(loss[3:], plain)


def _stop_figures(module, *batches):
    trainer = lightning.Trainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer.validate(module, DataLoader(list(batches), batch_size=None), verbose=False)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_the_stop_loss_is_the_mean_over_the_sources():
    # Three images of source 0 and one of source 1, in two batches; losses by hand.
    seen = _stop_figures(
        _module(),
        _batch([([0.0, 9.0, 0.0], 0, 0), ([0.0, 9.0, math.log(3)], 2, 0)]),
        _batch([([0.0, 9.0, math.log(3)], 0, 0), ([0.0, 0.0, 0.0], 1, 1)]),
    )
    first = (math.log(2) + math.log(4 / 3) + math.log(4)) / 3
    assert seen["stop_loss"] == pytest.approx((first + math.log(3)) / 2, rel=1e-6)
    # Equal logits are answered with the first class: a hit, a hit, a miss; a miss.
    assert seen["stop_accuracy"] == pytest.approx((2 / 3 + 0) / 2)


def test_an_epoch_forgets_the_one_before():
    module = _module()
    for label in (0, 2):
        seen = _stop_figures(module, _batch([([2.0, 0.0, 0.0], label, 1)]))
    assert seen["stop_accuracy"] == 0
    assert seen["stop_loss"] == pytest.approx(math.log(math.exp(2) + 2), rel=1e-6)


def test_the_stop_loss_knows_neither_weights_nor_smoothing():
    batch = _batch([([1.0, 5.0, 2.0], 2, 0), ([1.0, 0.0, -1.0], 1, 1)])
    weighted = _module(class_weights=[1.0, 5.0, 9.0], label_smoothing=0.3)
    assert _stop_figures(weighted, batch) == _stop_figures(_module(), batch)


def _slow_loss(rows, smoothing, weights):
    """Image by image, class by class."""
    total = share = 0.0
    for logits, label, source in rows:
        classes = [c for c in range(3) if KNOWN[source][c]]
        norm = math.log(sum(math.exp(logits[c]) for c in classes))
        loss = 0.0
        for c in classes:
            target = smoothing / len(classes) + (1 - smoothing) * (c == label)
            loss -= target * (logits[c] - norm)
        total += weights[label] * loss
        share += weights[label]
    return total / share


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("weights", [None, [0.2, 1.0, 3.0]])
def test_weights_and_smoothing_are_those_of_a_slow_loss(smoothing, weights):
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(20):
        source = int(rng.integers(2))
        label = int(rng.choice(np.flatnonzero(KNOWN[source].numpy())))
        rows.append((rng.normal(size=3).astype(np.float32).tolist(), label, source))
    module = _module(label_smoothing=smoothing, class_weights=weights, l1=0, l2=0)
    loss = module.training_step(_batch(rows), 0)
    assert loss.item() == pytest.approx(_slow_loss(rows, smoothing, weights or [1.0] * 3), rel=1e-5)
    # An absent class has no say, smoothed or not.
    loss.backward()
    assert torch.isfinite(module.network.kernel.grad).all()


def test_training_adds_the_penalties_but_logs_the_cross_entropy():
    batch = _batch([([1.0, 5.0, 2.0], 2, 0), ([1.0, 0.0, -1.0], 1, 1)])
    module = _module(l1=0.5, l2=0.25)
    with torch.no_grad():
        module.network.kernel.copy_(torch.tensor([1.0, -1.0, 2.0]))
        plain = _module(l1=0, l2=0)
        plain.network.kernel.copy_(module.network.kernel)
    loss, bare = module.training_step(batch, 0), plain.training_step(batch, 0)
    assert loss.item() == pytest.approx(bare.item() + 0.5 * 4 + 0.25 * 6)
    assert module.seen["train_loss"] == pytest.approx(bare.item())


def test_only_what_is_trainable_is_optimised_at_the_recipe_s_rate():
    module = _module(learning_rate=0.25, plateau={"factor": 0.5, "patience": 2, "minimum": 0.2})
    made = module.configure_optimizers()
    (group,) = made["optimizer"].param_groups
    assert [id(p) for p in group["params"]] == [id(module.network.kernel)]
    scheduler = made["lr_scheduler"]
    assert scheduler["monitor"] == "stop_loss"
    # Once per epoch of four batches.
    assert (scheduler["interval"], scheduler["frequency"]) == ("step", 4)
    rates = []
    for _ in range(8):  # a loss that never falls
        scheduler["scheduler"].step(1.0)
        rates.append(group["lr"])
    assert rates == [0.25] * 3 + [0.2] * 5


def test_hidden_lungs_make_every_known_class_equally_true():
    module = _module()
    batch = _batch([((2.0, 1.0, -1.0), HIDDEN, 0), ((0.0, 3.0, 1.0), 1, 1)])
    module.training_step(batch, 0)
    two = -torch.log_softmax(torch.tensor([2.0, -1.0]), 0).mean()
    three = functional.cross_entropy(torch.tensor([[0.0, 3.0, 1.0]]), torch.tensor([1]))
    assert module.seen["train_loss"] == pytest.approx(float((two + three) / 2))
    assert module.seen["train_accuracy"] == 1
