"""Torch on one core, and a small collection of made-up radiographs."""

import csv
from pathlib import Path

import pytest

from pneumoscope.evaluation import read_manifest
from pneumoscope.synthetic import draw_phantom, write_png

SIZE = 64


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def phantom_folders(tmp_path_factory) -> tuple[Path, Path]:
    """Two folders of six images; the second has a `view` column and three classes."""
    folders = tuple(tmp_path_factory.mktemp(name) for name in ("children", "adults"))
    for number, folder in enumerate(folders):
        header, rows = ["file", "label", "patient_id", "view"], []
        for index in range(6):
            phantom = draw_phantom(10 * number + index, size=128, opacity=index % 3 == 2)
            write_png(phantom, folder / f"{number}-{index}.png")
            label = ("NORMAL", "ABNORMAL", "PNEUMONIA")[index % 3 if number else index % 3 // 2 * 2]
            view = "AP" if index < 3 else "PA"
            rows.append([f"{number}-{index}.png", label, f"p{index // 2}", view])
        with (folder / "labels.csv").open("w", newline="") as stream:
            columns = 4 if number else 3
            csv.writer(stream).writerows(row[:columns] for row in [header, *rows])
    return folders


@pytest.fixture(scope="session")
def manifests(phantom_folders):
    names = ("children", "adults")
    return [(name, read_manifest(f).images) for name, f in zip(names, phantom_folders, strict=True)]


@pytest.fixture(scope="session")
def collection(manifests):
    pytest.importorskip("torch")
    from pneumoscope.lab.datasets import collect

    return collect(manifests, ("NORMAL", "ABNORMAL", "PNEUMONIA"), SIZE)
