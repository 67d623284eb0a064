"""Within a split by image: the held-out images whose patient trained against the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.datasets import DataIdentity, Split
from pneumoscope.lab.studies.answers import Result
from pneumoscope.metrics import Estimate, accuracy, auroc, balanced_accuracy, bootstrap_band

Floats = NDArray[np.float64]
# Patients with more images than this count as alike.
MANY = 5


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Held-out images of several repeats, one row per image and repeat.

    Attributes
    ----------
    repeat : ndarray of int64
        Which repeat held the image out, and so which network answered.
    kind : ndarray of str
        What is to be alike: the label, or a finer kind of it.
    images : ndarray of int64
        How many images the row's group has in the whole set, at most `MANY`.
    shared : ndarray of bool
        Whether an image of the same group trained that network.
    group : ndarray of str
        The patient, or the patients that an identical picture links.
    truth : ndarray of int64
        1 for the positive class, else 0.
    score : ndarray of float64
        Probability of the positive class.
    """

    repeat: NDArray[np.int64]
    kind: NDArray[np.str_]
    images: NDArray[np.int64]
    shared: NDArray[np.bool_]
    group: NDArray[np.str_]
    truth: NDArray[np.int64]
    score: Floats

    @property
    def right(self) -> Floats:
        """1 where the more probable class is the true one, else 0."""
        return ((self.score > 0.5) == (self.truth == 1)).astype(np.float64)

    @property
    def loss(self) -> Floats:
        """Cross-entropy of each row, natural logarithm."""
        given = np.where(self.truth == 1, self.score, 1 - self.score)
        return -np.log(np.clip(given, 1e-6, 1))

    def strata(self) -> NDArray[np.int64]:
        """Number the rows that are alike: repeat, kind, number of images."""
        keys = list(
            zip(self.repeat.tolist(), self.kind.tolist(), self.images.tolist(), strict=True)
        )
        numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
        return np.array([numbers[key] for key in keys], dtype=np.int64)

    def comparable(self) -> int:
        """Count the rows that have a counterpart among those alike."""
        strata = self.strata()
        both = set(strata[self.shared].tolist()) & set(strata[~self.shared].tolist())
        return int(np.isin(strata, list(both)).sum())


def held_out_images(
    data: DataIdentity,
    groups: NDArray[np.int64],
    kinds: Sequence[str],
    splits: Sequence[Split],
    results: Sequence[Result],
    positive: str,
) -> HeldOut:
    """Gather what the networks answered for the images that they did not train on.

    Parameters
    ----------
    data : DataIdentity
    groups : ndarray of int64, shape (images,)
        See `linked_groups`.
    kinds : sequence of str
        Of each image: what is to be alike.
    splits : sequence of Split
        With one fold each.
    results : sequence of Result
        One per split.
    positive : str
        The class whose probability counts.
    """
    kind_of = np.array(kinds)
    position = {file: number for number, file in enumerate(data.files)}
    sizes = np.bincount(groups)
    columns: dict[str, list[NDArray[np.generic]]] = {name: [] for name in HeldOut.__slots__}
    for number, (split, result) in enumerate(zip(splits, results, strict=True)):
        rows = np.array([position[file] for file in result.files])
        trained = groups[split.folds[0].indices("train")]
        column = result.classes.index(positive)
        columns["repeat"].append(np.full(len(rows), number))
        columns["kind"].append(kind_of[rows])
        columns["images"].append(np.minimum(sizes[groups[rows]], MANY))
        columns["shared"].append(np.isin(groups[rows], trained))
        columns["group"].append(groups[rows].astype(np.str_))
        columns["truth"].append((result.truth == column).astype(np.int64))
        columns["score"].append(result.probabilities[:, column])
    return HeldOut(**{name: np.concatenate(parts) for name, parts in columns.items()})


