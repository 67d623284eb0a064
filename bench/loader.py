"""Time the data's way to the trainer: decoding, the cache, the loader, and the wait of a training.

    python bench/loader.py FOLDER [--steps N]

FOLDER is a labelled one (labels.csv or class folders) with at least two classes. Images are cached
in a temporary folder. Run it alone: a second job on the same cores makes every figure meaningless.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from pneumoscope.evaluation import Manifest, read_manifest
from pneumoscope.findings import InputSpec
from pneumoscope.inference import available_cores
from pneumoscope.lab.datasets import (
    Augmentation,
    Collection,
    EpochSampler,
    PrefetchingLoader,
    RadiographDataset,
    collect,
)
from pneumoscope.lab.training import train

# Network, its options, size, batch.
TRAININGS = (
    ("densenet_capsnet", {"backbone": 121}, 224, 16),
    ("li_cnn", {}, 256, 32),
)
LOADED = 2048  # images per measurement of the loader


def start(manifest: Manifest, size: int) -> Collection:
    """Time a cold and a warm start."""
    for name in ("cold", "warm"):
        began = time.perf_counter()
        collection = collect([("bench", manifest.images)], manifest.labels, size)
        print(f"  {name} start, {len(collection)} images: {time.perf_counter() - began:.2f} s")
    return collection


def load(collection: Collection, size: int, batch: int) -> None:
    """Time the loader alone, on one core."""
    order = np.arange(len(collection))
    for name, augmentation in (("plain", None), ("augmented", Augmentation())):
        dataset = RadiographDataset(collection, order, InputSpec(size, 2.0, 8, 3), augmentation)
        sampler = EpochSampler(collection.sources, 0, samples=LOADED)
        loader = PrefetchingLoader(dataset, batch, sampler=sampler, threads=1)
        began, busy = time.perf_counter(), time.process_time()
        for _ in loader:
            pass
        elapsed, busy = time.perf_counter() - began, time.process_time() - busy
        print(
            f"  loader alone, {name}: {LOADED / elapsed:.0f} images per second with one thread, "
            f"{LOADED / busy:.0f} per second of a core"
        )


def wait(folder: Path, manifest: Manifest, place: Path, case: tuple, steps: int) -> None:
    """Train a few steps as `pneumoscope train` does, and read what it says of its waiting."""
    name, options, size, batch = case
    recipe = {
        "name": "bench",
        "classes": list(manifest.labels),
        "positive_class": manifest.labels[-1],
        "sources": [
            {"name": "bench", "folder": str(folder), "population": "any", "licence": "any"}
        ],
        "split": {"train": 0.94, "stop": 0.02, "calibrate": 0.02, "report": 0.02},
        "input": {"size": size},
        "network": {"name": name, "options": options},
        "training": {"epochs": 2, "batch_size": batch, "samples_per_epoch": steps * batch},
    }
    path = place / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    train(path, place / name)
    with (place / name / "metrics.csv").open(newline="") as stream:
        shares = [row["data_wait_share"] for row in csv.DictReader(stream)]
    told = ", ".join(f"{float(share):.2%}" for share in shares if share)
    print(f"  {name} {options or ''}, batches of {batch}, {steps} steps per epoch: waited {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    folder = options.folder.absolute()
    manifest = read_manifest(folder)
    print(f"{platform.machine()}, {available_cores()} cores, torch on {torch.get_num_threads()}")
    with tempfile.TemporaryDirectory() as place:
        os.environ["PNEUMOSCOPE_CACHE"] = place
        for case in TRAININGS:
            _, _, size, batch = case
            print(f"{size} pixels:")
            load(start(manifest, size), size, batch)
            wait(folder, manifest, Path(place), case, options.steps)


if __name__ == "__main__":
    main()
