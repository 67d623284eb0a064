"""Made-up data sets by the names that the studies look for, and experiments that are finished."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


@pytest.fixture(scope="session")
def finish():
    """Leave an experiment's folder as a finished training does, with made-up answers.

    They are right with a chance of `skill`.
    """
    from pneumoscope.lab.datasets import certify, digest
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
        body = {
            "key": digest([recipe, certificate["sha256"]]),
            "classes": list(classes),
            "epochs": [epoch, {name: value / 2 for name, value in epoch.items()}],
            "files": [data.files[i] for i in report],
            "patients": [data.patient_keys[i] for i in report],
            "labels": labels,
            "probabilities": answers.tolist(),
            "certificate": certificate["sha256"],
            "leaks": certificate["folds"][0]["leaks"],
        }
        (context.work / name).mkdir(parents=True)
        (context.work / name / RESULT).write_text(json.dumps(body))

    return leave