def leak_differences(
    rows: HeldOut, resamples: int = 1000, seed: int = 42
) -> dict[str, tuple[Estimate, Estimate, Estimate]]:
    """Compare the rows whose patient trained with the others, with 95% intervals over the patients.

    Returns
    -------
    dict of str to (Estimate, Estimate, Estimate)
        Of the rows that share a patient, of those that do not, and the difference. The plain
        figures are means over the repeats of each network's own; those *among alike* are means over
        the strata that have both, by Mantel and Haenszel's weights.
    """
    strata = rows.strata()
    figures: dict[str, Callable[[Floats], Floats]] = {
        "accuracy": lambda w: _by_repeat(rows, w, _accuracy),
        "balanced accuracy": lambda w: _by_repeat(rows, w, _balanced),
        "AUROC": lambda w: _by_repeat(rows, w, _auroc),
        "accuracy, among alike": lambda w: standardised(rows.right, rows.shared, strata, w),
        "cross-entropy, among alike": lambda w: standardised(rows.loss, rows.shared, strata, w),
    }

    def together(weights: Floats) -> Floats:
        pairs = np.stack([figure(weights) for figure in figures.values()], axis=1)
        both = np.concatenate([pairs, pairs[..., :1] - pairs[..., 1:]], axis=-1)
        return both.reshape(len(weights), -1)

    band = bootstrap_band(together, rows.group.tolist(), resamples, seed)
    return {
        name: (band.estimate(3 * row), band.estimate(3 * row + 1), band.estimate(3 * row + 2))
        for row, name in enumerate(figures)
    }


def standardised(
    values: Floats, shared: NDArray[np.bool_], strata: NDArray[np.int64], weights: Floats
) -> Floats:
    """Mean of the rows that share a patient and of those that do not, as if they were alike.

    Each stratum's two means count ``n1 * n0 / (n1 + n0)`` times (Mantel and Haenszel 1959), so a
    stratum without one of the two does not count, and between the two sides only `shared` differs.

    Parameters
    ----------
    values : ndarray of float64, shape (rows,)
    shared : ndarray of bool, shape (rows,)
    strata : ndarray of int64, shape (rows,)
        0 and up.
    weights : ndarray of float64, shape (sets, rows)

    Returns
    -------
    ndarray of float64, shape (sets, 2)
        Sharing, not sharing; NaN where no stratum has both.
    """
    number = int(strata.max()) + 1
    sides = (strata + number * ~shared)[:, None] == np.arange(2 * number)
    counts = (weights @ sides).reshape(-1, 2, number)
    sums = (weights @ (sides * values[:, None])).reshape(-1, 2, number)
    both = counts.prod(axis=1)
    share = np.divide(both, counts.sum(axis=1), out=np.zeros_like(both), where=both > 0)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    total = share.sum(axis=1)[:, None]
    weighted = (means * share[:, None]).sum(axis=2)
    return np.divide(weighted, total, out=np.full_like(weighted, np.nan), where=total > 0)


def _by_repeat(
    rows: HeldOut, weights: Floats, metric: Callable[[HeldOut, NDArray[np.intp], Floats], Floats]
) -> Floats:
    """Mean over the repeats of a metric of each side, (sets, 2)."""
    sides = []
    for side in (rows.shared, ~rows.shared):
        each = []
        for number in np.unique(rows.repeat):
            chosen = np.flatnonzero(side & (rows.repeat == number))
            each.append(metric(rows, chosen, weights[:, chosen]))
        sides.append(np.mean(each, axis=0))
    return np.stack(sides, axis=-1)


def _accuracy(rows: HeldOut, chosen: NDArray[np.intp], weights: Floats) -> Floats:
    return accuracy(rows.truth[chosen], (rows.score[chosen] > 0.5).astype(np.int64), weights)


def _balanced(rows: HeldOut, chosen: NDArray[np.intp], weights: Floats) -> Floats:
    called = (rows.score[chosen] > 0.5).astype(np.int64)
    return balanced_accuracy(rows.truth[chosen], called, weights)


def _auroc(rows: HeldOut, chosen: NDArray[np.intp], weights: Floats) -> Floats:
    return auroc(rows.score[chosen], rows.truth[chosen] == 1, weights)
