"""The images of a recipe's sources, decoded once and kept small."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation import LabelledImage
from pneumoscope.lab.datasets.decoded_cache import ReducedImage
from pneumoscope.lab.datasets.decoding import decode

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """Labelled images of all sources, in one order.

    Attributes
    ----------
    pixels : tuple of ndarray of uint8, shape (size, size)
        Reduced by area to the network's size, before CLAHE. They lie on disk where there is a
        cache, and are read-only then.
    labels : ndarray of int64, shape (images,)
        Index into the recipe's classes.
    sources : ndarray of int64, shape (images,)
        Index into the recipe's sources.
    files : tuple of str
        "source/file" of each image.
    patients : tuple of str
        "source/patient" of each image, or "prefix/patient" where sources share their patients.
    fingerprints : tuple of str
        `imaging.fingerprint` of each image at full size.
    hashes : tuple of str
        `imaging.perceptual_hash` of each image.
    extra : tuple of dict
        Further columns of the manifest (view, age, ...).
    left_out : tuple of str
        "source/file" of each image that could not be read; these are in none of the above.
    without_patients : tuple of str
        Sources of which no patients are known: every image counts as its own.
    """

    pixels: tuple[NDArray[np.uint8], ...]
    labels: NDArray[np.int64]
    sources: NDArray[np.int64]
    files: tuple[str, ...]
    patients: tuple[str, ...]
    fingerprints: tuple[str, ...]
    hashes: tuple[str, ...]
    extra: tuple[dict[str, str], ...]
    left_out: tuple[str, ...] = ()
    without_patients: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def collect(
    sources: Sequence[tuple[str, Sequence[LabelledImage]]],
    classes: Sequence[str],
    size: int,
    *,
    max_unreadable_share: float = 0.0,
    patient_prefixes: Mapping[str, str] | None = None,
) -> Collection:
    """Decode every image of every source, or take it from the cache of decoded images.

    Parameters
    ----------
    sources : sequence of (name, images)
        The manifests, by source.
    classes : sequence of str
        The recipe's classes; every label must be among them.
    size : int
        Side of the square that images are reduced to, in pixels.
    max_unreadable_share : float
        How much of each source may be unreadable, from 0 to below 1; the log names such images, and
        they are left out.
    patient_prefixes : mapping of str to str, optional
        By source, what stands before its patients' numbers; by default its name. Sources with the
        same prefix share patients.

    Raises
    ------
    DataError
        A label is not a class; or more images of a source than allowed cannot be read.
    """
    prefixes = patient_prefixes or {}
    index = {name: number for number, name in enumerate(classes)}
    unknown = sorted({image.label for _, images in sources for image in images} - set(index))
    if unknown:
        raise DataError(f"label {unknown[0]!r} is not a class of the recipe: {', '.join(classes)}")
    rows: list[tuple[int, str, LabelledImage, ReducedImage]] = []
    left_out: list[str] = []
    without_patients = tuple(
        name for name, images in sources if all(i.patient_id == i.file for i in images)
    )
    for name in without_patients:
        _log.warning(
            "%s: no patients are known (labels.csv has no patient_id, and no other column was "
            "named): every image counts as its own, and no split can tell that two are of one "
            "patient",
            name,
        )
    for number, (name, images) in enumerate(sources):
        readable, unreadable = _decode_source(name, images, size, max_unreadable_share)
        rows += [(number, name, image, reduced) for image, reduced in readable]
        left_out += [f"{name}/{image.file}" for image in unreadable]
    return Collection(
        pixels=tuple(reduced.pixels for *_, reduced in rows),
        labels=np.array([index[image.label] for _, _, image, _ in rows], dtype=np.int64),
        sources=np.array([number for number, *_ in rows], dtype=np.int64),
        files=tuple(f"{name}/{image.file}" for _, name, image, _ in rows),
        patients=tuple(
            f"{prefixes.get(name, name)}/{image.patient_id}" for _, name, image, _ in rows
        ),
        fingerprints=tuple(reduced.fingerprint for *_, reduced in rows),
        hashes=tuple(reduced.perceptual_hash for *_, reduced in rows),
        extra=tuple(dict(image.extra) for _, _, image, _ in rows),
        left_out=tuple(left_out),
        without_patients=without_patients,
    )


def _decode_source(
    name: str, images: Sequence[LabelledImage], size: int, max_unreadable_share: float
) -> tuple[list[tuple[LabelledImage, ReducedImage]], list[LabelledImage]]:
    """Give a source's readable images, decoded, and its unreadable ones, if they are few enough."""
    readable, unreadable = [], []
    for image, decoded in zip(images, decode(name, images, size), strict=True):
        if isinstance(decoded, ReducedImage):
            readable.append((image, decoded))
        else:
            unreadable.append((image, decoded))
    if len(unreadable) / len(images) > max_unreadable_share:
        raise _too_many(name, unreadable, len(images))
    for _, error in unreadable:
        _log.warning("%s: left out: %s", name, error)
    if unreadable:
        _log.warning("%s: %d of %d images left out", name, len(unreadable), len(images))
    return readable, [image for image, _ in unreadable]


def _too_many(
    name: str, unreadable: Sequence[tuple[LabelledImage, ImageError]], listed: int
) -> DataError:
    """Name the first files that cannot be read, say why of the first, and how to go on."""
    count = len(unreadable)
    # A file's name is untrusted text.
    names = ", ".join(repr(image.path.name) for image, _ in unreadable[:3])
    names += ", ..." if count > 3 else ""
    share = math.ceil(1000 * count / listed) / 1000
    allow = (
        f", or leave them out: data: {{max_unreadable_share: {share:g}}} in the recipe, and "
        f"--max-unreadable-share {share:g} for a split"
        if share < 1
        else ""
    )
    return DataError(
        f"{name}: {count} of {listed} images cannot be read ({names}); the first is "
        f"{unreadable[0][1]}. Mend or remove them{allow}"
    )
