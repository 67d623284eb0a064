"""Rates per class and their averages against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from pneumoscope.metrics import balanced_accuracy, class_rates, confusion_counts, rates_of_confusion

CLASSES = ("A", "B", "C")


@pytest.fixture
def answers():
    rng = np.random.default_rng(8)
    true = rng.choice(3, 300, p=[0.2, 0.3, 0.5])
    predicted = np.where(rng.random(300) < 0.7, true, rng.integers(3, size=300))
    return true, predicted, rng.poisson(1.0, (5, 300)).astype(float)


def test_confusion_counts_match_the_oracle(answers):
    true, predicted, weights = answers
    ours = confusion_counts(true, predicted, 3, weights)
    for matrix, w in zip(ours, weights, strict=True):
        np.testing.assert_allclose(matrix, sk.confusion_matrix(true, predicted, sample_weight=w))


def test_rates_and_averages_match_the_oracle(answers):
    true, predicted, weights = answers
    counts = confusion_counts(true, predicted, 3, weights)
    rates = rates_of_confusion(counts, np.ones(3, bool))
    for row, w in zip(rates, weights, strict=True):
        each = sk.precision_recall_fscore_support(true, predicted, sample_weight=w)
        np.testing.assert_allclose(row[:3, :3], np.stack(each[:3], axis=1))
        for index, average in enumerate(("micro", "macro", "weighted"), start=3):
            expected = sk.precision_recall_fscore_support(
                true, predicted, average=average, sample_weight=w
            )
            np.testing.assert_allclose(row[index, :3], expected[:3])
        for label in range(3):
            expected = sk.recall_score(true != label, predicted != label, sample_weight=w)
            assert row[label, 3] == pytest.approx(expected)
        assert row[4, 3] == pytest.approx(row[:3, 3].mean())
        pooled = [np.concatenate([side != c for c in range(3)]) for side in (true, predicted)]
        expected = sk.recall_score(*pooled, sample_weight=np.tile(w, 3))
        assert row[3, 3] == pytest.approx(expected)


def test_micro_is_the_accuracy_and_macro_recall_the_balanced_accuracy(answers):
    true, predicted, _ = answers
    rates = {item.name: item for item in class_rates(true, predicted, CLASSES, list("ab") * 150)}
    accuracy = (true == predicted).mean()
    for name in ("precision", "recall", "f1"):
        assert getattr(rates["micro"], name).value == pytest.approx(accuracy)
    assert rates["macro"].recall.value == pytest.approx(float(balanced_accuracy(true, predicted)))
    assert rates["B"].images == (true == 1).sum()
    assert rates["macro"].images == 300


def test_a_class_that_does_not_occur_has_no_recall_and_no_part_in_the_averages():
    true, predicted = np.array([0, 0, 1, 1, -1]), np.array([0, 1, 1, 1, 2])
    people = [str(i) for i in range(5)]
    rates = {r.name: r for r in class_rates(true, predicted, CLASSES, people, 50)}
    assert rates["C"].as_dict()["recall"] == {"value": None, "ci95": None}
    assert rates["C"].specificity.value == 1  # the image that is of no class does not count
    assert rates["macro"].recall.value == 0.75
    assert rates["micro"].images == 4


def test_a_class_that_is_never_answered_has_no_precision_but_an_f1_of_0():
    true, predicted = np.array([0, 1, 1]), np.array([1, 1, 1])
    rates = {r.name: r for r in class_rates(true, predicted, CLASSES[:2], ["x", "y", "z"], 50)}
    assert rates["A"].precision.value is None
    assert rates["macro"].precision.value is None
    assert rates["A"].f1.value == 0
    assert rates["weighted"].f1.value == pytest.approx(
        sk.f1_score(true, predicted, average="weighted")
    )


def test_only_images_of_no_class_leave_everything_undefined():
    rates = class_rates(np.array([-1, -1]), np.array([0, 1]), CLASSES, ["x", "y"], 10)
    for item in rates:
        assert {part["value"] for part in list(item.as_dict().values())[1:]} == {None}
