"""The training of the picture check: a fixed number of steps, one thread, one seed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import equalise
from pneumoscope.lab.lungs.fit import fit
from pneumoscope.lab.picture_check.examples import chances, draw
from pneumoscope.lab.picture_check.network import CheckNet
from pneumoscope.lab.picture_check.pictures import Pool

SPEC = InputSpec(size=112, clahe_clip=2.0, clahe_tiles=8, channels=1)
STEPS = 3600
_BATCH = 48
_SEED = 0
_RATE, _DECAY = 3e-3, 1e-3


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

    def loss_of_batch() -> Tensor:
        drawn = [draw(pool, weights, SPEC.size, rng) for _ in range(_BATCH)]
        images = torch.from_numpy(np.stack([equalise(grey, SPEC) for grey, _ in drawn]))
        labels = torch.from_numpy(np.stack([told for _, told in drawn]))
        return known_cross_entropy(network(images.to(memory_format=torch.channels_last)), labels)

    fit(network, loss_of_batch, steps=steps, rate=_RATE, decay=_DECAY)
    return network


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
