"""The capsule head, forward and backward, against plain loops over the routing's capsules.

    python bench/capsules.py [--threads N] [--repeats N]

The plain versions make every prediction vector and multiply and sum them in every iteration. They
differ in how they make them: `loop` takes one primary capsule after the other; `layer` is the way
of the usual Keras layers, which is one product where the transform is shared, and otherwise tiles
the primary capsules per class and maps the images one by one. All get the same numbers, and must
give the same class capsules.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from pneumoscope.lab.networks.capsules import OwnTransforms, SharedTransform, squash

IMAGES, CAPSULES, LENGTH, CLASSES, CLASS_LENGTH, ITERATIONS = 16, 3136, 16, 3, 32, 4
Head = Callable[[Tensor], Tensor]


def routed(votes: Tensor) -> Tensor:
    """Routing on votes (n, c, i, k) as the publications write it."""
    logits = votes.new_zeros(votes.shape[:3])
    for iteration in range(ITERATIONS):
        coupling = torch.softmax(logits, dim=1)
        outputs = squash((coupling.unsqueeze(-1) * votes).sum(2))
        if iteration < ITERATIONS - 1:
            logits = logits + (votes * outputs.unsqueeze(2)).sum(-1)
    return outputs


def loop(transform: Tensor) -> Head:
    """One primary capsule after the other; transform (i, d, c, k)."""

    def head(primary: Tensor) -> Tensor:
        pairs = zip(primary.unbind(1), transform.unbind(0), strict=True)
        each = [torch.einsum("nd,dck->nck", vectors, weights) for vectors, weights in pairs]
        return routed(torch.stack(each, dim=2))

    return head


def shared_layer(transform: Tensor) -> Head:
    """One product for all; transform (c, d, k)."""

    def head(primary: Tensor) -> Tensor:
        return routed(primary.unsqueeze(1) @ transform)

    return head


def own_layer(transform: Tensor) -> Head:
    """Primary capsules tiled per class, images mapped one by one; transform (i, d, c, k)."""

    def head(primary: Tensor) -> Tensor:
        tiled = primary.unsqueeze(1).tile(1, CLASSES, 1, 1).unsqueeze(-2)
        weights = transform.permute(2, 0, 1, 3)
        return routed(torch.stack([(image @ weights).squeeze(-2) for image in tiled]))

    return head


def step_time(head: Head, primary: Tensor) -> float:
    """Seconds of one forward and backward pass."""
    started = time.perf_counter()
    head(primary).square().sum().backward()
    return time.perf_counter() - started


def compare(name: str, heads: dict[str, Head], primary: Tensor, repeats: int) -> None:
    with torch.no_grad():
        outputs = [head(primary) for head in heads.values()]
    for output in outputs[1:]:
        torch.testing.assert_close(output, outputs[0], rtol=1e-3, atol=1e-5)
    for head in heads.values():
        step_time(head, primary)  # Warm: memory is taken, kernels are chosen.
    # In turns, so that a slow moment of the machine slows all of them.
    rounds = [{k: step_time(head, primary) for k, head in heads.items()} for _ in range(repeats)]
    ours = statistics.median(r["ours"] for r in rounds)
    print(f"{name}: ours {1000 * ours:.1f} ms")
    for other in ("layer", "loop"):
        ratio = statistics.median(r[other] / r["ours"] for r in rounds)
        print(f"  {other}: {ratio:.1f} times as long")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    primary = squash(torch.randn(IMAGES, CAPSULES, LENGTH)).requires_grad_()
    shared = SharedTransform(CLASSES, LENGTH, CLASS_LENGTH, ITERATIONS)
    own = OwnTransforms(CLASSES, CAPSULES, LENGTH, CLASS_LENGTH, ITERATIONS)
    spread = shared.transform.transpose(0, 1).expand(CAPSULES, -1, -1, -1)
    print(
        f"batch {IMAGES}, {CAPSULES} x {LENGTH} primary capsules, {CLASSES} classes, "
        f"{options.threads} thread(s), torch {torch.__version__}"
    )
    heads: dict[str, Head] = {
        "ours": shared,
        "layer": shared_layer(shared.transform),
        "loop": loop(spread),
    }
    compare("shared transform", heads, primary, options.repeats)
    heads = {"ours": own, "layer": own_layer(own.transform), "loop": loop(own.transform)}
    compare("own transforms", heads, primary, options.repeats)


if __name__ == "__main__":
    main()
