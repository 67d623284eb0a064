"""Training steps per second: Pneumoscope's way against a plain PyTorch loop in single precision.

    python bench/training.py [--backbone 201] [--size 224] [--steps 6] [--rounds 3]

The same densenet_capsnet, batch, optimiser and loss. Each way runs in a process of its own, in
turns, so that neither profits from the other's memory and both meet the same weather. Run it alone:
a second job on the same cores makes every figure meaningless.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import lightning
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from pneumoscope.lab.networks import create
from pneumoscope.lab.training import keep_freed_memory
from pneumoscope.lab.training.module import ClassifierModule
from pneumoscope.lab.training.recipe import Training
from pneumoscope.lab.training.run import training_precision

BATCH, CLASSES = 16, 3
WARM_UP = 2
WAYS = ("plain", "pneumoscope")


def batches(size: int, steps: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(BATCH * steps, 3, size, size, generator=generator)
    labels = torch.randint(0, CLASSES, (BATCH * steps,), generator=generator)
    no_maps = torch.zeros(len(labels), 0, 1, 1)
    return TensorDataset(images, labels, torch.zeros_like(labels), no_maps)


def plain(backbone: int, size: int, steps: int) -> float:
    """Images per second of the loop that a tutorial would write."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = create(
        "densenet_capsnet", classes=CLASSES, size=size, options={"backbone": backbone}
    ).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    marks = []
    for images, labels, *_ in DataLoader(batches(size, steps + WARM_UP), batch_size=BATCH):
        optimizer.zero_grad()
        logits = network(images.to(device))
        loss = functional.cross_entropy(logits, labels.to(device))
        for kernel in network.penalised_kernels():
            loss = loss + 1e-5 * kernel.abs().sum() + 1e-4 * kernel.square().sum()
        loss.backward()
        optimizer.step()
        loss.item()  # waits for the device
        marks.append(time.perf_counter())
    return rate(marks)


class Marks(lightning.Callback):
    """When each step ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        outputs["loss"].item()
        self.times.append(time.perf_counter())


def pneumoscope(backbone: int, size: int, steps: int) -> float:
    """Images per second as `pneumoscope train` runs them."""
    keep_freed_memory()
    network = create("densenet_capsnet", classes=CLASSES, size=size, options={"backbone": backbone})
    network.to(memory_format=torch.channels_last)
    settings = Training(plateau=None)
    module = ClassifierModule(network, [[True] * CLASSES], settings, steps_per_epoch=steps)
    marks = Marks()
    trainer = lightning.Trainer(
        max_epochs=1,
        precision=training_precision(settings),
        callbacks=[marks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        devices=1,
    )
    trainer.fit(module, DataLoader(batches(size, steps + WARM_UP), batch_size=BATCH))
    return rate(marks.times)


def rate(marks: list[float]) -> float:
    """Images per second from the ends of the steps, those of the warm-up left out."""
    times = [
        after - before for before, after in zip(marks[WARM_UP - 1 :], marks[WARM_UP:], strict=False)
    ]
    return BATCH / statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", type=int, default=201)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        way = plain if given.way == "plain" else pneumoscope
        print(way(given.backbone, given.size, given.steps))
        return
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(given.rounds):
        for way, found in rates.items():
            command = [sys.executable, str(Path(__file__)), "--way", way]
            for name in ("backbone", "size", "steps"):
                command += [f"--{name}", str(getattr(given, name))]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(float(answer.stdout.split()[-1]))
            print(f"round {number + 1}, {way}: {found[-1]:.2f} images/s", flush=True)
    ratios = [ours / theirs for theirs, ours in zip(*rates.values(), strict=True)]
    print(
        f"densenet_capsnet {given.backbone}, {given.size} px, batch {BATCH}, "
        f"{training_precision(Training())}, {torch.get_num_threads()} threads: "
        f"{statistics.median(ratios):.2f} times the plain loop "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
