"""All metrics of one model on one labelled data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import DataError
from pneumoscope.metrics.bootstrap import Estimate, bootstrap
from pneumoscope.metrics.calibration import calibration_intercept, calibration_slope
from pneumoscope.metrics.classification import (
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
from pneumoscope.metrics.curves import average_precision
from pneumoscope.metrics.exact_ends import (
    with_exact_end,
    with_exact_f1_end,
    with_exact_mean_end,
)

Metric = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What `evaluate_predictions` found.

    Attributes
    ----------
    n : int
        Readable images. Every one is scored and counts in the figures.
    abstained : int
        How many of the n the product would refuse by their header when asked for a diagnosis.
    in_training : int
        How many of the n were in the model's training data: above 0 the metrics flatter it.
    near_training : int or None
        How many others look like changed copies of images in it; None where that is not known.
    patients : int
        Distinct patients among the n, which are what the intervals resample.
    classes : tuple of str
        The model's classes, in its order.
    confusion : mapping of str to mapping of str to int
        True label, then predicted class: how many images. Rows are the labels that occur in the
        data (classes in the model's order, then other labels sorted), columns all classes.
    metrics : mapping of str to Estimate
        By name; see `evaluate_predictions`.
    positive : str or None
        The class of the positive-class metrics.
    resamples, seed : int
        Of the bootstrap.
    """

    n: int
    abstained: int
    in_training: int
    near_training: int | None
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
            "abstained": self.abstained,
            "in_training": self.in_training,
            "near_training": self.near_training,
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
    positive: str | None = None,
    negatives: Collection[str] = (),
    abstained: int = 0,
    in_training: int = 0,
    near_training: int | None = None,
    resamples: int = 1000,
    seed: int = 42,
) -> EvaluationSummary:
    """Compare calibrated probabilities with the truth, with 95% intervals over the patients.

    The predicted class is the most probable one (the first of equals), for the confusion matrix and
    for every metric that needs a class; for an operating point see `rates_at_threshold`.

    Over the images whose label is one of the model's classes:

    - `accuracy`;
    - `balanced_accuracy`: mean recall over the classes that occur among them;
    - `auroc_macro`: mean one-vs-rest AUROC over the classes that occur among them;
    - `brier`: mean over the images of the sum over the classes of the squared error, 0 to 2.

    Over all images, those with a label of `negatives` being part of the rest:

    - `calibration_slope`, `calibration_intercept`: logistic recalibration (Cox 1958), the intercept
      with the slope held at 1 (calibration in the large). With `positive`: of that class's
      probability against the rest. Without: of the predicted class's probability against its being
      right (top-label calibration);
    - only with `positive`: `auroc` and `auprc` (average precision) of that class's probability;
      `sensitivity`, `specificity` and `f1` of predicting it.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Calibrated, 0..1; each row sums to 1.
    labels : sequence of str
        The true label per image. They need not cover all classes of the model.
    classes : sequence of str
        The model's classes, in the order of the columns.
    patients : sequence of str, optional
        The patient of each image; without it each image is its own.
    positive : str, optional
        The class that the positive-class metrics tell from the rest.
    negatives : collection of str
        Labels for which the model has no class but which are not the positive class. A class of the
        model named here stays that class.
    abstained : int
        How many of the images would be refused by their header; only passed on.
    in_training : int
        How many of the images the model was trained on; only passed on.
    near_training : int or None
        How many others look like changed copies of such; only passed on.
    resamples, seed : int
        Of the patient-grouped bootstrap; see `bootstrap` for when there is no interval.

    Returns
    -------
    EvaluationSummary
        Of accuracies, sensitivity, specificity and F1 of exactly 0 or 1 the far end of the interval
        is exact; see `exact_ends`. A metric that is undefined on the data (a class missing,
        outcomes that the probability separates perfectly) has the value None.

    Raises
    ------
    DataError
        If there is no image, a label is neither a class nor in `negatives`, `positive` is no class
        or also in `negatives`, or `negatives` come without `positive`.
    ValueError
        If the shapes do not fit, or a row is not a probability distribution.
    """
    check_labels(labels, classes, positive, negatives)
    owners = [str(i) for i in range(len(labels))] if patients is None else list(patients)
    if len(owners) != len(labels):
        raise ValueError(f"{len(labels)} labels, {len(owners)} patients")
    check_probabilities(probabilities, len(labels), len(classes))
    true = class_indices(labels, classes)
    predicted = probabilities.argmax(axis=1)
    metrics = class_metrics(probabilities, true, predicted)
    target = None if positive is None else classes.index(positive)
    if target is None:
        metrics |= _calibration_metrics(probabilities.max(axis=1), predicted == true)
    else:
        metrics |= _calibration_metrics(probabilities[:, target], true == target)
        metrics |= positive_metrics(probabilities[:, target], true == target, predicted == target)
    found = bootstrap(metrics, owners, resamples, seed)
    found |= with_exact_class_ends(found, true, owners)
    if target is not None:
        found |= _with_exact_ends(found, true == target, predicted == target, owners)
    return EvaluationSummary(
        n=len(labels),
        abstained=abstained,
        in_training=in_training,
        near_training=near_training,
        patients=len(set(owners)),
        classes=tuple(classes),
        confusion=_confusion(predicted, labels, classes),
        metrics=found,
        positive=positive,
        resamples=resamples,
        seed=seed,
    )


