"""All figures together: which classes, plain JSON, agreement with the metrics, time."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from pneumoscope.errors import DataError
from pneumoscope.metrics import evaluate_figures, evaluate_predictions

CLASSES = ("A", "B", "C")


def made_up(images=240, labels=CLASSES):
    rng = np.random.default_rng(6)
    truth = [labels[i % len(labels)] for i in range(images)]
    raw = np.exp(rng.normal(0, 1, (images, 3)))
    raw *= np.where(np.array(truth)[:, None] == np.array(CLASSES), 3.0, 1.0)
    return raw / raw.sum(axis=1, keepdims=True), truth, [str(i // 2) for i in range(images)]


CURVES = ("o_e", "reliability", "roc", "precision_recall", "decision_curve")


def test_curves_are_of_the_positive_class_or_of_every_class_of_the_data():
    probabilities, labels, patients = made_up(labels=("A", "C"))
    quick = {"patients": patients, "resamples": 20}
    every = evaluate_figures(probabilities, labels, CLASSES, **quick).as_dict()
    one = evaluate_figures(probabilities, labels, CLASSES, positive="C", **quick).as_dict()
    for name in CURVES:
        assert list(every[name]) == ["A", "C"]
        assert one[name] == {"C": every[name]["C"]}
    assert list(every["per_class"]["classes"]) == list(CLASSES)
    assert every["subgroups"] == {}


def test_the_figures_agree_with_the_metrics_on_the_same_resamples():
    probabilities, labels, patients = made_up(labels=(*CLASSES, "OTHER"))
    options = {"patients": patients, "positive": "B", "negatives": ["OTHER"], "resamples": 100}
    figures = evaluate_figures(probabilities, labels, CLASSES, **options).as_dict()
    metrics = evaluate_predictions(probabilities, labels, CLASSES, **options).as_dict()
    assert figures["roc"]["B"]["auroc"] == metrics["auroc"]
    assert figures["precision_recall"]["B"]["auprc"] == metrics["auprc"]
    averages = figures["per_class"]["averages"]
    assert averages["micro"]["recall"]["value"] == pytest.approx(metrics["accuracy"]["value"])
    assert averages["macro"]["recall"]["ci95"] == pytest.approx(
        metrics["balanced_accuracy"]["ci95"]
    )


@pytest.mark.parametrize("images", [1, 2, 6, 240])
@pytest.mark.parametrize("positive", [None, "A"])
def test_the_figures_are_plain_json_however_few_the_images(images, positive):
    probabilities, labels, patients = made_up(images)
    figures = evaluate_figures(
        probabilities,
        labels,
        CLASSES,
        patients=patients,
        positive=positive,
        groups={"view": ["AP"] * images},
        resamples=20,
    ).as_dict()
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert figures["subgroups"]["view"][0]["n"] == images


def test_a_positive_class_without_images_has_no_roc_but_a_calibration():
    probabilities, labels, patients = made_up(labels=("A", "C"))
    figures = evaluate_figures(
        probabilities, labels, CLASSES, patients=patients, positive="B", resamples=5
    ).as_dict()
    assert figures["roc"] == figures["precision_recall"] == {"B": None}
    assert figures["o_e"]["B"]["value"] == 0


def test_curves_have_at_most_200_points():
    probabilities, labels, patients = made_up(3000)
    figures = evaluate_figures(
        probabilities, labels, CLASSES, patients=patients, positive="A", resamples=2
    ).as_dict()
    for name, axis in (("roc", "tpr"), ("precision_recall", "precision")):
        assert 100 < len(figures[name]["A"][axis]) <= 200


def test_what_cannot_be_compared_is_refused_as_by_the_metrics():
    probabilities, labels, patients = made_up(30)
    with pytest.raises(DataError, match="'X' is not a class"):
        evaluate_figures(probabilities, labels, CLASSES, patients=patients, positive="X")
    with pytest.raises(ValueError, match="probabilities"):
        evaluate_figures(probabilities * 2, labels, CLASSES, patients=patients)


def test_a_large_set_takes_seconds():
    probabilities, labels, patients = made_up(6000)
    start = time.process_time()
    evaluate_figures(probabilities, labels, CLASSES, patients=patients)
    assert time.process_time() - start < 10
