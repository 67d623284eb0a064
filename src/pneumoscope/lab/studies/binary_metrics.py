"""What the studies of NORMAL against PNEUMONIA measure, and what their splits leak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pneumoscope.errors import DataError
from pneumoscope.lab.studies.answers import Result
from pneumoscope.metrics import evaluate_predictions

METRICS = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auroc")
POSITIVE = "PNEUMONIA"


class Certified(Protocol):
    """What was measured on a split, with what its certificate says."""

    @property
    def leaks(self) -> Sequence[str]:
        """What crosses the split's borders; empty for an honest one."""


def two_class_metrics(result: Result) -> dict[str, float]:
    """Measure a network on its report part.

    Sensitivity and specificity are those of answering PNEUMONIA, the more probable class.

    Returns
    -------
    dict of str to float
        By the names of `METRICS`, 0..1.

    Raises
    ------
    DataError
        A class has no image in the report part.
    """
    summary = evaluate_predictions(
        result.probabilities,
        list(result.labels),
        result.classes,
        positive=POSITIVE,
        resamples=0,
    )
    found = {}
    for name in METRICS:
        value = summary.metrics[name].value
        if value is None:
            raise DataError(
                f"{name.replace('_', ' ')} is undefined: a report part holds images of one class "
                "alone; add data"
            )
        found[name] = value
    return found


def told_leaks(results: Sequence[Certified]) -> str:
    """Tell what the splits leak, by their certificates; of several leaky ones, what the first."""
    leaky = [result for result in results if result.leaks]
    if not leaky:
        return "none"
    first = "; ".join(leaky[0].leaks)
    return f"{len(leaky)} of {len(results)} splits leak, the first of them: {first}"