def check_labels(
    labels: Sequence[str],
    classes: Sequence[str],
    positive: str | None,
    negatives: Collection[str],
) -> None:
    """Refuse labels that cannot be compared with a model's classes; see `evaluate_predictions`.

    Raises
    ------
    DataError
        As `evaluate_predictions` does.
    """
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


def check_probabilities(probabilities: FloatArray, images: int, classes: int) -> None:
    """Refuse what is not one probability distribution over the classes per image.

    Raises
    ------
    ValueError
        If the shape is not (images, classes), or a row is outside 0..1 or does not sum to 1.
    """
    if probabilities.shape != (images, classes):
        raise ValueError(
            f"probabilities of shape {probabilities.shape}, not {images} images x {classes}"
        )
    within = ((probabilities >= 0) & (probabilities <= 1)).all()
    if not within or not (abs(probabilities.sum(axis=1) - 1) < 1e-4).all():
        raise ValueError("a row of probabilities is outside 0..1 or does not sum to 1")


def class_indices(labels: Sequence[str], classes: Sequence[str]) -> IntArray:
    """Give the place of each label among the classes; -1 for one that is no class."""
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place.get(label, -1) for label in labels], dtype=np.intp)


def class_metrics(
    probabilities: FloatArray, true: IntArray, predicted: IntArray
) -> dict[str, Metric]:
    """Give the metrics over the images whose label is a class (`true` is not -1), by name."""
    rows = np.flatnonzero(true >= 0)
    probabilities, true, predicted = probabilities[rows], true[rows], predicted[rows]

    def over_rows(metric: Metric) -> Metric:
        return lambda weights: metric(weights[..., rows])

    return {
        "accuracy": over_rows(partial(accuracy, true, predicted)),
        "balanced_accuracy": over_rows(partial(balanced_accuracy, true, predicted)),
        "auroc_macro": over_rows(partial(auroc_macro, probabilities, true)),
        "brier": over_rows(partial(brier, probabilities, true)),
    }


def with_exact_class_ends(
    estimates: Mapping[str, Estimate], true: IntArray, patients: Sequence[str]
) -> dict[str, Estimate]:
    """Widen the intervals of `accuracy` and `balanced_accuracy` where no or every image is wrong.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        From the metrics of `class_metrics`.
    true : ndarray of int, shape (images,)
        Class indices; -1 for a label that is no class.
    patients : sequence of str
        The patient of each image.
    """
    owners = np.asarray(patients, dtype=np.str_)
    each = [_distinct(owners[true == index]) for index in np.unique(true[true >= 0])]
    return {
        "accuracy": with_exact_end(estimates["accuracy"], _distinct(owners[true >= 0])),
        "balanced_accuracy": with_exact_mean_end(estimates["balanced_accuracy"], each),
    }


def _with_exact_ends(
    estimates: Mapping[str, Estimate],
    positive: BoolArray,
    called: BoolArray,
    patients: Sequence[str],
) -> dict[str, Estimate]:
    """Do the same for the rates of `positive_metrics`."""
    owners = np.asarray(patients, dtype=np.str_)
    return {
        "sensitivity": with_exact_end(estimates["sensitivity"], _distinct(owners[positive])),
        "specificity": with_exact_end(estimates["specificity"], _distinct(owners[~positive])),
        "f1": with_exact_f1_end(estimates["f1"], _distinct(owners[positive | called])),
    }


def _distinct(owners: NDArray[np.str_]) -> int:
    return len(set(owners.tolist()))


def _calibration_metrics(probability: FloatArray, outcome: BoolArray) -> dict[str, Metric]:
    return {
        "calibration_slope": partial(calibration_slope, probability, outcome),
        "calibration_intercept": partial(calibration_intercept, probability, outcome),
    }


def positive_metrics(
    probability: FloatArray, positive: BoolArray, called: BoolArray
) -> dict[str, Metric]:
    """Give the metrics of one class (probability, truth, prediction) against the rest, by name."""
    return {
        "auroc": partial(auroc, probability, positive),
        "auprc": partial(average_precision, probability, positive),
        "sensitivity": partial(sensitivity, positive, called),
        "specificity": partial(specificity, positive, called),
        "f1": partial(f1, positive, called),
    }


def _confusion(
    predicted: IntArray, labels: Sequence[str], classes: Sequence[str]
) -> dict[str, dict[str, int]]:
    present = set(labels)
    others = sorted(present.difference(classes))
    order = [name for name in classes if name in present] + others
    matrix = {label: dict.fromkeys(classes, 0) for label in order}
    for label, index in zip(labels, predicted, strict=True):
        matrix[label][classes[index]] += 1
    return matrix
