"""Made-up data sets by the names that the studies look for, and experiments that are finished."""

import csv
import importlib
import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pneumoscope.imaging import read_radiograph
from pneumoscope.synthetic import draw_phantom, write_png

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def study_data(tmp_path_factory) -> Path:
    """`guangzhou`, 24 patients with 3 images each, and `rsna`, 10 patients of each class."""
    folder = tmp_path_factory.mktemp("data")
    children = [
        (f"{i}.png", label, f"c{i // 3}", "" if label == "NORMAL" else "virus")
        for i in range(72)
        for label in [("NORMAL", "PNEUMONIA")[i // 3 % 2]]
    ]
    adults = [(f"{i}.png", CLASSES[i % 3], f"a{i}", "PA") for i in range(30)]
    for name, column, rows in (("guangzhou", "etiology", children), ("rsna", "view", adults)):
        (folder / name).mkdir()
        rng = np.random.default_rng(len(rows))
        for file, label, *_ in rows:
            # Noise is enough: a phantom takes longer to draw than to train on.
            brightness = 100 + 30 * CLASSES.index(label)
            pixels = rng.normal(brightness, 25, (64, 64)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / file)
        with (folder / name / "labels.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([("file", "label", "patient_id", column), *rows])
    return folder


@pytest.fixture
def authors_data(tmp_path) -> Path:
    """`baral2025`, 60 images, of each class 16 to train and 4 to test, and one of these a copy."""
    folder = tmp_path / "sets" / "baral2025"
    rng, rows = np.random.default_rng(60), []
    for part, label in product(("train", "test"), CLASSES):
        (folder / "images" / part / label).mkdir(parents=True)
        for number in range(16 if part == "train" else 4):
            file = f"images/{part}/{label}/{number}.png"
            pixels = rng.integers(0, 256, (64, 64)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / file)
            rows.append([file, label, part])
    first = folder / "images" / "train" / "NORMAL" / "0.png"
    (folder / "images" / "test" / "NORMAL" / "0.png").write_bytes(first.read_bytes())
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["file", "label", "official_split"], *rows])
    return folder.parent


@pytest.fixture(scope="session")
def finish():
    """Leave an experiment's folder as a finished training does, with made-up answers.

    They are right with a chance of `skill`.
    """
    from pneumoscope.lab.datasets import PARTS, certify, digest
    from pneumoscope.lab.studies.experiment import RESULT

    def leave(context, name, recipe, split, data, *, skill=0.8, seed=0):
        rng = np.random.default_rng(seed)
        report = split.folds[0].indices("report")
        labels = [data.strata[i].rpartition(" ")[2] for i in report]
        classes = recipe["classes"]
        answers = rng.dirichlet(np.ones(len(classes)), size=len(report))
        for row, label in zip(answers, labels, strict=True):
            if rng.random() < skill:
                top, own = int(row.argmax()), classes.index(label)
                row[[top, own]] = row[[own, top]]
        certificate = certify(split, data)
        epoch = {"stop_loss": 0.5, "stop_accuracy": 0.8, "train_loss": 0.4, "train_accuracy": 0.9}
        epoch["learning_rate"] = 0.001
        body = {
            "key": digest([recipe, certificate["sha256"]]),
            "classes": list(classes),
            "epochs": [epoch, {name: value / 2 for name, value in epoch.items()}],
            "files": [data.files[i] for i in report],
            "patients": [data.patient_keys[i] for i in report],
            "labels": labels,
            "images": {part: len(split.folds[0].indices(part)) for part in PARTS},
            "probabilities": answers.tolist(),
            "certificate": certificate["sha256"],
            "leaks": certificate["folds"][0]["leaks"],
            "made_with": {"commit": "0123456789ab"},
        }
        (context.work / name).mkdir(parents=True)
        (context.work / name / RESULT).write_text(json.dumps(body))

    return leave


def _fill(folder: Path, labels: list[str], seed: int) -> None:
    """One phantom without and one with an opacity, each image with noise of its own."""
    folder.mkdir()
    drawn = [draw_phantom(seed, size=128, opacity=opacity) for opacity in (False, True)]
    for name, phantom in zip(("plain.png", "opacity.png"), drawn, strict=True):
        write_png(phantom, folder / name)
    plain, opacity = (read_radiograph(folder / n).pixels for n in ("plain.png", "opacity.png"))
    rng = np.random.default_rng(seed)
    for index, label in enumerate(labels):
        pixels = opacity if label == "PNEUMONIA" else plain
        _save(pixels + rng.normal(0, 0.05, pixels.shape), folder / f"{index:02}.png")
    _write_labels(folder, labels)


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)).save(path)


def _write_labels(folder: Path, labels: list[str]) -> None:
    rows = [
        [f"{i:02}.png", label, f"p{i}", ("AP", "PA")[i % 4 // 2], f"id{i}"]
        for i, label in enumerate(labels)
    ]
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["file", "label", "patient_id", "view", "rsna_id"], *rows])


def _mask(source: Path, folder: Path, labels: list[str]) -> None:
    """Blacken all but two discs where the lungs would be."""
    folder.mkdir()
    rows, columns = np.mgrid[:128, :128]
    lungs = sum((columns - x) ** 2 + (rows - 60) ** 2 < 22**2 for x in (40, 88)) > 0
    for index in range(len(labels)):
        pixels = read_radiograph(source / f"{index:02}.png").pixels
        _save(np.where(lungs, np.maximum(pixels, 0.3), 0), folder / f"{index:02}.png")
    _write_labels(folder, labels)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory) -> Path:
    """`guangzhou` (24 images, two labels), `rsna` (24, three labels) and `rsna-lungs`."""
    folder = tmp_path_factory.mktemp("data")
    _fill(folder / "guangzhou", ["NORMAL", "PNEUMONIA"] * 12, seed=0)
    adults = ["NORMAL", "ABNORMAL", "PNEUMONIA"] * 8
    _fill(folder / "rsna", adults, seed=100)
    _mask(folder / "rsna", folder / "rsna-lungs", adults)
    return folder


@pytest.fixture
def made_up_study(tmp_path, monkeypatch) -> SimpleNamespace:
    """A study in a file of its own, which counts its runs; `runs` and the file's `name`."""
    package = importlib.import_module("pneumoscope.lab.studies")
    place = tmp_path / "more-studies"
    place.mkdir()
    (place / "made_up.py").write_text(
        "from pneumoscope.lab.studies.study import Study\n"
        "RUNS = []\n"
        "def _run(context, page):\n"
        "    RUNS.append(context)\n"
        "    context.commits.update({'of-two', 'of-one'})\n"
        "    page.text(f'Measured on {context.data.name}.')\n"
        "    page.published_text('The paper says 0.4321.')\n"
        "STUDY = Study('made-up', 'Made up', 'nothing', 'nothing', _run, ('made-up-set',))\n"
    )
    (tmp_path / "made-up-set").mkdir()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(place)])
    module = importlib.import_module("pneumoscope.lab.studies.made_up")
    yield SimpleNamespace(name="made-up", runs=module.RUNS)
    monkeypatch.delitem(importlib.import_module("sys").modules, module.__name__)
