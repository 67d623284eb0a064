"""What the figures of an evaluation show: rates, curves, calibration, benefit, subgroups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pneumoscope.metrics.bootstrap import Estimate, bootstrap
from pneumoscope.metrics.classification import BoolArray, FloatArray
from pneumoscope.metrics.curves import Curve, precision_recall_curve, roc_curve
from pneumoscope.metrics.decision_curve import DecisionCurve, decision_curve
from pneumoscope.metrics.per_class import AVERAGES, ClassRates, class_rates
from pneumoscope.metrics.reliability import (
    Reliability,
    observed_to_expected,
    reliability_curve,
)
from pneumoscope.metrics.subgroups import Subgroup, measure_subgroups
from pneumoscope.metrics.summary import check_labels, check_probabilities, class_indices


@dataclass(frozen=True, slots=True, eq=False)
class OneVsRest:
    """The figures of one class against the rest.

    Attributes
    ----------
    roc : Curve or None
        None unless there are images of the class and others.
    precision_recall : Curve or None
        None without images of the class.
    reliability : Reliability
    o_e : Estimate
        Observed over expected number of images of the class; ideal 1.
    decision_curve : DecisionCurve
    """

    roc: Curve | None
    precision_recall: Curve | None
    reliability: Reliability
    o_e: Estimate
    decision_curve: DecisionCurve


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationFigures:
    """What `evaluate_figures` found.

    Attributes
    ----------
    rates : tuple of ClassRates
        Of the classes, then of the averages; over the images whose label is a class.
    one_vs_rest : mapping of str to OneVsRest
        The positive class alone, or every class of the data.
    subgroups : mapping of str to tuple of Subgroup
        Per column.
    """

    rates: tuple[ClassRates, ...]
    one_vs_rest: Mapping[str, OneVsRest]
    subgroups: Mapping[str, tuple[Subgroup, ...]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values; None where one is undefined."""
        each = self.one_vs_rest.items()
        split = len(self.rates) - len(AVERAGES)
        roc = {name: item.roc for name, item in each}
        recall = {name: item.precision_recall for name, item in each}
        return {
            "per_class": {
                "classes": {rates.name: rates.as_dict() for rates in self.rates[:split]},
                "averages": {rates.name: rates.as_dict() for rates in self.rates[split:]},
            },
            "o_e": {name: item.o_e.as_dict() for name, item in each},
            "reliability": {name: item.reliability.as_dict() for name, item in each},
            "roc": {
                name: None if curve is None else curve.as_dict("auroc", "fpr", "tpr")
                for name, curve in roc.items()
            },
            "precision_recall": {
                name: None if curve is None else curve.as_dict("auprc", "recall", "precision")
                for name, curve in recall.items()
            },
            "decision_curve": {name: item.decision_curve.as_dict() for name, item in each},
            "subgroups": {
                column: [group.as_dict() for group in groups]
                for column, groups in self.subgroups.items()
            },
        }


def evaluate_figures(
    probabilities: FloatArray,
    labels: Sequence[str],
    classes: Sequence[str],
    *,
    patients: Sequence[str],
    positive: str | None = None,
    negatives: Collection[str] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    resamples: int = 1000,
    seed: int = 42,
) -> EvaluationFigures:
    """Work out the curves and tables of an evaluation, with 95% intervals over the patients.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Calibrated, 0..1; each row sums to 1.
    labels : sequence of str
        The true label per image.
    classes : sequence of str
        The model's classes, in the order of the columns.
    patients : sequence of str
        The patient of each image.
    positive : str, optional
        The only class whose curves are wanted; else those of every class of the data.
    negatives : collection of str
        Labels without a class in the model, part of the rest.
    groups : mapping of str to sequence of str, optional
        Per column, the group of each image.
    resamples, seed : int
        Of the patient-grouped bootstrap, and of the simulated perfect calibration.

    Returns
    -------
    EvaluationFigures

    Raises
    ------
    DataError, ValueError
        As `evaluate_predictions` does.
    """
    check_labels(labels, classes, positive, negatives)
    check_probabilities(probabilities, len(labels), len(classes))
    true = class_indices(labels, classes)
    wanted = set(labels) if positive is None else {positive}
    return EvaluationFigures(
        rates=class_rates(true, probabilities.argmax(axis=1), classes, patients, resamples, seed),
        one_vs_rest={
            name: _one_vs_rest(probabilities[:, index], true == index, patients, resamples, seed)
            for index, name in enumerate(classes)
            if name in wanted
        },
        subgroups={
            name: measure_subgroups(
                values,
                probabilities,
                true,
                labels,
                patients,
                positive=None if positive is None else classes.index(positive),
                resamples=resamples,
                seed=seed,
            )
            for name, values in (groups or {}).items()
        },
    )


def _one_vs_rest(
    probability: FloatArray,
    outcome: BoolArray,
    patients: Sequence[str],
    resamples: int,
    seed: int,
) -> OneVsRest:
    ratio = {"o_e": partial(observed_to_expected, probability, outcome)}
    return OneVsRest(
        roc=roc_curve(probability, outcome, patients, resamples, seed),
        precision_recall=precision_recall_curve(probability, outcome, patients, resamples, seed),
        reliability=reliability_curve(probability, outcome, patients, seed=seed),
        o_e=bootstrap(ratio, patients, resamples, seed)["o_e"],
        decision_curve=decision_curve(probability, outcome, patients, resamples, seed),
    )
