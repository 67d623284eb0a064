"""Evaluations per second of a mask search: all masks of a generation at once, against one by one.

    python bench/tuning.py [--network NAME] [--size N] [--masks N] [--threads N] [--repeats N]

`one by one` puts a mask into the network's dropout, runs the drawn batches through the whole
network and adds up their losses, as published; then the next mask. Both get the same
masks and the same network in evaluation mode, and must agree. The batched way is charged for the
features of the drawn batches, too, once per generation here, where a search pays once in all.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks import Network, create
from pneumoscope.lab.tuning import Objective

CLASSES = 2


class Masked(nn.Module):
    """One mask in the dropout's place."""

    mask: Tensor

    def forward(self, values: Tensor) -> Tensor:
        return values * (self.mask / self.mask.mean())


def one_by_one(network: Network, images: Tensor, labels: Tensor, masks: np.ndarray) -> np.ndarray:
    network.dropout = Masked()
    losses = []
    for mask in torch.from_numpy(masks).float():
        network.dropout.mask = mask
        pairs = zip(images, labels, strict=True)
        losses.append(sum(functional.cross_entropy(network(i), its).item() for i, its in pairs))
    return np.array(losses)


def all_at_once(network: Network, images: Tensor, labels: Tensor) -> Objective:
    features = torch.stack([network.pooled(batch) for batch in images])
    known = torch.ones(1, CLASSES, dtype=torch.bool)
    output = network.output
    return Objective(features, labels, torch.zeros_like(labels), known, output.weight, output.bias)


@torch.no_grad()
def compare(options: argparse.Namespace) -> None:
    torch.manual_seed(0)
    network = create(options.network, classes=CLASSES, size=options.size, options={}).eval()
    images = torch.rand(options.batches, options.batch_size, 3, options.size, options.size)
    labels = torch.randint(CLASSES, images.shape[:2])
    units = network.output.in_features
    masks = np.random.default_rng(0).random((options.masks, units)) < 0.5
    # A few of the masks are enough for a rate, as each costs the same.
    few = masks[: options.slow_masks]
    objective = all_at_once(network, images, labels)
    slow = one_by_one(network, images, labels, few)
    np.testing.assert_allclose(objective(few), slow, rtol=1e-4)
    ratios, without_features, rates = [], [], []
    for _ in range(options.repeats):
        began = time.perf_counter()
        one_by_one(network, images, labels, few)
        each = (time.perf_counter() - began) / len(few)
        began = time.perf_counter()
        objective = all_at_once(network, images, labels)
        ready = time.perf_counter()
        objective(masks)
        ended = time.perf_counter()
        ratios.append(each * len(masks) / (ended - began))
        without_features.append(each * len(masks) / (ended - ready))
        rates.append(len(masks) / (ended - began))
    print(
        f"{options.network} at {options.size} pixels, {units} units, {options.masks} masks, "
        f"{options.batches} batches of {options.batch_size}, {options.threads} thread(s), "
        f"torch {torch.__version__}"
    )
    print(f"  at once, with the features: {statistics.median(rates):,.0f} evaluations per second")
    print(f"  as many times as one by one: {statistics.median(ratios):,.0f}")
    print(f"  in a later generation, features known: {statistics.median(without_features):,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet152")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--masks", type=int, default=40)
    parser.add_argument("--slow-masks", type=int, default=3)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    compare(options)


if __name__ == "__main__":
    main()
