"""Folds as experiments of their own, the figures of Baral 2025 on each, and their wording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from pneumoscope.lab.datasets import Split
from pneumoscope.lab.studies.answers import Result
from pneumoscope.metrics import Estimate, auroc, confusion_counts, rates_of_confusion

Floats = NDArray[np.float64]
RATES = ("precision", "recall", "F1", "specificity")
AVERAGES = ("micro", "macro", "weighted")


@dataclass(frozen=True, slots=True, eq=False)
class FoldFigures:
    """What Baral 2025 reports of one network on the test part (its section 4.3).

    Attributes
    ----------
    classes : tuple of str
    accuracy : float
    loss : float
        Mean cross-entropy, natural logarithm, of the uncalibrated probabilities.
    confusion : ndarray of float64, shape (classes, classes)
        Rows are the true classes.
    rates : ndarray of float64, shape (classes + 3, 4)
        Rows: the classes, then `AVERAGES`; columns: `RATES`. NaN where nothing could be counted.
    auroc : ndarray of float64, shape (classes,)
        Of each class against the rest; NaN where it does not occur.
    """

    classes: tuple[str, ...]
    accuracy: float
    loss: float
    confusion: Floats
    rates: Floats
    auroc: Floats

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values; None (JSON null) for what is undefined."""
        rows = zip([*self.classes, *AVERAGES], self.rates, strict=True)
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "confusion": self.confusion.astype(int).tolist(),
            "rates": {name: dict(zip(RATES, map(_plain, row), strict=True)) for name, row in rows},
            "auroc": dict(zip(self.classes, map(_plain, self.auroc), strict=True)),
        }


def one_by_one(split: Split) -> list[Split]:
    """Give each fold as a split of its own, as an experiment takes it."""
    return [Split(split.scheme, split.by, split.seed, (fold,)) for fold in split.folds]


def fold_figures(result: Result) -> FoldFigures:
    """Measure a network on its report part."""
    truth, answers = result.truth, result.probabilities
    number = len(result.classes)
    confusion = confusion_counts(truth, answers.argmax(axis=1), number)
    present = confusion.sum(axis=1) > 0
    given = np.clip(answers[np.arange(len(truth)), truth], 1e-6, 1)
    return FoldFigures(
        classes=result.classes,
        accuracy=result.accuracy,
        loss=float(-np.log(given).mean()),
        confusion=confusion,
        rates=rates_of_confusion(confusion, present),
        auroc=np.array([auroc(answers[:, c], truth == c) for c in range(number)]),
    )


def spread(values: Sequence[float] | Floats, digits: int = 4) -> str:
    """Write the mean over the folds with their standard deviation; "-" where one is undefined."""
    if np.isnan(values).any():
        return "-"
    if len(values) < 2:
        return f"{values[0]:z.{digits}f}"
    return f"{np.mean(values):z.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def corrected_interval(differences: Sequence[float], ratio: float) -> Estimate:
    """Mean of repeated hold-outs with its 95% interval, corrected for their overlap.

    Nadeau and Bengio (2003, Machine Learning 52:239): the repeats share most of their images, so
    the variance of their mean is taken as ``(1 / repeats + ratio) * s**2`` and not as a part of it.

    Parameters
    ----------
    differences : sequence of float
        One per repeat.
    ratio : float
        Held-out images by training images.

    Returns
    -------
    Estimate
        Without an interval where there are fewer than two repeats.
    """
    mean, repeats = float(np.mean(differences)), len(differences)
    if repeats < 2:
        return Estimate(mean)
    error = np.sqrt((1 / repeats + ratio) * np.var(differences, ddof=1))
    reach = float(student.ppf(0.975, repeats - 1) * error)
    return Estimate(mean, mean - reach, mean + reach)


def signed(estimate: Estimate, digits: int = 4) -> str:
    """Write a difference with its sign and its 95% interval; "-" where it is undefined."""
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:+z.{digits}f}"
    low, high = f"{estimate.low:+z.{digits}f}", f"{estimate.high:+z.{digits}f}"
    return f"{estimate.value:+z.{digits}f} ({low} to {high})"


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
