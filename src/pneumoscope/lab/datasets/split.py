"""Train, stop, calibrate, report: four parts that share no patient and no picture."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import DataError

PARTS = ("train", "stop", "calibrate", "report")


@dataclass(frozen=True, slots=True)
class FourWaySplit:
    """Which part each image is in.

    Attributes
    ----------
    part : tuple of str
        One of `PARTS` per image.
    by : str
        "patient" or "image".
    seed : int
        What drew it.
    """

    part: tuple[str, ...]
    by: str
    seed: int

    def indices(self, part: str) -> NDArray[np.int64]:
        """Positions of a part's images, ascending."""
        return np.flatnonzero(np.array(self.part) == part).astype(np.int64)


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


def split_four_ways(
    strata: Sequence[str],
    groups: NDArray[np.int64],
    shares: Mapping[str, float],
    *,
    by: str,
    seed: int,
) -> FourWaySplit:
    """Draw the four parts, stratified, whole groups at a time.

    Parameters
    ----------
    strata : sequence of str
        One per image, such as "rsna PNEUMONIA"; a group's stratum is its most frequent one.
    groups : ndarray of int64, shape (images,)
        See `linked_groups`. Ignored when `by` is "image".
    shares : mapping of part to float
        Sum to 1.
    by : {"patient", "image"}
        What is drawn.
    seed : int
        Same seed, same split.

    Raises
    ------
    DataError
        A stratum has too few groups for every part to get one.
    """
    units = groups if by == "patient" else np.arange(len(strata), dtype=np.int64)
    members: dict[int, list[int]] = {}
    for position, unit in enumerate(units.tolist()):
        members.setdefault(unit, []).append(position)
    by_stratum: dict[str, list[int]] = {}
    for unit, positions in members.items():
        counted = Counter(strata[position] for position in positions)
        by_stratum.setdefault(min(counted, key=lambda name: (-counted[name], name)), []).append(
            unit
        )

    rng = np.random.default_rng(seed)
    part = [""] * len(strata)
    edges = np.cumsum([shares[name] for name in PARTS])
    for stratum in sorted(by_stratum):
        order = rng.permutation(np.array(by_stratum[stratum]))
        if len(order) < len(PARTS):
            raise DataError(
                f"{stratum}: {len(order)} {by}(s) cannot be split four ways; "
                "add data or leave it out"
            )
        stops = np.rint(edges * len(order)).astype(int)
        # No part of a small stratum may be empty.
        steps = np.arange(len(PARTS))
        stops = np.maximum.accumulate(np.maximum(stops - steps, 1)) + steps
        stops = np.minimum(stops, len(order) - steps[::-1])
        for name, first, last in zip(PARTS, (0, *stops[:-1]), stops, strict=True):
            for unit in order[first:last].tolist():
                for position in members[unit]:
                    part[position] = name
    return FourWaySplit(tuple(part), by, seed)


def certificate(
    split: FourWaySplit,
    files: Sequence[str],
    fingerprints: Sequence[str],
    strata: Sequence[str],
    patients: Sequence[str],
    groups: NDArray[np.int64],
) -> dict[str, object]:
    """State what a split is and what crosses its borders.

    Returns
    -------
    dict
        `by`, `seed`, `counts` (part to stratum to images), `groups_across_parts` and
        `patients_across_parts` (0 for a split by patient), `images` (part to file name,
        stratum and fingerprint of each image), `sha256` over all of it.
    """
    spread: dict[int, set[str]] = {}
    patient_spread: dict[str, set[str]] = {}
    for group, patient, part in zip(groups.tolist(), patients, split.part, strict=True):
        spread.setdefault(group, set()).add(part)
        patient_spread.setdefault(patient, set()).add(part)
    counts = {
        part: dict(
            sorted(Counter(s for s, p in zip(strata, split.part, strict=True) if p == part).items())
        )
        for part in PARTS
    }
    rows = list(zip(files, strata, fingerprints, strict=True))
    body: dict[str, object] = {
        "schema_version": 2,
        "by": split.by,
        "seed": split.seed,
        "counts": counts,
        "groups_across_parts": sum(len(parts) > 1 for parts in spread.values()),
        "patients_across_parts": sum(len(parts) > 1 for parts in patient_spread.values()),
        "images": {
            part: [list(row) for row, p in zip(rows, split.part, strict=True) if p == part]
            for part in PARTS
        },
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return body | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
