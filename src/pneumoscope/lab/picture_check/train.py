"""The training of the picture check: a fixed number of steps, one thread, one seed."""

from __future__ import annotations

import logging
import time

import numpy as np
import torch
from torch import Tensor, nn

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import equalise
from pneumoscope.lab.picture_check.examples import chances, draw
from pneumoscope.lab.picture_check.network import CheckNet
from pneumoscope.lab.picture_check.pictures import Pool

_log = logging.getLogger(__name__)

SPEC = InputSpec(size=112, clahe_clip=2.0, clahe_tiles=8, channels=1)
STEPS = 3600
_BATCH = 48
_SEED = 0
_RATE, _DECAY = 3e-3, 1e-3
_RENEWED = 0.005  # of the running average of the weights, per step


def train(pool: Pool, steps: int = STEPS) -> CheckNet:
    """Train a network; the same pictures and steps give the same network on the same machine.

    Parameters
    ----------
    pool : Pool
    steps : int
        Batches of 48.

    Returns
    -------
    CheckNet
        In evaluation mode.
    """
    torch.set_num_threads(1)
    torch.manual_seed(_SEED)
    rng = np.random.default_rng(_SEED)
    weights = chances(pool)
    network = CheckNet(SPEC.size).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=steps, pct_start=0.1
    )
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=_averaged, use_buffers=True)
    started, shown = time.perf_counter(), 0.0
    for step in range(1, steps + 1):
        drawn = [draw(pool, weights, SPEC.size, rng) for _ in range(_BATCH)]
        images = torch.from_numpy(np.stack([equalise(grey, SPEC) for grey, _ in drawn]))
        labels = torch.from_numpy(np.stack([told for _, told in drawn]))
        optimiser.zero_grad(set_to_none=True)
        loss = known_cross_entropy(network(images.to(memory_format=torch.channels_last)), labels)
        loss.backward()
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        shown += (float(loss.detach()) - shown) / min(step, 100)
        if step % 100 == 0 or step == steps:
            seconds = time.perf_counter() - started
            _log.info("step %d of %d: loss %.4f, %.0f s", step, steps, shown, seconds)
    network.load_state_dict(average.module.state_dict())
    return network.eval()


def known_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy, the mean over what is known.

    Parameters
    ----------
    logits : Tensor of float32, shape (n, codes)
    labels : Tensor of float32, shape (n, codes)
        1, 0, or -1 for what is not known.
    """
    known = labels >= 0
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0), reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp(min=1)


def _averaged(average: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
    """Move the average towards a value, at first in larger steps."""
    return average + (value - average) * max(_RENEWED, 10 / (10 + int(count)))
