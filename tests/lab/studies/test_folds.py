"""The figures of a fold, against scikit-learn's."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

pytest.importorskip("torch")

from pneumoscope.lab.datasets import Fold, Split
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.folds import (
    AVERAGES,
    corrected_interval,
    fold_figures,
    one_by_one,
    signed,
    spread,
)
from pneumoscope.metrics import Estimate

pytestmark = pytest.mark.lab

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


@pytest.fixture
def result():
    rng = np.random.default_rng(3)
    truth = rng.integers(3, size=200)
    answers = rng.dirichlet(np.ones(3), size=200)
    return Result(
        classes=CLASSES,
        epochs=(),
        files=tuple(map(str, range(200))),
        patients=tuple(map(str, range(200))),
        labels=tuple(CLASSES[t] for t in truth),
        probabilities=answers,
        certificate="",
        leaks=(),
    )


def test_figures_are_scikit_learns(result):
    figures = fold_figures(result)
    truth, answers = result.truth, result.probabilities
    predicted = answers.argmax(axis=1)
    each = np.column_stack(precision_recall_fscore_support(truth, predicted)[:3])
    np.testing.assert_allclose(figures.rates[:3, :3], each)
    for row, average in enumerate(AVERAGES):
        expected = precision_recall_fscore_support(truth, predicted, average=average)[:3]
        np.testing.assert_allclose(figures.rates[3 + row, :3], expected)
    assert figures.loss == pytest.approx(log_loss(truth, answers))
    areas = [roc_auc_score(truth == c, answers[:, c]) for c in range(3)]
    np.testing.assert_allclose(figures.auroc, areas)


def test_what_is_the_accuracy_by_definition_is_the_accuracy(result):
    """What the published figures of Baral 2025 break."""
    figures = fold_figures(result)
    micro, weighted = figures.rates[3], figures.rates[5]
    assert [*micro[:3], weighted[1]] == pytest.approx([figures.accuracy] * 4)


def test_a_class_that_does_not_occur_is_null_in_json(result):
    rows = [i for i, label in enumerate(result.labels) if label != "ABNORMAL"]
    part = Result(
        classes=CLASSES,
        epochs=(),
        files=(),
        patients=(),
        labels=tuple(result.labels[i] for i in rows),
        probabilities=result.probabilities[rows],
        certificate="",
        leaks=(),
    )
    values = fold_figures(part).as_dict()
    assert values["auroc"]["ABNORMAL"] is None
    assert values["rates"]["ABNORMAL"]["recall"] is None
    assert values["rates"]["macro"]["recall"] is not None


def test_folds_come_one_by_one():
    folds = tuple(Fold({"train": np.array([i])}) for i in range(3))
    singles = one_by_one(Split("kfold", "image", 1, folds))
    assert [split.folds for split in singles] == [(fold,) for fold in folds]
    assert {(split.scheme, split.by, split.seed) for split in singles} == {("kfold", "image", 1)}


def test_wording():
    assert spread([0.5, 0.7]) == "0.6000 ± 0.1414"
    assert spread([0.5]) == "0.5000"
    assert spread([0.5, float("nan")]) == "-"
    assert signed(Estimate(None)) == "-"
    assert signed(Estimate(0.01)) == "+0.0100"
    assert signed(Estimate(0.01, -0.02, 0.03)) == "+0.0100 (-0.0200 to +0.0300)"


DIFFERENCES = [0.01, 0.03, -0.01, 0.02, 0.015]


def test_a_rounded_nothing_has_no_sign():
    assert spread([-1e-9, -1e-9]) == "0.0000 ± 0.0000"
    assert signed(Estimate(-1e-9, -0.5, -1e-9)) == "+0.0000 (-0.5000 to +0.0000)"


def test_without_overlap_it_is_the_usual_interval():
    usual = ttest_1samp(DIFFERENCES, 0).confidence_interval()
    estimate = corrected_interval(DIFFERENCES, 0.0)
    assert (estimate.low, estimate.high) == pytest.approx((usual.low, usual.high))


def test_overlap_widens_it_as_nadeau_and_bengio_say():
    usual, corrected = (corrected_interval(DIFFERENCES, ratio) for ratio in (0.0, 0.25))
    assert corrected.value == usual.value == pytest.approx(np.mean(DIFFERENCES))
    widening = (corrected.high - corrected.low) / (usual.high - usual.low)
    assert widening**2 == pytest.approx((1 / 5 + 0.25) / (1 / 5))


def test_one_repeat_has_no_interval():
    assert corrected_interval([0.1], 0.25).low is None
