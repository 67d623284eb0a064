"""Fuzzy logic over many cases at once: t-norms, operators, and ways to one number.

The operators and defuzzifications that rule bases of the literature ask for. `guideline` uses
`conjunction` and `strongest`; the rest is there for research bases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pneumoscope.severity.rule_base import Operator

Array = NDArray[np.float64]
Points = Sequence[tuple[float, float]]


class TNorm(StrEnum):
    """What "and" means between 0 and 1; "or" is its dual, 1 - and(1 - a, 1 - b)."""

    MINIMUM = "minimum"
    PRODUCT = "product"
    LUKASIEWICZ = "lukasiewicz"


def conjunction(truths: Array, t_norm: TNorm = TNorm.MINIMUM) -> Array:
    """Join truths by "and".

    Parameters
    ----------
    truths : ndarray of float64, shape (..., conditions)
        0..1, at least one condition.
    t_norm : TNorm

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; never falls where a truth rises.
    """
    match t_norm:
        case TNorm.MINIMUM:
            joined = truths.min(axis=-1)
        case TNorm.PRODUCT:
            joined = truths.prod(axis=-1)
        case TNorm.LUKASIEWICZ:
            joined = np.maximum(0.0, truths.sum(axis=-1) - (truths.shape[-1] - 1))
    return np.asarray(joined)


def strongest(truths: Array, need: int, t_norm: TNorm = TNorm.MINIMUM) -> Array:
    """Give the truth of "at least `need` of these hold": the `need` truest of them, joined.

    Parameters
    ----------
    truths : ndarray of float64, shape (..., conditions)
        0..1.
    need : int
        1 up to the number of conditions.
    t_norm : TNorm

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; never falls where a truth rises.
    """
    return conjunction(np.sort(truths, axis=-1)[..., truths.shape[-1] - need :], t_norm)


def truth(operator: Operator, truths: Array, t_norm: TNorm = TNorm.MINIMUM) -> Array:
    """Join truths by an operator.

    Parameters
    ----------
    operator : Operator
        XOR is "exactly one": the truest of "this one, and none of the others".
    truths : ndarray of float64, shape (..., conditions)
        0..1.
    t_norm : TNorm

    Returns
    -------
    ndarray of float64, shape (...)
        0..1. On truths of 0 and 1 alone it is the operator of plain logic.
    """
    match operator:
        case Operator.AND:
            return conjunction(truths, t_norm)
        case Operator.NAND:
            return 1 - conjunction(truths, t_norm)
        case Operator.OR:
            return 1 - conjunction(1 - truths, t_norm)
        case Operator.NOR:
            return conjunction(1 - truths, t_norm)
        case Operator.XOR:
            alone = np.eye(truths.shape[-1], dtype=np.bool_)
            cases = np.where(alone, truths[..., None, :], 1 - truths[..., None, :])
            return np.asarray(conjunction(cases, t_norm).max(axis=-1))


def membership(values: Array, points: Points) -> Array:
    """Follow straight lines through the points (value, membership), level beyond both ends."""
    at, degree = zip(*points, strict=True)
    return np.asarray(np.interp(values, at, degree))


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement on one input: `column` is `term`, or with `negated` is not."""

    column: str
    term: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class FuzzyRule:
    """If the clauses, joined by the operator, then the output term, with a weight of 0..1."""

    operator: Operator
    when: tuple[Clause, ...]
    then: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class FuzzySystem:
    """A Mamdani system for research bases (Mamdani and Assilian 1975).

    Attributes
    ----------
    inputs : mapping of str to mapping of str to points
        Terms per input, each through points (value, membership) in the input's unit, rising.
    outputs : mapping of str to points
        Sets over the output, from least to most severe.
    rules : tuple of FuzzyRule
    t_norm : TNorm
    """

    inputs: Mapping[str, Mapping[str, Points]]
    outputs: Mapping[str, Points]
    rules: tuple[FuzzyRule, ...]
    t_norm: TNorm = TNorm.MINIMUM

    def firing(self, values: Array) -> Array:
        """Give how strongly each rule fires.

        Parameters
        ----------
        values : ndarray of float64, shape (cases, inputs)
            Columns in the order of `inputs`.

        Returns
        -------
        ndarray of float64, shape (cases, rules)
            0..1, weights included.
        """
        degrees = {
            (name, term): membership(values[:, column], points)
            for column, (name, terms) in enumerate(self.inputs.items())
            for term, points in terms.items()
        }
        fired = np.empty((len(values), len(self.rules)))
        for index, rule in enumerate(self.rules):
            truths = [degrees[clause.column, clause.term] for clause in rule.when]
            signed = [1 - d if c.negated else d for c, d in zip(rule.when, truths, strict=True)]
            fired[:, index] = rule.weight * truth(
                rule.operator, np.stack(signed, axis=-1), self.t_norm
            )
        return fired

    def activation(self, values: Array) -> Array:
        """Give the strongest firing per output term, shape (cases, outputs)."""
        fired = self.firing(values)
        columns = [
            fired[:, [i for i, rule in enumerate(self.rules) if rule.then == term]]
            for term in self.outputs
        ]
        return np.stack([column.max(axis=1, initial=0.0) for column in columns], axis=1)


