"""The rule base at work, over many cases at once (Baral 2025, 3.3.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import SeverityLevel
from pneumoscope.severity.rule_base import Aggregation, Operator, RuleBase

LEVELS = tuple(SeverityLevel)

# A value exactly on a boundary must not hold, but 0.85 - 0.7 in binary is a hair above 0.15.
# Bedside values have few decimals, so anything this close to the cut or the margin is on it.
TOLERANCE = 1e-9

_Values = NDArray[np.float64]
_Mask = NDArray[np.bool_]


def _exactly_one(truths: _Values) -> _Values:
    """How true it is that one condition holds and no other: the best, and not the second best."""
    # A condition that is never true stands in for the second of one.
    ordered = np.sort(np.concatenate([np.zeros_like(truths[:1]), truths]), axis=0)
    return np.asarray(np.minimum(ordered[-1], 1 - ordered[-2]))


# Of truths of shape (conditions, cases): minimum, maximum and complement (Zadeh), which for true
# and false alone are the operators of logic.
_STRENGTH: Mapping[Operator, Callable[[_Values], _Values]] = {
    Operator.AND: lambda truths: truths.min(axis=0),
    Operator.OR: lambda truths: truths.max(axis=0),
    Operator.XOR: _exactly_one,
    Operator.NAND: lambda truths: 1 - truths.min(axis=0),
    Operator.NOR: lambda truths: 1 - truths.max(axis=0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a rule base says of each case.

    Attributes
    ----------
    truths : mapping of (str, str) to ndarray of float64, shape (cases,)
        Per symptom and term, how true "symptom is term" is: 0 or 1 in a base with a cut, else the
        membership, 0..1.
    strengths : ndarray of float64, shape (cases, rules)
        How true each rule is, 0..1.
    scores : ndarray of float64, shape (cases, 4)
        Points per level from the symptoms alone; levels in the order of `SeverityLevel`.
    adjusted : ndarray of float64, shape (cases, 4)
        Points per level with the image's share.
    winner : ndarray of int64, shape (cases,)
        Index of the level with the most adjusted points; ties go to the more severe.
    borderline : ndarray of bool, shape (cases,)
        Whether the two best levels are within the margin, with or without the image's share.
    """

    truths: Mapping[tuple[str, str], _Values]
    strengths: NDArray[np.float64]
    scores: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    winner: NDArray[np.int64]
    borderline: _Mask

    @property
    def fired(self) -> _Mask:
        """Which rules fired: those that are true at all; shape (cases, rules)."""
        return np.greater(self.strengths, 0)


def evaluate(
    base: RuleBase,
    values: NDArray[np.float64],
    contribution: float | NDArray[np.float64] = 0.0,
) -> Evaluation:
    """Score cases by a rule base.

    In a base with a cut a condition holds where its membership is above it by more than 1e-9, so
    that a value exactly on a boundary (theta 0.15, 0.4, 0.6 or 0.85 in `baral2025`) never holds,
    however the division rounds. Levels within 1e-9 of each other are tied.

    Parameters
    ----------
    base : RuleBase
        The rules.
    values : ndarray of float64, shape (cases, inputs)
        Columns in the order of `base.inputs`, in the symptoms' units; checked by the caller.
    contribution : float or ndarray of float64, shape (cases,)
        The image's share, 0..1 (Baral 2025, 3.3.5): each level gets
        score / sum(scores) * contribution. Nothing is added where no rule fired.

    Returns
    -------
    Evaluation
        One row per case.
    """
    truths = _conditions(base, values)
    strengths = np.zeros((len(values), len(base.rules)))
    for index, rule in enumerate(base.rules):
        if base.weights[rule.operator] > 0:
            conditions = np.array([truths[c.symptom, c.term] for c in rule.when])
            strengths[:, index] = _STRENGTH[rule.operator](conditions)
    strengths[strengths <= TOLERANCE] = 0
    scores = _aggregated(base, strengths)
    adjusted = _with_image(scores, np.asarray(contribution, dtype=np.float64))
    best = adjusted >= adjusted.max(axis=1, keepdims=True) - TOLERANCE
    return Evaluation(
        truths=truths,
        strengths=strengths,
        scores=scores,
        adjusted=adjusted,
        # argmax takes the first of equals: search from the most severe level down.
        winner=len(LEVELS) - 1 - np.argmax(best[:, ::-1], axis=1),
        borderline=_close(scores, base.margin) | _close(adjusted, base.margin),
    )


def _conditions(base: RuleBase, values: NDArray[np.float64]) -> dict[tuple[str, str], _Values]:
    truths: dict[tuple[str, str], _Values] = {}
    for column, (symptom, (low, high)) in enumerate(base.inputs.items()):
        theta = np.clip((values[:, column] - low) / (high - low), 0, 1)
        for term, points in base.terms.items():
            at, membership = zip(*points, strict=True)
            truth = np.interp(theta, at, membership)
            if base.cut is not None:
                truth = np.where(truth > base.cut + TOLERANCE, 1.0, 0.0)
            truths[symptom, term] = truth
    return truths


def _aggregated(base: RuleBase, strengths: _Values) -> _Values:
    """Points per level, shape (cases, 4), from its own rules."""
    weights = np.array([base.weights[rule.operator] for rule in base.rules])
    scores = np.zeros((len(strengths), len(LEVELS)))
    for index, level in enumerate(LEVELS):
        own = [k for k, rule in enumerate(base.rules) if rule.level is level]
        if not weights[own].any():
            continue
        points = strengths[:, own] * weights[own]
        match base.aggregation:
            case Aggregation.SUM:
                scores[:, index] = points.sum(axis=1)
            case Aggregation.MAXIMUM:
                scores[:, index] = points.max(axis=1)
            case Aggregation.WEIGHTED_AVERAGE:
                scores[:, index] = points.sum(axis=1) / weights[own].sum()
    return scores


def _with_image(
    scores: NDArray[np.float64], contribution: NDArray[np.float64]
) -> NDArray[np.float64]:
    total = scores.sum(axis=1, keepdims=True)
    share = np.divide(scores, total, out=np.zeros_like(scores), where=total > 0)
    return np.asarray(scores + share * np.reshape(contribution, (-1, 1)))


def _close(scores: NDArray[np.float64], margin: float) -> _Mask:
    ordered = np.sort(scores, axis=1)
    return np.less_equal(ordered[:, -1] - ordered[:, -2], margin + TOLERANCE)
