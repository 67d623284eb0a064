"""The rule base at work, over many cases at once (Baral 2025, 3.3.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import SeverityLevel
from pneumoscope.severity.rule_base import Operator, RuleBase

LEVELS = tuple(SeverityLevel)

# A value exactly on a boundary must not hold, but 0.85 - 0.7 in binary is a hair above 0.15.
# Bedside values have few decimals, so anything this close to the cut or the margin is on it.
TOLERANCE = 1e-9

_Counts = NDArray[np.int64]
_Mask = NDArray[np.bool_]

_FIRES: Mapping[Operator, Callable[[_Counts, int], _Mask]] = {
    Operator.AND: lambda holding, total: np.equal(holding, total),
    Operator.OR: lambda holding, total: np.greater(holding, 0),
    Operator.XOR: lambda holding, total: np.equal(holding, 1),
    Operator.NAND: lambda holding, total: np.less(holding, total),
    Operator.NOR: lambda holding, total: np.equal(holding, 0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a rule base says of each case.

    Attributes
    ----------
    holds : mapping of (str, str) to ndarray of bool, shape (cases,)
        Per symptom and term, whether "symptom is term" holds.
    fired : ndarray of bool, shape (cases, rules)
        Which rules fired.
    scores : ndarray of float64, shape (cases, 4)
        Points per level from the symptoms alone; levels in the order of `SeverityLevel`.
    adjusted : ndarray of float64, shape (cases, 4)
        Points per level with the image's share.
    winner : ndarray of int64, shape (cases,)
        Index of the level with the most adjusted points; ties go to the more severe.
    borderline : ndarray of bool, shape (cases,)
        Whether the two best levels are within the margin, with or without the image's share.
    """

    holds: Mapping[tuple[str, str], _Mask]
    fired: _Mask
    scores: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    winner: NDArray[np.int64]
    borderline: _Mask


def evaluate(
    base: RuleBase,
    values: NDArray[np.float64],
    contribution: float | NDArray[np.float64] = 0.0,
) -> Evaluation:
    """Score cases by a rule base.

    A condition holds where its membership is above the base's cut by more than 1e-9, so that a
    value exactly on a boundary (theta 0.15, 0.4, 0.6 or 0.85 in `baral2025`) never holds, however
    the division rounds.

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
    holds = _conditions(base, values)
    fired = np.zeros((len(values), len(base.rules)), dtype=np.bool_)
    points = np.zeros((len(base.rules), len(LEVELS)))
    for index, rule in enumerate(base.rules):
        weight = base.weights[rule.operator]
        points[index, LEVELS.index(rule.level)] = weight
        if weight > 0:
            conditions = [holds[c.symptom, c.term] for c in rule.when]
            holding = np.array(conditions, dtype=np.int64).sum(axis=0)
            fired[:, index] = _FIRES[rule.operator](holding, len(conditions))
    scores = fired @ points
    adjusted = _with_image(scores, np.asarray(contribution, dtype=np.float64))
    return Evaluation(
        holds=holds,
        fired=fired,
        scores=scores,
        adjusted=adjusted,
        # argmax takes the first of equals: search from the most severe level down.
        winner=len(LEVELS) - 1 - np.argmax(adjusted[:, ::-1], axis=1),
        borderline=_close(scores, base.margin) | _close(adjusted, base.margin),
    )


def _conditions(base: RuleBase, values: NDArray[np.float64]) -> dict[tuple[str, str], _Mask]:
    holds: dict[tuple[str, str], _Mask] = {}
    for column, (symptom, (low, high)) in enumerate(base.inputs.items()):
        theta = np.clip((values[:, column] - low) / (high - low), 0, 1)
        for term, points in base.terms.items():
            at, membership = zip(*points, strict=True)
            holds[symptom, term] = np.interp(theta, at, membership) > base.cut + TOLERANCE
    return holds


def _with_image(
    scores: NDArray[np.float64], contribution: NDArray[np.float64]
) -> NDArray[np.float64]:
    total = scores.sum(axis=1, keepdims=True)
    share = np.divide(scores, total, out=np.zeros_like(scores), where=total > 0)
    return np.asarray(scores + share * np.reshape(contribution, (-1, 1)))


def _close(scores: NDArray[np.float64], margin: float) -> _Mask:
    ordered = np.sort(scores, axis=1)
    return np.less_equal(ordered[:, -1] - ordered[:, -2], margin + TOLERANCE)
