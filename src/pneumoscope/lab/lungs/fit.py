"""How a small network of pictures is fitted: a fixed number of steps, the weights averaged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

_log = logging.getLogger(__name__)

_RENEWED = 0.005  # of the running average of the weights, per step


def fit(
    network: nn.Module,
    loss_of_batch: Callable[[], Tensor],
    *,
    steps: int,
    rate: float,
    decay: float,
) -> None:
    """Fit a network in place by AdamW and one cycle; it ends with the average of its weights.

    Parameters
    ----------
    network : Module
        In training mode; left in evaluation mode.
    loss_of_batch : callable
        Draws a batch and gives its loss, a scalar, on the network.
    steps : int
        Batches.
    rate : float
        The highest learning rate.
    decay : float
        Weight decay.
    """
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.1
    )
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=_averaged, use_buffers=True)
    started, shown = time.perf_counter(), 0.0
    for step in range(1, steps + 1):
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of_batch()
        loss.backward()
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        shown += (float(loss.detach()) - shown) / min(step, 100)
        if step % 100 == 0 or step == steps:
            seconds = time.perf_counter() - started
            _log.info("step %d of %d: loss %.4f, %.0f s", step, steps, shown, seconds)
    network.load_state_dict(average.module.state_dict())
    network.eval()


def _averaged(average: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
    """Move the average towards a value, at first in larger steps."""
    return average + (value - average) * max(_RENEWED, 10 / (10 + int(count)))
