"""What a labelled folder holds: each image read once, nothing predicted."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation.fingerprint import (
    DataFingerprint,
    ImageFacts,
    image_facts,
    measure_fingerprint,
)
from pneumoscope.evaluation.manifest import PATIENT_COLUMN, LabelledImage, read_manifest
from pneumoscope.evaluation.score import Progress
from pneumoscope.findings import About, Message
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import available_cores


@dataclass(frozen=True, slots=True)
class FolderFingerprint:
    """What `fingerprint_folder` found.

    Attributes
    ----------
    folder : str
        The folder's name.
    images : int
        Images that the folder lists.
    unreadable : tuple of str
        Those that could not be read; they are only counted.
    patient_column : str or None
        The column that tells which images share a patient; None where that is not known.
    where : mapping of str to str
        The columns and values that these images were chosen by.
    measured : DataFingerprint
        Over the readable images.
    warnings : tuple of Message
        The traps of this folder.
    """

    folder: str
    images: int
    unreadable: tuple[str, ...]
    patient_column: str | None
    where: Mapping[str, str]
    measured: DataFingerprint
    warnings: tuple[Message, ...]


def fingerprint_folder(
    folder: Path,
    *,
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> FolderFingerprint:
    """Read every image of a labelled folder, and say what a researcher must know before training.

    Parameters
    ----------
    folder : Path
        Holds ``labels.csv`` or class folders; see `read_manifest`.
    patient_column, where
        See `read_manifest`.
    progress : callable, optional
        Called with (done, all) after every image.

    Returns
    -------
    FolderFingerprint
        Counts, cross tables with the label, and groups of copies.

    Raises
    ------
    DataError
        The folder cannot be used, or no image of it can be read.
    """
    manifest = read_manifest(folder, patient_column=patient_column, where=where)
    facts = _read_all(manifest.images, progress)
    kept = [(i, f) for i, f in zip(manifest.images, facts, strict=True) if f is not None]
    if not kept:
        raise DataError(
            f"{folder}: none of its {len(manifest.images)} images can be read; "
            "`pneumoscope diagnose` says of each why"
        )
    unreadable = tuple(i.file for i, f in zip(manifest.images, facts, strict=True) if f is None)
    measured = measure_fingerprint(
        [image for image, _ in kept],
        [fact for _, fact in kept],
        has_patients=manifest.has_patients,
    )
    lost: list[Message] = []
    if unreadable:
        images = {"count": len(unreadable), "images": len(manifest.images)}
        lost = [Message("images_not_readable", About.DATA, {**images, "first": unreadable[0]})]
    return FolderFingerprint(
        folder=folder.resolve().name,
        images=len(manifest.images),
        unreadable=unreadable,
        patient_column=manifest.patient_column,
        where=manifest.where,
        measured=measured,
        warnings=(*manifest.warnings, *lost, *measured.warnings),
    )


def _read_all(
    images: tuple[LabelledImage, ...], progress: Progress | None
) -> list[ImageFacts | None]:
    """Read every image, in order, one core per image."""
    facts = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for fact in pool.map(_read, images):
            facts.append(fact)
            if progress is not None:
                progress(len(facts), len(images))
    return facts


def _read(image: LabelledImage) -> ImageFacts | None:
    """Read an image; None where it cannot be read."""
    try:
        return image_facts(read_radiograph(image.path))
    except ImageError:
        return None
