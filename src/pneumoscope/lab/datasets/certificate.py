"""What a split is, what it was drawn from, and what crosses its borders."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumoscope.lab.datasets.split import PARTS, Fold, Split, linked_groups

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True, eq=False)
class DataIdentity:
    """Which images a split is of.

    Attributes
    ----------
    files : tuple of str
        "source/file" of each image.
    strata : tuple of str
        "source LABEL" of each image.
    patients : tuple of str
        "source/patient" of each image.
    fingerprints : tuple of str
        `imaging.fingerprint` of each image.
    """

    files: tuple[str, ...]
    strata: tuple[str, ...]
    patients: tuple[str, ...]
    fingerprints: tuple[str, ...]

    @property
    def patient_keys(self) -> list[str]:
        """Patients as a certificate names them: a checksum, not the hospital's number."""
        return [hashlib.sha256(patient.encode()).hexdigest()[:16] for patient in self.patients]

    @property
    def sha256(self) -> str:
        """Checksum over every image's name, label, patient and pixels."""
        rows = zip(self.files, self.strata, self.patient_keys, self.fingerprints, strict=True)
        return digest([list(row) for row in rows])


def digest(content: object) -> str:
    """Checksum of plain JSON values, independent of how they are laid out."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def document(split: Split, data: DataIdentity) -> dict[str, Any]:
    """Write a split as plain JSON values: its images, and their positions by fold and part."""
    return {
        "schema_version": SCHEMA_VERSION,
        "scheme": split.scheme,
        "by": split.by,
        "seed": split.seed,
        "images": list(data.files),
        "folds": [{part: fold.indices(part).tolist() for part in PARTS} for fold in split.folds],
    }


def certify(split: Split, data: DataIdentity) -> dict[str, Any]:
    """State what a split is and what crosses its borders.

    Returns
    -------
    dict
        `scheme`, `by`, `seed`; `split_sha256` and `data_sha256`, which it is valid for; `patients`
        (their number), `patient_keys` (one per image), `duplicates` (files of each picture that
        occurs more than once), `source_overlap` (pictures and patient numbers that stand in more
        than one source), `folds` (see `fold_facts`), and `sha256` over all of it.
    """
    pictures: dict[str, list[str]] = defaultdict(list)
    for file, picture in zip(data.files, data.fingerprints, strict=True):
        pictures[picture].append(file)
    body: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "scheme": split.scheme,
        "by": split.by,
        "seed": split.seed,
        "split_sha256": digest(document(split, data)),
        "data_sha256": data.sha256,
        "patients": len(set(data.patients)),
        "patient_keys": data.patient_keys,
        "duplicates": [files for files in pictures.values() if len(files) > 1],
        "source_overlap": _overlap(data),
        "folds": [fold_facts(fold, data) for fold in split.folds],
    }
    return body | {"sha256": digest(body)}


def fold_facts(fold: Fold, data: DataIdentity) -> dict[str, Any]:
    """Count a fold's images and what its parts share.

    Returns
    -------
    dict
        `counts` (part to stratum to images), `patients_across_parts` and `groups_across_parts`
        (of the distinct parts), `stopped_on_report`, and `leaks`: the same in words, empty for an
        honest fold.
    """
    same = np.array_equal(fold.indices("stop"), fold.indices("report"))
    parts = [part for part in PARTS if not (same and part == "stop")]
    groups = linked_groups(data.patients, data.fingerprints).tolist()
    patients_across = _across(fold, parts, data.patients)
    groups_across = _across(fold, parts, groups)
    leaks = []
    if patients_across:
        leaks.append(f"{patients_across} patients are in more than one part")
    if groups_across > patients_across:
        leaks.append(f"{groups_across - patients_across} groups share a picture across parts")
    if same:
        leaks.append("the training is stopped on the images that are reported")
    return {
        "counts": {
            part: dict(sorted(Counter(data.strata[i] for i in fold.indices(part)).items()))
            for part in PARTS
        },
        "patients_across_parts": patients_across,
        "groups_across_parts": groups_across,
        "stopped_on_report": same,
        "leaks": leaks,
    }


def _across(fold: Fold, parts: Iterable[str], keys: Sequence[Hashable]) -> int:
    """Count the keys whose images are in more than one part."""
    seen = Counter(key for part in parts for key in {keys[i] for i in fold.indices(part).tolist()})
    return sum(count > 1 for count in seen.values())


def _overlap(data: DataIdentity) -> dict[str, int]:
    """Count what stands in more than one source."""
    sources = [file.partition("/")[0] for file in data.files]
    numbers = [patient.partition("/")[2] for patient in data.patients]
    return {
        "pictures": _in_several(sources, data.fingerprints),
        "patient_numbers": _in_several(sources, numbers),
    }


def _in_several(sources: Sequence[str], keys: Sequence[str]) -> int:
    homes: dict[str, set[str]] = defaultdict(set)
    for source, key in zip(sources, keys, strict=True):
        homes[key].add(source)
    return sum(len(found) > 1 for found in homes.values())