def total_points(firing: Array, gains: Array) -> Array:
    """Add up points per level, as `baral2025` does: (cases, rules) by (rules, levels)."""
    return np.asarray(firing @ gains)


def at_least(activation: Array) -> Array:
    """Give per level the strongest activation of it or of a worse one, shape (cases, levels)."""
    return np.asarray(np.maximum.accumulate(activation[:, ::-1], axis=1)[:, ::-1])


def weighted_average(activation: Array, centres: Array) -> Array:
    """Average the outputs' centres by their activation, as Sugeno; NaN where nothing fired."""
    total = activation.sum(axis=1)
    empty = np.full(len(activation), np.nan)
    return np.asarray(np.divide(activation @ centres, total, out=empty, where=total > 0))


def centroid(activation: Array, outputs: Mapping[str, Points]) -> Array:
    """Give the centre of gravity of the clipped and joined output sets.

    Parameters
    ----------
    activation : ndarray of float64, shape (cases, outputs)
        0..1.
    outputs : mapping of str to points
        The sets that the activation clips; level beyond their ends only up to the outermost point.

    Returns
    -------
    ndarray of float64, shape (cases,)
        In the output's unit; NaN where nothing fired.
    """
    knots = [value for points in outputs.values() for value, _ in points]
    grid = np.linspace(min(knots), max(knots), 4001)
    joined = np.zeros((len(activation), len(grid)))
    for column, points in enumerate(outputs.values()):
        clipped = np.minimum(activation[:, column, None], membership(grid, points))
        joined = np.maximum(joined, clipped)
    area = np.trapezoid(joined, grid, axis=1)
    moment = np.trapezoid(joined * grid, grid, axis=1)
    empty = np.full(len(activation), np.nan)
    return np.asarray(np.divide(moment, area, out=empty, where=area > 0))


def ramps(values: Array, starts: Array, fulls: Array) -> Array:
    """Rise from 0 at a start to 1 at its full, which may lie below it; 0 where a value is NaN."""
    share = np.clip((values - starts) / (fulls - starts), 0.0, 1.0)
    return np.where(np.isnan(share), 0.0, share)


def ordered(ramps: Sequence[tuple[float, float]]) -> bool:
    """Whether slopes follow each other in one direction, so that their terms form a partition.

    Then the membership of each term, its own slope less the next one's, is never negative, and all
    terms with "below the first" sum to 1 everywhere (Ruspini 1969).
    """
    sign = 1 if ramps[0][1] > ramps[0][0] else -1
    apart = all(sign * a < sign * b for a, b in ramps)
    return apart and all(sign * left[1] <= sign * right[0] for left, right in pairwise(ramps))
