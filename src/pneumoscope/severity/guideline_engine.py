"""The `guideline` rules over many cases at once: monotone and continuous by construction.

Every condition is "at least", a slope that never falls in the clinical direction; "and", "or" and
"at least k of n" never fall where a condition rises; nor does a maximum or a sum. So no worse sign
can lower the score, and no small change can make it jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import SeverityLevel
from pneumoscope.severity.fuzzy import Array, at_least, ramps, strongest
from pneumoscope.severity.guideline_base import TOLERANCE, GuidelineBase

GRADED = tuple(SeverityLevel)[1:]


@dataclass(frozen=True, slots=True, eq=False)
class GuidelineEvaluation:
    """What the rules say of each case.

    Attributes
    ----------
    grades : mapping of (str, str) to ndarray of float64, shape (cases,)
        Per input and term the truth of "at least this", 0..1; 0 where the input is missing.
    firing : ndarray of float64, shape (cases, rules)
        How true each rule is, 0..1.
    at_least : ndarray of float64, shape (cases, 3)
        For mild, moderate and severe the truest rule that concludes it or worse, 0..1.
    score : ndarray of float64, shape (cases,)
        Their sum, 0..3.
    level : ndarray of int64, shape (cases,)
        Index in `SeverityLevel`.
    """

    grades: Mapping[tuple[str, str], Array]
    firing: Array
    at_least: Array
    score: Array
    level: NDArray[np.int64]


def evaluate_guideline(base: GuidelineBase, values: Array) -> GuidelineEvaluation:
    """Score cases by the rules.

    Parameters
    ----------
    base : GuidelineBase
        The rules.
    values : ndarray of float64, shape (cases, measured)
        Columns in the order of `base.measured`, in the inputs' units; NaN where missing. Values
        beyond the last slope count as its end.

    Returns
    -------
    GuidelineEvaluation
        One row per case.
    """
    terms, grades = _grades(base, values)
    firing = np.empty((len(values), len(base.rules)))
    for index, rule in enumerate(base.rules):
        truths = np.empty((len(values), len(rule.when)))
        for place, choices in enumerate(rule.when):
            columns = [terms[choice.name, choice.term] for choice in choices]
            truths[:, place] = grades[:, columns].max(axis=1)
        firing[:, index] = strongest(truths, rule.needed, base.t_norm)
    activation = np.stack(
        [
            firing[:, [rule.level is level for rule in base.rules]].max(axis=1, initial=0.0)
            for level in GRADED
        ],
        axis=1,
    )
    graded = at_least(activation)
    score = graded.sum(axis=1)
    cuts = np.array([base.cuts[level] for level in GRADED])
    return GuidelineEvaluation(
        grades={key: grades[:, column] for key, column in terms.items()},
        firing=firing,
        at_least=graded,
        score=score,
        level=(score[:, None] >= cuts - TOLERANCE).sum(axis=1),
    )


def _grades(base: GuidelineBase, values: Array) -> tuple[dict[tuple[str, str], int], Array]:
    """Give every term's truth, shape (cases, terms), and each term's column in it."""
    place = {name: column for column, name in enumerate(base.measured)}
    slopes = {
        (name, term): (place[part.of], *ends)
        for name, part in base.inputs.items()
        for term, ends in part.terms.items()
    }
    columns, starts, ends = zip(*slopes.values(), strict=True)
    grades = ramps(values[:, columns], np.array(starts), np.array(ends))
    for column, (name, _) in enumerate(slopes):
        if (gate := base.inputs[name].only_with) is not None:
            # Yes is 1 and no is 0; what is not known is no.
            given = np.nan_to_num(values[:, place[base.inputs[gate].of]])
            grades[:, column] = np.minimum(grades[:, column], given)
    return {key: column for column, key in enumerate(slopes)}, grades
