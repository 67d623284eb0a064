"""Two models on the same images: differences with paired intervals, and the tests of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pneumoscope.metrics.bootstrap import Estimate, bootstrap
from pneumoscope.metrics.classification import FloatArray, IntArray
from pneumoscope.metrics.paired_tests import (
    DiscordantTest,
    PairedTest,
    ResampledTTest,
    delong,
    mcnemar,
    resampled_t_test,
)
from pneumoscope.metrics.summary import (
    Metric,
    check_labels,
    check_probabilities,
    class_indices,
    class_metrics,
    positive_metrics,
)

NO_TEST = (
    "As published, and no test between models: resamples of the same predictions are no new data, "
    "and the p-value tends to fall as more resamples are drawn."
)
"""What must stand beside every `ResampledTTest`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of both models, and a minus b.

    Attributes
    ----------
    a, b : float or None
        The metric of each model; None where it is undefined.
    estimate : Estimate
        a minus b with its 95% interval, both models under the same resampled patients.
    """

    a: float | None
    b: float | None
    estimate: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Give `{"a", "b", "value", "ci95"}`; None (JSON null) for what is undefined."""
        return {"a": self.a, "b": self.b, **self.estimate.as_dict()}


@dataclass(frozen=True, slots=True)
class ComparisonSummary:
    """What `compare_predictions` found.

    Attributes
    ----------
    n : int
        Images.
    patients : int
        Distinct patients among them, which are what the intervals resample.
    classes : tuple of str
        Of both models.
    positive : str or None
        The class of the positive-class metrics.
    differences : mapping of str to Difference
        By the metric's name; see `compare_predictions`.
    delong : PairedTest or None
        Of the positive class's AUROC; None without `positive`, or where only one side occurs.
    mcnemar : DiscordantTest or None
        Of the accuracy; None where no label is a class.
    as_published : ResampledTTest or None
        Of the accuracy; no test between models, see `NO_TEST`.
    resamples, seed : int
        Of the paired bootstrap.
    """

    n: int
    patients: int
    classes: tuple[str, ...]
    positive: str | None
    differences: Mapping[str, Difference]
    delong: PairedTest | None
    mcnemar: DiscordantTest | None
    as_published: ResampledTTest | None
    resamples: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Give the comparison as plain JSON values."""
        published = self.as_published
        dropped = {name: item.estimate.dropped for name, item in self.differences.items()}
        return {
            "n": self.n,
            "patients": self.patients,
            "classes": list(self.classes),
            "positive": self.positive,
            "differences": {name: item.as_dict() for name, item in self.differences.items()},
            "tests": {
                "delong": None if self.delong is None else asdict(self.delong),
                "mcnemar": None if self.mcnemar is None else asdict(self.mcnemar),
                "as_published": None
                if published is None
                else {**asdict(published), "caution": NO_TEST},
            },
            "bootstrap": {"resamples": self.resamples, "seed": self.seed, "dropped": dropped},
        }


def compare_predictions(
    probabilities_a: FloatArray,
    probabilities_b: FloatArray,
    labels: Sequence[str],
    classes: Sequence[str],
    *,
    patients: Sequence[str] | None = None,
    positive: str | None = None,
    negatives: Collection[str] = (),
    resamples: int = 1000,
    seed: int = 42,
) -> ComparisonSummary:
    """Compare two models' calibrated probabilities of the same images, a minus b.

    The differences are those of `accuracy`, `balanced_accuracy`, `auroc_macro` and `brier` (where a
    lower one is better), and with `positive` also of `auroc`, `auprc`, `sensitivity`,
    `specificity` and `f1`; what each is over, `evaluate_predictions` says. The predicted class is
    the most probable.

    Parameters
    ----------
    probabilities_a, probabilities_b : ndarray of float, shape (images, classes)
        Calibrated, 0..1; each row sums to 1. Row by row of the same images.
    labels : sequence of str
        The true label per image.
    classes : sequence of str
        The classes of both models, in the order of the columns.
    patients : sequence of str, optional
        The patient of each image; without it each image is its own.
    positive : str, optional
        The class that the positive-class metrics tell from the rest.
    negatives : collection of str
        Labels without a class that are not the positive class.
    resamples, seed : int
        Of the patient-grouped paired bootstrap; see `bootstrap` for when there is no interval.

    Returns
    -------
    ComparisonSummary
        Symmetric: with a and b exchanged every difference and statistic changes its sign, and every
        p-value stays.

    Raises
    ------
    DataError
        See `evaluate_predictions`.
    ValueError
        If the shapes do not fit, or a row is not a probability distribution.
    """
    check_labels(labels, classes, positive, negatives)
    owners = [str(i) for i in range(len(labels))] if patients is None else list(patients)
    if len(owners) != len(labels):
        raise ValueError(f"{len(labels)} labels, {len(owners)} patients")
    for probabilities in (probabilities_a, probabilities_b):
        check_probabilities(probabilities, len(labels), len(classes))
    true = class_indices(labels, classes)
    target = None if positive is None else classes.index(positive)
    both = (probabilities_a, probabilities_b)
    rows = np.flatnonzero(true >= 0)
    right_a, right_b = (each.argmax(axis=1)[rows] == true[rows] for each in both)
    metrics_a, metrics_b = (_metrics(each, true, target) for each in both)
    return ComparisonSummary(
        n=len(labels),
        patients=len(set(owners)),
        classes=tuple(classes),
        positive=positive,
        differences=_differences(metrics_a, metrics_b, owners, resamples, seed),
        delong=None
        if target is None
        else delong(both[0][:, target], both[1][:, target], true == target, owners),
        mcnemar=mcnemar(right_a, right_b, [owners[row] for row in rows]),
        as_published=resampled_t_test(right_a, right_b, seed=seed),
        resamples=resamples,
        seed=seed,
    )


def _metrics(probabilities: FloatArray, true: IntArray, target: int | None) -> dict[str, Metric]:
    predicted = probabilities.argmax(axis=1)
    metrics = class_metrics(probabilities, true, predicted)
    if target is not None:
        metrics |= positive_metrics(probabilities[:, target], true == target, predicted == target)
    return metrics


def _differences(
    metrics_a: Mapping[str, Metric],
    metrics_b: Mapping[str, Metric],
    owners: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Difference]:
    def minus(name: str) -> Metric:
        return lambda weights: metrics_a[name](weights) - metrics_b[name](weights)

    estimates = bootstrap({name: minus(name) for name in metrics_a}, owners, resamples, seed)
    return {
        name: Difference(
            _value(metrics_a[name], len(owners)), _value(metrics_b[name], len(owners)), estimate
        )
        for name, estimate in estimates.items()
    }


def _value(metric: Metric, images: int) -> float | None:
    value = float(metric(np.ones((1, images)))[0])
    return None if np.isnan(value) else value
