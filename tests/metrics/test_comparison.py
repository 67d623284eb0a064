"""Two models on the same images: the differences, their intervals, and what is undefined."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.errors import DataError
from pneumoscope.metrics import (
    NO_TEST,
    bootstrap,
    brier,
    compare_predictions,
    delong,
    evaluate_predictions,
    mcnemar,
)

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
ALWAYS = ["accuracy", "balanced_accuracy", "auroc_macro", "brier"]


def made_up(seed, images, labels=CLASSES):
    """Two models that both know something of the truth, three images per patient."""
    rng = np.random.default_rng(seed)
    true = [labels[i % len(labels)] for i in range(images)]
    known = 2 * (np.array(true)[:, None] == np.array(CLASSES))
    raw = np.exp(known + rng.normal(size=(2, images, 3)))
    a, b = raw / raw.sum(axis=2, keepdims=True)
    return a, b, true, [f"p{i // 3}" for i in range(images)]


@pytest.mark.parametrize("positive", [None, "PNEUMONIA"])
def test_values_are_those_of_each_evaluation(positive):
    a, b, labels, patients = made_up(0, 120)
    options = {"patients": patients, "positive": positive, "resamples": 20}
    found = compare_predictions(a, b, labels, CLASSES, **options)
    alone = [evaluate_predictions(each, labels, CLASSES, **options).metrics for each in (a, b)]
    more = ["auroc", "auprc", "sensitivity", "specificity", "f1"] if positive else []
    assert list(found.differences) == ALWAYS + more
    for name, item in found.differences.items():
        assert (item.a, item.b) == (alone[0][name].value, alone[1][name].value)
        assert item.estimate.value == pytest.approx(item.a - item.b)
    assert (found.n, found.patients) == (120, 40)


def test_both_models_are_under_the_same_draws():
    """What both have in common cancels: the paired interval is far below the single ones."""
    a, b, labels, patients = made_up(1, 300)
    b = 0.98 * a + 0.02 * b
    found = compare_predictions(a, b, labels, CLASSES, patients=patients).differences["brier"]
    alone = evaluate_predictions(a, labels, CLASSES, patients=patients).metrics["brier"]
    assert found.estimate.high - found.estimate.low < 0.2 * (alone.high - alone.low)
    true = np.array([CLASSES.index(label) for label in labels])
    own = bootstrap({"d": lambda w: brier(a, true, w) - brier(b, true, w)}, patients)["d"]
    assert (own.low, own.high) == (found.estimate.low, found.estimate.high)


def test_the_interval_covers_no_difference_as_often_as_it_says():
    covered = 0
    for seed in range(150):
        a, b, labels, patients = made_up(seed, 180)
        estimate = (
            compare_predictions(a, b, labels, CLASSES, patients=patients, resamples=200)
            .differences["accuracy"]
            .estimate
        )
        covered += estimate.low <= 0 <= estimate.high
    assert 0.88 <= covered / 150 <= 0.99


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 30), st.sampled_from([None, "PNEUMONIA"]))
def test_exchanging_the_models_turns_every_sign(seed, images, positive):
    a, b, labels, patients = made_up(seed, images)
    options = {"patients": patients, "positive": positive, "resamples": 50}
    one = compare_predictions(a, b, labels, CLASSES, **options)
    other = compare_predictions(b, a, labels, CLASSES, **options)
    for name, item in one.differences.items():
        turned = other.differences[name]
        assert (item.a, item.b) == (turned.b, turned.a)
        if item.estimate.value is not None:
            assert item.estimate.value == -turned.estimate.value
        if item.estimate.low is not None:
            assert item.estimate.low == pytest.approx(-turned.estimate.high, abs=1e-12)
            assert item.estimate.high == pytest.approx(-turned.estimate.low, abs=1e-12)
    for test in ("delong", "mcnemar", "as_published"):
        mine, theirs = getattr(one, test), getattr(other, test)
        assert (mine is None) == (theirs is None)
        assert mine is None or mine.p_value == theirs.p_value


def test_a_model_does_not_differ_from_itself():
    a, _, labels, patients = made_up(2, 60)
    for owners in (patients, None):
        found = compare_predictions(a, a, labels, CLASSES, patients=owners, positive="PNEUMONIA")
        for item in found.differences.values():
            assert (item.estimate.value, item.estimate.low, item.estimate.high) == (0, 0, 0)
        assert found.delong.p_value == found.mcnemar.p_value == 1
        assert found.as_published.p_value is None


@pytest.mark.parametrize("images", [1, 3])
def test_the_tests_are_of_the_positive_class_and_of_the_right_answers(images):
    a, b, labels, _ = made_up(3, 90)
    patients = [str(i // images) for i in range(90)]
    found = compare_predictions(a, b, labels, CLASSES, patients=patients, positive="ABNORMAL")
    true = np.array([CLASSES.index(label) for label in labels])
    assert found.delong == delong(a[:, 1], b[:, 1], true == 1, patients)
    assert found.mcnemar == mcnemar(a.argmax(1) == true, b.argmax(1) == true, patients)
    assert found.delong.clustered == found.mcnemar.clustered == (images > 1)
    share = (found.mcnemar.only_a - found.mcnemar.only_b) / 90
    assert found.differences["accuracy"].estimate.value == pytest.approx(share)
    assert compare_predictions(a, b, labels, CLASSES).delong is None


def test_negative_labels_are_the_rest_and_in_no_accuracy():
    a, b, labels, patients = made_up(4, 90, ("NORMAL", "COVID", "PNEUMONIA"))
    found = compare_predictions(
        a, b, labels, CLASSES, patients=patients, positive="PNEUMONIA", negatives=["COVID"]
    )
    kept = [i for i, label in enumerate(labels) if label != "COVID"]
    within = compare_predictions(
        a[kept], b[kept], [labels[i] for i in kept], CLASSES, patients=[patients[i] for i in kept]
    )
    assert found.mcnemar == within.mcnemar
    assert found.as_published == within.as_published
    assert found.differences["brier"].a == within.differences["brier"].a
    ill = np.array(labels) == "PNEUMONIA"
    assert found.delong == delong(a[:, 2], b[:, 2], ill, patients)


def test_what_is_undefined_is_none():
    a, b, labels, patients = made_up(5, 12, ("PNEUMONIA",))
    found = compare_predictions(a, b, labels, CLASSES, patients=patients, positive="PNEUMONIA")
    assert found.delong is None
    for name in ("auroc", "auroc_macro", "specificity"):
        assert found.differences[name].as_dict() == dict.fromkeys(("a", "b", "value", "ci95"))
    assert found.differences["sensitivity"].estimate.value is not None
    only_negatives = compare_predictions(
        a, b, ["COVID"] * 12, CLASSES, positive="PNEUMONIA", negatives=["COVID"]
    )
    assert only_negatives.mcnemar is only_negatives.as_published is None
    assert only_negatives.differences["accuracy"].estimate.value is None


def test_as_dict_is_json_and_says_what_the_published_test_is():
    a, b, labels, patients = made_up(6, 30)
    document = compare_predictions(a, b, labels, CLASSES, patients=patients).as_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["tests"]["as_published"]["caution"] == NO_TEST
    assert document["tests"]["as_published"]["resamples"] == 5


def test_bad_input_is_refused():
    a, b, labels, patients = made_up(7, 9)
    with pytest.raises(DataError, match="COVID"):
        compare_predictions(a, b, ["COVID"] * 9, CLASSES)
    with pytest.raises(ValueError, match="8 patients"):
        compare_predictions(a, b, labels, CLASSES, patients=patients[:8])
    with pytest.raises(ValueError, match="does not sum to 1"):
        compare_predictions(a, b * 0.5, labels, CLASSES)
    with pytest.raises(ValueError, match="shape"):
        compare_predictions(a, b[:8], labels, CLASSES)
