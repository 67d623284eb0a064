"""The whole evaluation: which images count for which metric, and what the user is told."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from scipy.special import logit
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from pneumoscope.errors import DataError
from pneumoscope.metrics import evaluate_predictions

CLASSES = ("ABNORMAL", "NORMAL", "PNEUMONIA")
QUICK = {"resamples": 40}


def made_up(images=240, labels=CLASSES, seed=0):
    """Labels in turn, and probabilities that lean towards the label where it is a class."""
    rng = np.random.default_rng(seed)
    truth = [labels[i % len(labels)] for i in range(images)]
    raw = np.exp(rng.normal(0, 1, (images, 3)))
    raw *= np.where(np.array(truth)[:, None] == np.array(CLASSES), 3.0, 1.0)
    return raw / raw.sum(axis=1, keepdims=True), truth


def value(summary, name):
    return summary.metrics[name].value


def test_three_classes_match_the_oracle():
    probabilities, labels = made_up()
    summary = evaluate_predictions(probabilities, labels, CLASSES, **QUICK)
    predicted = np.array(CLASSES)[probabilities.argmax(axis=1)]
    assert value(summary, "accuracy") == pytest.approx(sk.accuracy_score(labels, predicted))
    assert value(summary, "balanced_accuracy") == pytest.approx(
        sk.balanced_accuracy_score(labels, predicted)
    )
    assert value(summary, "auroc_macro") == pytest.approx(
        sk.roc_auc_score(labels, probabilities, multi_class="ovr")
    )
    assert value(summary, "brier") == pytest.approx(
        sk.brier_score_loss(labels, probabilities, scale_by_half=False)
    )
    matrix = [[summary.confusion[t][p] for p in CLASSES] for t in CLASSES]
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(labels, predicted))
    assert "auroc" not in summary.metrics
    for estimate in summary.metrics.values():
        assert estimate.low <= estimate.value <= estimate.high


def oracle_slope(probability, outcome):
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    return fit.fit(logit(probability)[:, None], outcome).coef_[0, 0]


def test_calibration_is_of_the_top_label_or_of_the_positive_class():
    probabilities, labels = made_up()
    truth = np.array([CLASSES.index(label) for label in labels])
    top = evaluate_predictions(probabilities, labels, CLASSES, **QUICK)
    assert value(top, "calibration_slope") == pytest.approx(
        oracle_slope(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth), rel=1e-4
    )
    one = evaluate_predictions(probabilities, labels, CLASSES, positive="PNEUMONIA", **QUICK)
    assert value(one, "calibration_slope") == pytest.approx(
        oracle_slope(probabilities[:, 2], truth == 2), rel=1e-4
    )


def test_positive_class_metrics_agree_with_the_confusion_matrix():
    probabilities, labels = made_up(300, (*CLASSES, "OTHER"))
    summary = evaluate_predictions(
        probabilities, labels, CLASSES, positive="PNEUMONIA", negatives=["OTHER"], **QUICK
    )
    hits = summary.confusion["PNEUMONIA"]["PNEUMONIA"]
    called = sum(row["PNEUMONIA"] for row in summary.confusion.values())
    positives = sum(summary.confusion["PNEUMONIA"].values())
    negatives = summary.n - positives
    assert value(summary, "sensitivity") == pytest.approx(hits / positives)
    assert value(summary, "specificity") == pytest.approx(1 - (called - hits) / negatives)
    assert value(summary, "f1") == pytest.approx(2 * hits / (called + positives))
    is_positive = np.array(labels) == "PNEUMONIA"
    assert value(summary, "auroc") == pytest.approx(
        sk.roc_auc_score(is_positive, probabilities[:, 2])
    )


def test_a_negative_label_counts_for_all_that_tells_the_positive_class_from_the_rest():
    probabilities, labels = made_up(300, (*CLASSES, "OTHER"))
    known = np.array([label in CLASSES for label in labels])
    kept = [label for label in labels if label in CLASSES]
    options = {"positive": "PNEUMONIA", **QUICK}
    whole = evaluate_predictions(probabilities, labels, CLASSES, negatives=["OTHER"], **options)
    part = evaluate_predictions(probabilities[known], kept, CLASSES, **options)
    assert list(whole.confusion) == [*CLASSES, "OTHER"]
    assert sum(whole.confusion["OTHER"].values()) == 75
    for name in ("sensitivity", "accuracy", "balanced_accuracy", "auroc_macro", "brier"):
        assert value(whole, name) == value(part, name)
    for name in ("auroc", "specificity", "calibration_slope", "calibration_intercept"):
        assert value(whole, name) != pytest.approx(value(part, name), rel=1e-6)


def test_calibration_of_the_positive_class_is_over_the_rows_of_its_auroc():
    """A negative label is the rest, so it may as well be another class of the rest."""
    probabilities, labels = made_up(300, (*CLASSES, "OTHER"))
    renamed = ["NORMAL" if label == "OTHER" else label for label in labels]
    options = {"positive": "PNEUMONIA", "patients": [str(i // 2) for i in range(300)], **QUICK}
    other = evaluate_predictions(probabilities, labels, CLASSES, negatives=["OTHER"], **options)
    same = evaluate_predictions(probabilities, renamed, CLASSES, **options)
    calibration = ("calibration_slope", "calibration_intercept")
    for name in ("auroc", "sensitivity", "specificity", "f1", *calibration):
        assert other.metrics[name] == same.metrics[name]
    assert value(other, "calibration_slope") == pytest.approx(
        oracle_slope(probabilities[:, 2], np.array(labels) == "PNEUMONIA"), rel=1e-4
    )


def test_data_with_some_of_the_classes_are_measured_on_these():
    probabilities, labels = made_up(200, ("NORMAL", "PNEUMONIA"))
    summary = evaluate_predictions(probabilities, labels, CLASSES, **QUICK)
    assert list(summary.confusion) == ["NORMAL", "PNEUMONIA"]
    assert list(summary.confusion["NORMAL"]) == list(CLASSES)
    predicted = probabilities.argmax(axis=1)
    truth = np.array([CLASSES.index(label) for label in labels])
    recalls = [(predicted[truth == c] == c).mean() for c in (1, 2)]
    assert value(summary, "balanced_accuracy") == pytest.approx(np.mean(recalls))
    areas = [sk.roc_auc_score(truth == c, probabilities[:, c]) for c in (1, 2)]
    assert value(summary, "auroc_macro") == pytest.approx(np.mean(areas))


def test_abstentions_are_counted_and_change_no_figure():
    probabilities, labels = made_up()
    plain = evaluate_predictions(probabilities, labels, CLASSES, **QUICK)
    counted = evaluate_predictions(probabilities, labels, CLASSES, abstained=60, **QUICK)
    assert counted.as_dict() == plain.as_dict() | {"abstained": 60}
    assert sum(sum(row.values()) for row in counted.confusion.values()) == counted.n == 240


def test_only_negative_labels_leave_the_class_metrics_undefined():
    probabilities, _ = made_up(30)
    summary = evaluate_predictions(
        probabilities, ["OTHER"] * 30, CLASSES, positive="NORMAL", negatives=["OTHER"], **QUICK
    )
    called = probabilities.argmax(axis=1) == CLASSES.index("NORMAL")
    assert value(summary, "specificity") == pytest.approx(1 - called.mean())
    for name in set(summary.metrics) - {"specificity"}:
        assert value(summary, name) is None
        assert summary.metrics[name].low is None


def test_a_perfect_model_has_no_calibration_slope():
    probabilities = np.eye(3)[np.arange(30) % 3] * 0.7 + 0.1
    labels = [CLASSES[i % 3] for i in range(30)]
    for positive in (None, "PNEUMONIA"):
        summary = evaluate_predictions(probabilities, labels, CLASSES, positive=positive, **QUICK)
        assert value(summary, "accuracy") == 1
        assert summary.as_dict()["calibration_slope"] == {"value": None, "ci95": None}


def test_patients_widen_the_interval():
    probabilities, labels = made_up(60)
    probabilities, labels = np.repeat(probabilities, 6, axis=0), list(np.repeat(labels, 6))
    patients = [str(i // 6) for i in range(360)]
    grouped = evaluate_predictions(probabilities, labels, CLASSES, patients=patients)
    single = evaluate_predictions(probabilities, labels, CLASSES)
    assert (grouped.patients, single.patients) == (60, 360)

    def width(summary):
        return summary.metrics["accuracy"].high - summary.metrics["accuracy"].low

    assert width(grouped) > 1.8 * width(single)


def test_the_summary_is_plain_json():
    probabilities, labels = made_up()
    summary = evaluate_predictions(
        probabilities, labels, CLASSES, positive="PNEUMONIA", in_training=5, **QUICK
    )
    back = json.loads(json.dumps(summary.as_dict(), allow_nan=False))
    assert back == summary.as_dict()
    assert (back["n"], back["in_training"], back["classes"]) == (240, 5, list(CLASSES))
    for name in summary.metrics:
        assert set(back[name]) == {"value", "ci95"}
        assert len(back[name]["ci95"]) == 2


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([], {}, "no image to evaluate"),
        (["OTHER", "OTHER"], {}, r"'OTHER' \(2 images\) is not a class of the model"),
        (["NORMAL"], {"positive": "TB"}, "positive class 'TB' is not a class"),
        (["NORMAL"], {"positive": "NORMAL", "negatives": ["NORMAL"]}, "both the positive class"),
        (["OTHER"], {"negatives": ["OTHER"]}, "need a positive class"),
    ],
)
def test_what_the_user_can_get_wrong_is_one_clear_line(labels, options, message):
    with pytest.raises(DataError, match=message) as caught:
        evaluate_predictions(np.full((len(labels), 3), 1 / 3), labels, CLASSES, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("probabilities", "options"),
    [
        (np.full((2, 2), 0.5), {}),
        (np.full((2, 3), 0.5), {}),
        (np.array([[np.nan, 0.5, 0.5], [0.2, 0.3, 0.5]]), {}),
        (np.array([[1.5, -0.5, 0.0], [0.2, 0.3, 0.5]]), {}),
        (np.full((2, 3), 1 / 3), {"patients": ["a"]}),
    ],
)
def test_what_does_not_fit_together_is_refused(probabilities, options):
    with pytest.raises(ValueError, match=r"shape|probabilities|patients"):
        evaluate_predictions(probabilities, ["NORMAL", "PNEUMONIA"], CLASSES, **options)


def test_a_large_set_takes_seconds():
    probabilities, labels = made_up(6000)
    start = time.process_time()
    evaluate_predictions(probabilities, labels, CLASSES, positive="PNEUMONIA", resamples=1000)
    assert time.process_time() - start < 10
