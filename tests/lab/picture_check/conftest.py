"""Made-up folders under the names of the real ones, and what training keeps of phantoms."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pneumoscope.synthetic import Phantom, draw_ct_slice, draw_phantom

COUNT = 20


def fill(folder: Path, images: Iterable[np.ndarray], label: str, **more: str) -> None:
    """Write images and their labels, each of a patient of its own."""
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label", "patient_id", *more])
        for number, pixels in enumerate(images):
            grey = np.rint(np.asarray(pixels) * 255).astype(np.uint8)
            assert cv2.imwrite(str(folder / f"{number}.png"), grey)
            writer.writerow([f"{number}.png", label, f"{folder.name} {number}", *more.values()])


@pytest.fixture(scope="session")
def phantoms() -> list[Phantom]:
    return [draw_phantom(seed, size=128, opacity=seed % 2 == 1) for seed in range(8)]


@pytest.fixture(scope="session")
def check_data(tmp_path_factory: pytest.TempPathFactory, phantoms: list[Phantom]) -> Path:
    data = tmp_path_factory.mktemp("data")
    for place, source in enumerate(
        ("guangzhou", "rsna", "rsna-normals", "nih-graded", "nih-weak", "lungs-tb", "cohen-opacity")
    ):
        images = [phantoms[(place + number) % len(phantoms)].pixels for number in range(COUNT)]
        fill(data / source, images, "NORMAL", view="PA")
    noise = np.random.default_rng(0).random((COUNT, 64, 64), np.float32)
    noise[0] = 0.5  # of one grey: cannot be read
    fill(data / "not-chest", noise, "KNEE", source="made up")
    slices = (draw_ct_slice(seed, size=128) for seed in range(COUNT))
    fill(data / "covid-ct", slices, "COVID", paper_id="some paper")
    return data
