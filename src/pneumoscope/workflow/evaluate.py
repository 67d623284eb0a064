"""A bundle against a labelled folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation import (
    EvaluationSummary,
    LabelledImage,
    Manifest,
    Rates,
    evaluate_predictions,
    rates_at_threshold,
    read_manifest,
)
from pneumoscope.findings import BundleIdentity, Decision, OperatingPoint
from pneumoscope.imaging import fingerprint, read_radiograph
from pneumoscope.workflow.diagnose import Reader

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class FolderEvaluation:
    """What `evaluate_folder` found.

    Attributes
    ----------
    bundle : BundleIdentity
        The model.
    folder : str
        The folder's name.
    images : int
        Images that the folder lists.
    unreadable : tuple of str
        Those that could not be read; they are in no figure.
    has_patients : bool
        Whether the intervals know which images share a patient.
    summary : EvaluationSummary
        The figures over the readable images.
    operating_point : (OperatingPoint, Rates) or None
        The bundle's threshold and what it gives here, where it is for the positive class.
    warnings : tuple of str
        What a reader of the figures must know.
    """

    bundle: BundleIdentity
    folder: str
    images: int
    unreadable: tuple[str, ...]
    has_patients: bool
    summary: EvaluationSummary
    operating_point: tuple[OperatingPoint, Rates] | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """One image's outcome; `probabilities` is None where the system abstained."""

    readable: bool
    in_training: bool = False
    probabilities: tuple[float, ...] | None = None


def evaluate_folder(
    folder: Path,
    *,
    bundle: str | None = None,
    positive: str | None = None,
    negatives: Collection[str] = (),
    progress: Progress | None = None,
) -> FolderEvaluation:
    """Score every readable image of a labelled folder.

    Parameters
    ----------
    folder : Path
        Holds ``labels.csv`` or class folders; see `evaluation.read_manifest`.
    bundle : str, optional
        A bundle's name or folder; by default the packaged one.
    positive : str, optional
        The class that is told from the rest.
    negatives : collection of str
        Labels without a class in the bundle that count as "the rest".
    progress : callable, optional
        Called with (done, all) after every image.

    Returns
    -------
    FolderEvaluation

    Raises
    ------
    DataError
        The folder cannot be used, has a label that is neither a class nor in `negatives`, or no
        image of it can be read.
    BundleError
        See `bundles.find_bundle`.
    """
    manifest = read_manifest(folder)
    model = find_bundle(bundle)
    _check_labels(manifest, model, positive, negatives)
    answers = _answer_all(manifest, model, progress)
    kept = [(i, a) for i, a in zip(manifest.images, answers, strict=True) if a.readable]
    unreadable = tuple(
        i.file for i, a in zip(manifest.images, answers, strict=True) if not a.readable
    )
    if not kept:
        raise DataError(
            f"{folder}: none of its {len(manifest.images)} images can be read; "
            "`pneumoscope diagnose` says of each why"
        )
    classes = model.description.classes
    nothing = (np.nan,) * len(classes)
    probabilities = np.array([a.probabilities or nothing for _, a in kept])
    answered = np.array([a.probabilities is not None for _, a in kept])
    labels = [image.label for image, _ in kept]
    summary = evaluate_predictions(
        probabilities,
        labels,
        classes,
        patients=[image.patient_id for image, _ in kept],
        answered=answered,
        positive=positive,
        negatives=negatives,
        in_training=sum(a.in_training for _, a in kept),
    )
    point = model.description.operating_point
    measured = None
    if point is not None and point.label == positive and answered.any():
        column = classes.index(point.label)
        truth = np.array([label == positive for label in labels])
        rates = rates_at_threshold(
            probabilities[answered, column], truth[answered], point.threshold
        )
        measured = (point.point(), rates)
    return FolderEvaluation(
        bundle=model.identity,
        folder=folder.resolve().name,
        images=len(manifest.images),
        unreadable=unreadable,
        has_patients=manifest.has_patients,
        summary=summary,
        operating_point=measured,
        warnings=tuple(_warnings(manifest, summary, unreadable)),
    )


def _check_labels(
    manifest: Manifest, model: Bundle, positive: str | None, negatives: Collection[str]
) -> None:
    """Refuse what `evaluate_predictions` would refuse, before any image is read."""
    some = np.full((len(manifest.images), len(model.description.classes)), np.nan)
    evaluate_predictions(
        some,
        [image.label for image in manifest.images],
        model.description.classes,
        answered=np.zeros(len(manifest.images), dtype=np.bool_),
        positive=positive,
        negatives=negatives,
        resamples=1,
    )


def _answer_all(manifest: Manifest, model: Bundle, progress: Progress | None) -> list[_Answer]:
    """Answer every image, in order; one core per image keeps decoding and network both busy."""
    reader = Reader(model, threads=1)
    answers = []
    with ThreadPoolExecutor(_cores()) as pool:
        for answer in pool.map(partial(_answer, reader), manifest.images):
            answers.append(answer)
            if progress is not None:
                progress(len(answers), len(manifest.images))
    return answers


def _cores() -> int:
    """Cores that this process may use; where the system cannot say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _answer(reader: Reader, image: LabelledImage) -> _Answer:
    try:
        radiograph = read_radiograph(image.path)
    except ImageError:
        return _Answer(readable=False)
    known = fingerprint(radiograph.pixels) in reader.bundle.training_images
    outcome = reader.decide(radiograph)
    if not isinstance(outcome, Decision):
        return _Answer(readable=True, in_training=known)
    return _Answer(True, known, tuple(outcome.probabilities.values()))


def _warnings(
    manifest: Manifest, summary: EvaluationSummary, unreadable: tuple[str, ...]
) -> list[str]:
    warnings = []
    if summary.in_training:
        warnings.append(
            f"{summary.in_training} of {summary.n} images were in the bundle's own training: the "
            "figures flatter it."
        )
    if unreadable:
        warnings.append(
            f"{len(unreadable)} of {len(manifest.images)} images could not be read and are in no "
            f"figure, the first being {unreadable[0]}."
        )
    if summary.abstained:
        warnings.append(
            f"{summary.abstained} of {summary.n} images were not answered; the figures are over "
            "the rest."
        )
    if not manifest.has_patients:
        warnings.append(
            "No patient is known: every image counts as its own, and the intervals are too narrow "
            "if some share one."
        )
    return warnings
