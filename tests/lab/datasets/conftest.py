"""Torch on one core, and a small collection of made-up radiographs."""

import csv
from pathlib import Path

import pytest

from pneumoscope.evaluation import read_manifest
from pneumoscope.synthetic import make_phantoms

SIZE = 64


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def phantom_folders(tmp_path_factory) -> tuple[Path, Path]:
    """Two folders of six images; the second has a `view` column and three classes."""
    folders = tuple(tmp_path_factory.mktemp(name) for name in ("children", "adults"))
    for number, folder in enumerate(folders):
        paths = make_phantoms(folder, 6, dicom=False, seed=10 * number)
        if number == 1:
            with (folder / "labels.csv").open("w", newline="") as stream:
                rows = csv.writer(stream)
                rows.writerow(["file", "label", "patient_id", "view"])
                for index, path in enumerate(paths):
                    label = ("NORMAL", "ABNORMAL", "PNEUMONIA")[index % 3]
                    rows.writerow([path.name, label, f"p{index // 2}", "AP" if index < 3 else "PA"])
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
