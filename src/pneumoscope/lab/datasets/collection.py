"""The images of a recipe's sources, decoded once and kept small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import DataError
from pneumoscope.evaluation import LabelledImage
from pneumoscope.imaging import fingerprint, perceptual_hash, read_radiograph, reduce_by_area


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """Labelled images of all sources, in one order.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (images, size, size)
        Reduced by area to the network's size, before CLAHE.
    labels : ndarray of int64, shape (images,)
        Index into the recipe's classes.
    sources : ndarray of int64, shape (images,)
        Index into the recipe's sources.
    files : tuple of str
        "source/file" of each image.
    patients : tuple of str
        "source/patient" of each image.
    fingerprints : tuple of str
        `imaging.fingerprint` of each image at full size.
    hashes : tuple of str
        `imaging.perceptual_hash` of each image.
    extra : tuple of dict
        Further columns of the manifest (view, age, ...).
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    sources: NDArray[np.int64]
    files: tuple[str, ...]
    patients: tuple[str, ...]
    fingerprints: tuple[str, ...]
    hashes: tuple[str, ...]
    extra: tuple[dict[str, str], ...]

    def __len__(self) -> int:
        return len(self.labels)


def collect(
    sources: Sequence[tuple[str, Sequence[LabelledImage]]], classes: Sequence[str], size: int
) -> Collection:
    """Decode every image of every source.

    Parameters
    ----------
    sources : sequence of (name, images)
        The manifests, by source.
    classes : sequence of str
        The recipe's classes; every label must be among them.
    size : int
        Side of the square that images are reduced to, in pixels.

    Raises
    ------
    DataError
        A label is not a class.
    ImageError
        An image cannot be read.
    """
    index = {name: number for number, name in enumerate(classes)}
    rows = [
        (number, name, image) for number, (name, images) in enumerate(sources) for image in images
    ]
    unknown = sorted({image.label for _, _, image in rows} - set(index))
    if unknown:
        raise DataError(f"label {unknown[0]!r} is not a class of the recipe: {', '.join(classes)}")
    pixels = np.empty((len(rows), size, size), dtype=np.uint8)
    fingerprints, hashes = [], []
    for position, (_, _, image) in enumerate(rows):
        radiograph = read_radiograph(image.path)
        pixels[position] = reduce_by_area(radiograph.pixels, size)
        fingerprints.append(fingerprint(radiograph.pixels))
        hashes.append(perceptual_hash(radiograph.pixels))
    return Collection(
        pixels=pixels,
        labels=np.array([index[image.label] for _, _, image in rows], dtype=np.int64),
        sources=np.array([number for number, _, _ in rows], dtype=np.int64),
        files=tuple(f"{name}/{image.file}" for _, name, image in rows),
        patients=tuple(f"{name}/{image.patient_id}" for _, name, image in rows),
        fingerprints=tuple(fingerprints),
        hashes=tuple(hashes),
        extra=tuple(dict(image.extra) for _, _, image in rows),
    )
