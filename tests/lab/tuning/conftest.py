"""Made-up images, a tiny recipe, and a short run that the searches of these tests start from."""

import csv

import numpy as np
import pytest
import yaml
from PIL import Image

CLASSES = ["NORMAL", "ABNORMAL", "PNEUMONIA"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    pytest.importorskip("torch").set_num_threads(1)


def _fill(folder, labels, seed):
    folder.mkdir()
    rows = [(f"{i:02}.png", label, f"p{i}") for i, label in enumerate(labels)]
    rng = np.random.default_rng(seed)
    for file, label, _ in rows:
        grey = rng.integers(0, 200, (64, 64), dtype=np.uint8)
        grey[32:, 32:] += 50 * (label == "PNEUMONIA")
        Image.fromarray(grey).save(folder / file)
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["file", "label", "patient_id"], *rows])


@pytest.fixture(scope="session")
def recipe_path(tmp_path_factory):
    """Two sources beside the recipe, one of them without a class; li_cnn at 32 pixels."""
    folder = tmp_path_factory.mktemp("recipe")
    _fill(folder / "children", ["NORMAL", "PNEUMONIA"] * 10, 0)
    _fill(folder / "adults", CLASSES * 7, 100)
    described = {"population": "made up", "licence": "CC0"}
    contents = {
        "name": "tiny",
        "seed": 7,
        "classes": CLASSES,
        "positive_class": "PNEUMONIA",
        "sources": [
            {"name": "children", "folder": "children", "absent_classes": ["ABNORMAL"]} | described,
            {"name": "adults", "folder": "adults"} | described,
        ],
        "split": {"seed": 3, "train": 0.4, "stop": 0.2, "calibrate": 0.2, "report": 0.2},
        "input": {"size": 32, "clahe_tiles": 2},
        "network": {"name": "li_cnn", "options": {"dropout": 0.1}},
        "training": {"epochs": 1, "batch_size": 4, "samples_per_epoch": 8, "threads": 1},
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(contents))
    return path


@pytest.fixture(scope="session")
def run(tmp_path_factory, recipe_path):
    """A finished run of the recipe."""
    training = pytest.importorskip("pneumoscope.lab.training")
    folder = tmp_path_factory.mktemp("runs") / "run"
    training.train(recipe_path, folder)
    return folder


@pytest.fixture
def ledger(tmp_path):
    """Build a ledger whose objective counts, or is made of, what a mask keeps."""
    tuning = pytest.importorskip("pneumoscope.lab.tuning.ledger")
    from pneumoscope.lab.tuning.journal import Journal

    def build(settings, objective=None, units=20, journal=None, name="journal.jsonl"):
        journal = journal or Journal.start(tmp_path / name, {})
        return tuning.Ledger(objective or (lambda m: 1.0 + m.sum(1)), units, settings, journal)

    return build


@pytest.fixture
def separable():
    """An objective with one known best mask: every unit's own share of the loss adds up."""
    best = np.random.default_rng(9).random(20) < 0.4
    harm = np.linspace(0.5, 1.5, len(best))
    return best, lambda masks: 0.1 + ((masks != best) * harm).sum(axis=1)
