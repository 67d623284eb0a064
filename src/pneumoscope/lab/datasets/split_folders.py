"""Labelled folders split into files that training takes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from pneumoscope.catalogue import to_sentence
from pneumoscope.errors import DataError, InputError
from pneumoscope.evaluation import PATIENT_COLUMN, read_manifest
from pneumoscope.lab.datasets.certificate import DataIdentity
from pneumoscope.lab.datasets.collection import collect
from pneumoscope.lab.datasets.schemes import SchemeSettings, draw
from pneumoscope.lab.datasets.split import By, linked_groups, units_of
from pneumoscope.lab.datasets.split_file import write_split

_log = logging.getLogger(__name__)

# Only the fingerprints are needed, which are of the full size; the reduced pixels may be small.
_ANY_SIZE = 32


def scheme_settings(*, folds: int | None, **others: Any) -> SchemeSettings:
    """Check what a user asks for.

    Parameters
    ----------
    folds : int or None
        None is 1 for a hold-out, else 5.
    others
        Of `SchemeSettings`; None is its default.

    Raises
    ------
    InputError
        An unknown scheme, an impossible number, or one that the scheme would not use; the message
        names it.
    """
    given = {name: value for name, value in others.items() if value is not None}
    usual = 1 if given.get("scheme") == "holdout" else 5
    try:
        settings = SchemeSettings(folds=usual if folds is None else folds, **given)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"--{first['loc'][0]}: {first['msg']}") from None
    if "holdout" in given and settings.scheme not in ("holdout", "monte-carlo", "bootstrap"):
        raise InputError(f"--holdout: {settings.scheme} holds no share out; leave it out")
    if "stop" in given and settings.test:
        raise InputError(
            "--stop: with a test set the held-out side stops the training; leave it out"
        )
    if (0 if settings.test else settings.stop) + settings.calibrate >= 1:
        raise InputError("--calibrate: leaves nothing to train on; give less, or a smaller --stop")
    return settings


def unit_named(by: str) -> By:
    """Check what a split is asked to draw.

    Raises
    ------
    InputError
        Neither "patient" nor "image".
    """
    for known in get_args(By):
        if by == known:
            return cast(By, known)
    raise InputError(f"--by {by!r}: give patient or image")


def identify(
    folders: Sequence[Path],
    *,
    max_unreadable_share: float = 0.0,
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
    same_patient: Sequence[Sequence[str]] = (),
) -> DataIdentity:
    """Read labelled folders far enough to split them; each is a source, named as its folder.

    Parameters
    ----------
    folders : sequence of Path
    max_unreadable_share : float
        See `collect`. The recipe that trains on the split must allow as much.
    patient_column, where, same_patient
        Of every folder; see `evaluation.read_manifest`. The recipe's sources must say the same.

    Raises
    ------
    DataError
        A folder cannot be used, two have the same name, there is only one class, or more images
        than allowed cannot be read.
    """
    names = [folder.resolve().name for folder in folders]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{name}: two folders have this name; rename one")
    manifests = []
    for name, folder in zip(names, folders, strict=True):
        manifest = read_manifest(
            folder, patient_column=patient_column, where=where, same_patient=same_patient
        )
        for warning in manifest.warnings:
            _log.warning("%s: %s", name, to_sentence(warning))
        manifests.append((name, manifest.images))
    classes = sorted({image.label for _, images in manifests for image in images})
    if len(classes) < 2:
        raise DataError(
            f"{', '.join(names)}: all images are labelled {classes[0]!r}; a network needs at least "
            "two classes, so add the others"
        )
    collection = collect(manifests, classes, _ANY_SIZE, max_unreadable_share=max_unreadable_share)
    strata = tuple(
        f"{names[source]} {classes[label]}"
        for source, label in zip(collection.sources, collection.labels, strict=True)
    )
    return DataIdentity(collection.files, strata, collection.patients, collection.fingerprints)


def split_folders(
    folders: Sequence[Path],
    settings: SchemeSettings,
    *,
    by: str,
    out: Path,
    max_unreadable_share: float = 0.0,
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Split labelled folders and write the split with its certificate.

    Parameters
    ----------
    folders : sequence of Path
        Each holds ``labels.csv`` or class folders. A recipe's source is matched by its name.
    settings : SchemeSettings
    by : {"patient", "image"}
        `patient` keeps linked images (same patient or same picture) together.
    out : Path
        The split's file.
    max_unreadable_share, patient_column, where
        See `identify`.

    Returns
    -------
    dict
        The certificate; see `certify`.

    Raises
    ------
    InputError
        `by` is neither, or a file cannot be written.
    DataError
        See `identify` and `draw`.
    """
    chosen = unit_named(by)
    data = identify(
        folders,
        max_unreadable_share=max_unreadable_share,
        patient_column=patient_column,
        where=where,
    )
    groups = linked_groups(data.patients, data.fingerprints)
    units = units_of(data.strata, groups, chosen)
    return write_split(out, draw(units, settings), data)
