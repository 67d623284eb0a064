"""A split of labelled images into parts, and what must stay together in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import DataError

PARTS = ("train", "stop", "calibrate", "report")
# The scheme of a recipe's own split; those of `pneumoscope split` have names of their own.
FOUR_WAY = "four-way"

By = Literal["patient", "image"]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Which images train a network, stop it, calibrate it, and are reported.

    Attributes
    ----------
    parts : mapping of str to ndarray of int64
        Positions of the images of each of `PARTS`. `train` repeats the images that a bootstrap
        drew more than once; `stop` and `calibrate` may be empty.
    """

    parts: Mapping[str, Positions]

    def indices(self, part: str) -> Positions:
        """Positions of a part's images."""
        return self.parts[part]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One or more folds of the same images.

    Attributes
    ----------
    scheme : str
        What drew it, such as "stratified-kfold".
    by : {"patient", "image"}
        What was drawn.
    seed : int
        Same data, scheme and seed: same split.
    folds : tuple of Fold
    """

    scheme: str
    by: By
    seed: int
    folds: tuple[Fold, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What a split draws: single images, or groups of images that stay together.

    Attributes
    ----------
    members : tuple of ndarray of int64
        Positions of each unit's images.
    strata : ndarray of str
        Each unit's stratum: the most frequent of its images.
    by : {"patient", "image"}
    """

    members: tuple[Positions, ...]
    strata: NDArray[np.str_]
    by: By

    def positions(self, chosen: Positions) -> Positions:
        """Positions of the images of some units, a unit chosen twice giving them twice."""
        if not len(chosen):
            return np.empty(0, dtype=np.int64)
        return np.sort(np.concatenate([self.members[unit] for unit in chosen.tolist()]))


def units_of(strata: Sequence[str], groups: NDArray[np.int64], by: By) -> Units:
    """Gather what a split draws.

    Parameters
    ----------
    strata : sequence of str
        One per image, such as "rsna PNEUMONIA".
    groups : ndarray of int64, shape (images,)
        See `linked_groups`. Ignored when `by` is "image".
    by : {"patient", "image"}
    """
    keys = groups if by == "patient" else np.arange(len(strata), dtype=np.int64)
    members: dict[int, list[int]] = {}
    for position, key in enumerate(keys.tolist()):
        members.setdefault(key, []).append(position)
    most_frequent = []
    for positions in members.values():
        counted = Counter(strata[position] for position in positions)
        most_frequent.append(min(counted, key=lambda name: (-counted[name], name)))
    return Units(
        tuple(np.array(positions, dtype=np.int64) for positions in members.values()),
        np.array(most_frequent),
        by,
    )


def linked_groups(patients: Sequence[str], fingerprints: Sequence[str]) -> NDArray[np.int64]:
    """Number the groups that must stay together: same patient, or same picture.

    Parameters
    ----------
    patients, fingerprints : sequence of str
        One per image.

    Returns
    -------
    ndarray of int64, shape (images,)
        Equal numbers for images that are linked, directly or through others.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for patient, picture in zip(patients, fingerprints, strict=True):
        parent[root(f"patient {patient}")] = root(f"picture {picture}")
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(root(f"patient {p}"), len(numbers)) for p in patients], dtype=np.int64
    )


def split_four_ways(units: Units, shares: Mapping[str, float], seed: int) -> Split:
    """Draw the four parts once, stratified: the split of a recipe without a split file.

    Parameters
    ----------
    units : Units
        What is drawn.
    shares : mapping of part to float
        Sum to 1.
    seed : int
        Same seed, same split.

    Raises
    ------
    DataError
        A stratum has too few units for every part to get one.
    """
    rng = np.random.default_rng(seed)
    chosen: dict[str, list[int]] = {part: [] for part in PARTS}
    edges = np.cumsum([shares[name] for name in PARTS])
    for stratum in sorted(set(units.strata.tolist())):
        order = rng.permutation(np.flatnonzero(units.strata == stratum))
        if len(order) < len(PARTS):
            raise DataError(
                f"{stratum}: {len(order)} {units.by}(s) cannot be split four ways; "
                "add data or leave it out"
            )
        stops = np.rint(edges * len(order)).astype(int)
        # No part of a small stratum may be empty.
        steps = np.arange(len(PARTS))
        stops = np.maximum.accumulate(np.maximum(stops - steps, 1)) + steps
        stops = np.minimum(stops, len(order) - steps[::-1])
        for name, first, last in zip(PARTS, (0, *stops[:-1]), stops, strict=True):
            chosen[name] += order[first:last].tolist()
    fold = Fold({part: units.positions(np.array(taken)) for part, taken in chosen.items()})
    return Split(FOUR_WAY, units.by, seed, (fold,))
