"""All metrics of one model on one labelled data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pneumoscope.errors import DataError
from pneumoscope.evaluation.bootstrap import Estimate, bootstrap
from pneumoscope.evaluation.calibration import calibration_intercept, calibration_slope
from pneumoscope.evaluation.metrics import (
    BoolArray,
    FloatArray,
    IntArray,
    accuracy,
    auroc,
    auroc_macro,
    balanced_accuracy,
    brier,
    f1,
    sensitivity,
    specificity,
)

_Metric = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What `evaluate_predictions` found.

    Attributes
    ----------
    n : int
        Readable images, whether answered or not.
    answered, abstained : int
        Images with and without a predicted class; together n. Every metric is over answered images.
    in_training : int
        How many of the n were in the model's training data: above 0 the metrics flatter it.
    patients : int
        Distinct patients among the n, which are what the intervals resample.
    classes : tuple of str
        The model's classes, in its order.
    confusion : mapping of str to mapping of str to int
        True label, then predicted class: how many answered images. Rows are the labels that occur
        in the data (classes in the model's order, then other labels sorted), columns all classes.
    metrics : mapping of str to Estimate
        By name; see `evaluate_predictions`.
    positive : str or None
        The class of the positive-class metrics.
    resamples, seed : int
        Of the bootstrap.
    """

    n: int
    answered: int
    abstained: int
    in_training: int
    patients: int
    classes: tuple[str, ...]
    confusion: Mapping[str, Mapping[str, int]]
    metrics: Mapping[str, Estimate]
    positive: str | None
    resamples: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Give the summary as plain JSON values, one key per metric (`{"value", "ci95"}`)."""
        return {
            "n": self.n,
            "answered": self.answered,
            "abstained": self.abstained,
            "in_training": self.in_training,
            "patients": self.patients,
            "classes": list(self.classes),
            "positive": self.positive,
            "confusion": {label: dict(row) for label, row in self.confusion.items()},
            **{name: estimate.as_dict() for name, estimate in self.metrics.items()},
            "bootstrap": {
                "resamples": self.resamples,
                "seed": self.seed,
                "dropped": {name: item.dropped for name, item in self.metrics.items()},
            },
        }


def evaluate_predictions(
    probabilities: FloatArray,
    labels: Sequence[str],
    classes: Sequence[str],
    *,
    patients: Sequence[str] | None = None,
    answered: BoolArray | None = None,
    positive: str | None = None,
    negatives: Collection[str] = (),
    in_training: int = 0,
    resamples: int = 1000,
    seed: int = 42,
) -> EvaluationSummary:
    """Compare calibrated probabilities with the truth, with 95% intervals over the patients.

    All metrics are over the answered images; `n` and `abstained` tell how many were not. The
    predicted class is the most probable one (the first of equals), for the confusion matrix and for
    every metric that needs a class; for an operating point see `rates_at_threshold`.

    Over the answered images whose label is one of the model's classes:

    - `accuracy`;
    - `balanced_accuracy`: mean recall over the classes that occur among them;
    - `auroc_macro`: mean one-vs-rest AUROC over the classes that occur among them;
    - `brier`: mean over the images of the sum over the classes of the squared error, 0 to 2;
    - `calibration_slope`, `calibration_intercept`: logistic recalibration (Cox 1958), the intercept
      with the slope held at 1 (calibration in the large). With `positive`: of that class's
      probability against the rest. Without: of the predicted class's probability against its being
      right (top-label calibration).

    With `positive`, over these and the answered images with a label of `negatives`, which count as
    "rest": `auroc` of that class's probability; `sensitivity`, `specificity` and `f1` of predicting
    it.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Calibrated, 0..1; each answered row sums to 1. Rows of abstentions are not read.
    labels : sequence of str
        The true label per image. They need not cover all classes of the model.
    classes : sequence of str
        The model's classes, in the order of the columns.
    patients : sequence of str, optional
        The patient of each image; without it each image is its own.
    answered : ndarray of bool, shape (images,), optional
        False where the system abstained; all answered by default.
    positive : str, optional
        The class that the positive-class metrics tell from the rest.
    negatives : collection of str
        Labels for which the model has no class but which are not the positive class. A class of the
        model named here stays that class.
    in_training : int
        How many of the images the model was trained on.
    resamples, seed : int
        Of the patient-grouped bootstrap; see `bootstrap` for when there is no interval.

    Returns
    -------
    EvaluationSummary
        A metric that is undefined on the data (a class missing, outcomes that the probability
        separates perfectly) has the value None.

    Raises
    ------
    DataError
        If there is no image, a label is neither a class nor in `negatives`, `positive` is no class
        or also in `negatives`, or `negatives` come without `positive`.
    ValueError
        If the shapes do not fit, or an answered row is not a probability distribution.
    """
    _check_labels(labels, classes, positive, negatives)
    owners = [str(i) for i in range(len(labels))] if patients is None else list(patients)
    keep = np.ones(len(labels), dtype=np.bool_) if answered is None else np.asarray(answered)
    if len(owners) != len(labels) or keep.shape != (len(labels),):
        raise ValueError(f"{len(labels)} labels, {len(owners)} patients, {keep.size} answers")
    _check_probabilities(probabilities, keep, len(classes))
    column = {name: index for index, name in enumerate(classes)}
    true = np.array([column.get(label, -1) for label in labels], dtype=np.intp)
    known = np.flatnonzero(keep & (true >= 0))
    metrics = _class_metrics(probabilities[known], true[known], known)
    target = None if positive is None else column[positive]
    metrics |= _calibration_metrics(probabilities[known], true[known], known, target)
    if target is not None:
        rows = np.flatnonzero(keep)
        metrics |= _positive_metrics(probabilities[rows], true[rows], rows, target)
    return EvaluationSummary(
        n=len(labels),
        answered=int(keep.sum()),
        abstained=int((~keep).sum()),
        in_training=in_training,
        patients=len(set(owners)),
        classes=tuple(classes),
        confusion=_confusion(probabilities, labels, classes, keep),
        metrics=bootstrap(metrics, owners, resamples, seed),
        positive=positive,
        resamples=resamples,
        seed=seed,
    )


def _check_labels(
    labels: Sequence[str],
    classes: Sequence[str],
    positive: str | None,
    negatives: Collection[str],
) -> None:
    known = ", ".join(classes)
    if not labels:
        raise DataError("no image to evaluate: give a folder with readable images")
    if positive is not None and positive not in classes:
        raise DataError(f"positive class {positive!r} is not a class of the model ({known})")
    if positive in negatives:
        raise DataError(f"{positive!r} is both the positive class and a negative label: choose one")
    if negatives and positive is None:
        raise DataError("negative labels need a positive class to be told from: name one")
    for label, count in Counter(labels).items():
        if label not in classes and label not in negatives:
            raise DataError(
                f"label {label!r} ({count} images) is not a class of the model ({known}); rename "
                "it, or name it as a negative label beside a positive class"
            )


def _check_probabilities(probabilities: FloatArray, keep: BoolArray, classes: int) -> None:
    if probabilities.shape != (keep.size, classes):
        raise ValueError(
            f"probabilities of shape {probabilities.shape}, not {keep.size} images x {classes}"
        )
    rows = probabilities[keep]
    if not ((rows >= 0) & (rows <= 1)).all() or not (abs(rows.sum(axis=1) - 1) < 1e-4).all():
        raise ValueError("a row of probabilities is outside 0..1 or does not sum to 1")


def _over(rows: IntArray, metric: _Metric) -> _Metric:
    """Let a metric of some images take the weights of all."""
    return lambda weights: metric(weights[..., rows])


def _class_metrics(probabilities: FloatArray, true: IntArray, rows: IntArray) -> dict[str, _Metric]:
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": _over(rows, partial(accuracy, true, predicted)),
        "balanced_accuracy": _over(rows, partial(balanced_accuracy, true, predicted)),
        "auroc_macro": _over(rows, partial(auroc_macro, probabilities, true)),
        "brier": _over(rows, partial(brier, probabilities, true)),
    }


def _calibration_metrics(
    probabilities: FloatArray, true: IntArray, rows: IntArray, target: int | None
) -> dict[str, _Metric]:
    if target is None:
        probability = probabilities.max(axis=1)
        outcome = true == probabilities.argmax(axis=1)
    else:
        probability, outcome = probabilities[:, target], true == target
    return {
        "calibration_slope": _over(rows, partial(calibration_slope, probability, outcome)),
        "calibration_intercept": _over(rows, partial(calibration_intercept, probability, outcome)),
    }


def _positive_metrics(
    probabilities: FloatArray, true: IntArray, rows: IntArray, target: int
) -> dict[str, _Metric]:
    positive, called = true == target, probabilities.argmax(axis=1) == target
    return {
        "auroc": _over(rows, partial(auroc, probabilities[:, target], positive)),
        "sensitivity": _over(rows, partial(sensitivity, positive, called)),
        "specificity": _over(rows, partial(specificity, positive, called)),
        "f1": _over(rows, partial(f1, positive, called)),
    }


def _confusion(
    probabilities: FloatArray, labels: Sequence[str], classes: Sequence[str], keep: BoolArray
) -> dict[str, dict[str, int]]:
    present = set(labels)
    others = sorted(present.difference(classes))
    order = [name for name in classes if name in present] + others
    matrix = {label: dict.fromkeys(classes, 0) for label in order}
    for label, row, answered in zip(labels, probabilities, keep, strict=True):
        if answered:
            matrix[label][classes[int(row.argmax())]] += 1
    return matrix
