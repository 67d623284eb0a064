"""An evaluation in the terminal: complete, and safe with foreign text."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from pneumoscope.evaluation.reports import (
    EvaluationData,
    evaluation_to_text,
    to_evaluation_document,
)
from pneumoscope.findings import NOTICE, About, BundleIdentity, Message
from pneumoscope.metrics import evaluate_predictions

CLASSES = ("ABNORMAL", "NORMAL", "[red]PNEUMONIA")


def show(renderable, *, width: int = 200, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=colour, no_color=not colour).print(renderable)
    return out.getvalue()


def joined(text: str) -> str:
    """Drop the frames and line breaks."""
    return " ".join(text.replace("│", " ").split())


def decisions(label=None):
    """What thresholds and prediction sets give, as `measure_decisions` tells it."""
    rate, undefined = {"value": 0.9, "ci95": [0.8, 0.95]}, {"value": None, "ci95": None}
    point = {"purpose": "rule_out", "class": label, "threshold": None, "images": 45}
    points = [point | {"sensitivity": rate, "specificity": undefined}]
    sets = {"coverage": 0.9, "images": 45, "several": 7, "holding_truth": rate}
    figures = {
        "operating_points": points,
        "zones": {"negative": 20, "indeterminate": 25, "positive": 0},
        "prediction_sets": sets,
    }
    if label is None:
        figures = {"operating_points": [], "zones": None, "prediction_sets": None}
    mine = figures | {"operating_points": [p | {"threshold": 0.25, "images": 15} for p in points]}
    profiles = [
        {"age_group": "adults", "view": view, "images": 15, "chosen_by": {chosen: 15}} | mine
        for view, chosen in (("AP", "age"), (None, "image"))
    ]
    none = {"age_group": "everyone", "view": None, "images": 45, "chosen_by": {"only": 45}}
    return figures | {"profiles": profiles if label else [none | figures]}


def document(**kwargs):
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet(np.ones(3), 45)
    labels = [CLASSES[i % 3] for i in range(45)]
    summary = evaluate_predictions(
        probabilities,
        labels,
        CLASSES,
        positive=kwargs.pop("positive", None),
        abstained=5,
        in_training=kwargs.pop("in_training", 0),
        resamples=20,
    )
    data = EvaluationData(
        folder="set\x1b",
        images=46,
        unreadable=["[b]x.png"],
        has_patients=True,
        patient_column="patient_id",
        where={},
    )
    bundle = BundleIdentity("small", "0.1", "f" * 64)
    overlap = kwargs.pop("overlap", {"identical": [], "near": None})
    kwargs = {"decisions": decisions()} | kwargs
    return to_evaluation_document(
        summary.as_dict(), bundle=bundle, data=data, overlap=overlap, **kwargs
    )


def test_an_evaluation_shows_its_numbers():
    given = document(
        positive=CLASSES[2],
        in_training=7,
        decisions=decisions(CLASSES[2]),
        warnings=(Message("intervals_without_patients", About.DATA),),
    )
    text = joined(show(evaluation_to_text(given)))
    assert NOTICE in text
    for name in ("accuracy", "brier", "auroc", "calibration_slope", "f1"):
        low, high = given[name]["ci95"]
        assert f"{given[name]['value']:.3f} {low:.3f} to {high:.3f}" in text
    for label, row in given["confusion"].items():
        assert f"{label} {' '.join(map(str, row.values()))}" in text
    assert "45 images (45 patients), 5 of them refused by diagnose but scored, and 1 unread" in text
    told = f"rule out {CLASSES[2]} (each profile's own) 45 0.900 (0.800 to 0.950) undefined"
    assert f"all images {told}" in text
    assert f"adults, AP view rule out {CLASSES[2]} (from 0.2500) 15 0.900" in text
    assert f"{CLASSES[2]}: ruled out in 20 images, ruled in in 0, neither in 25." in text
    assert "Prediction sets of several classes: 7 of 45 images." in text
    assert "0.900 (0.800 to 0.950), stated: 0.9." in text
    assert "The age of 15 images is not known" in text
    assert "[b]x.png" in text
    assert "Metrics, positive class [red]PNEUMONIA" in text
    assert r"set\x1b" in text
    assert text.index("Warning: No patient is known") < text.index("Metrics")
    assert "0 identical images, changed copies not known" in text


def test_an_evaluation_shows_its_figures_without_the_training_images():
    seen = {"identical": ["a.png"], "near": ["b.png", "c.png"]}
    rest = {"n": 42, "patients": 42, "brier": {"value": 0.125, "ci95": [0.0625, 0.25]}}
    given = document(overlap=seen, without_overlap=document() | rest)
    text = joined(show(evaluation_to_text(given)))
    assert "1 identical images, 2 that look like changed copies" in text
    assert "Without those in training (n = 42)" in text
    assert "0.125 0.062 to 0.250" in text


def test_an_evaluation_without_extras_is_quiet_about_them():
    text = joined(show(evaluation_to_text(document())))
    for word in ("training data", "Threshold", "Prediction set", "age of", "Warning", "AUROC of"):
        assert word not in text


def test_an_undefined_metric_is_called_undefined():
    given = document()
    given["accuracy"] = {"value": None, "ci95": None}
    assert "Accuracy undefined none" in joined(show(evaluation_to_text(given)))
