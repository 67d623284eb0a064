"""A bundle against a labelled folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation import (
    EvaluationFigures,
    EvaluationSummary,
    LabelledImage,
    Manifest,
    Rates,
    check_columns,
    check_labels,
    evaluate_figures,
    evaluate_predictions,
    group_names,
    rates_at_threshold,
    read_manifest,
)
from pneumoscope.findings import BundleIdentity, OperatingPoint
from pneumoscope.imaging import fingerprint, read_radiograph, unsuitable
from pneumoscope.inference import available_cores
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
        The metrics over the readable images.
    figures : EvaluationFigures
        Curves, rates per class and subgroups of the same images.
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
    figures: EvaluationFigures
    operating_point: tuple[OperatingPoint, Rates] | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is said of one readable image, and whether `diagnose` would refuse to say it."""

    probabilities: tuple[float, ...]
    abstained: bool
    in_training: bool


def evaluate_folder(
    folder: Path,
    *,
    bundle: str | None = None,
    positive: str | None = None,
    negatives: Collection[str] = (),
    by: Sequence[str] = (),
    progress: Progress | None = None,
) -> FolderEvaluation:
    """Score every readable image of a labelled folder.

    Also those that `diagnose` would refuse by their header: they are counted, not left out.

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
    by : sequence of str
        Further columns of ``labels.csv`` whose values part the images into subgroups; ``age`` into
        bands.
    progress : callable, optional
        Called with (done, all) after every image.

    Returns
    -------
    FolderEvaluation

    Raises
    ------
    DataError
        The folder cannot be used, has a label that is neither a class nor in `negatives` or no
        column of `by`, or no image of it can be read.
    BundleError
        See `bundles.find_bundle`.
    """
    manifest = read_manifest(folder)
    model = find_bundle(bundle)
    # What cannot be compared is told before any image is read.
    check_labels(
        [image.label for image in manifest.images],
        model.description.classes,
        positive,
        negatives,
    )
    check_columns(manifest, by)
    answers = _answer_all(manifest, model, progress)
    read = [(i, a) for i, a in zip(manifest.images, answers, strict=True) if a is not None]
    unreadable = tuple(i.file for i, a in zip(manifest.images, answers, strict=True) if a is None)
    if not read:
        raise DataError(
            f"{folder}: none of its {len(manifest.images)} images can be read; "
            "`pneumoscope diagnose` says of each why"
        )
    probabilities = np.array([answer.probabilities for _, answer in read])
    images, labels = [image for image, _ in read], [image.label for image, _ in read]
    classes, patients = model.description.classes, [image.patient_id for image in images]
    summary = evaluate_predictions(
        probabilities,
        labels,
        classes,
        patients=patients,
        positive=positive,
        negatives=negatives,
        abstained=sum(answer.abstained for _, answer in read),
        in_training=sum(answer.in_training for _, answer in read),
    )
    figures = evaluate_figures(
        probabilities,
        labels,
        classes,
        patients=patients,
        positive=positive,
        negatives=negatives,
        groups={column: group_names(images, column) for column in by},
    )
    return FolderEvaluation(
        bundle=model.identity,
        folder=folder.resolve().name,
        images=len(manifest.images),
        unreadable=unreadable,
        has_patients=manifest.has_patients,
        summary=summary,
        figures=figures,
        operating_point=_measured(model, probabilities, labels, positive),
        warnings=tuple(_warnings(manifest, summary, unreadable)),
    )


def _measured(
    model: Bundle, probabilities: NDArray[np.float64], labels: Sequence[str], positive: str | None
) -> tuple[OperatingPoint, Rates] | None:
    """Measure the bundle's threshold, where it is for the positive class."""
    point = model.description.operating_point
    if point is None or point.label != positive:
        return None
    column = model.description.classes.index(point.label)
    truth = np.array([label == positive for label in labels])
    return point.point(), rates_at_threshold(probabilities[:, column], truth, point.threshold)


def _answer_all(
    manifest: Manifest, model: Bundle, progress: Progress | None
) -> list[_Answer | None]:
    """Answer every image, in order; one core per image keeps decoding and network both busy."""
    reader = Reader(model, threads=1)
    answers = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for answer in pool.map(partial(_answer, reader), manifest.images):
            answers.append(answer)
            if progress is not None:
                progress(len(answers), len(manifest.images))
    return answers


def _answer(reader: Reader, image: LabelledImage) -> _Answer | None:
    """Score an image; None where it cannot be read."""
    try:
        radiograph = read_radiograph(image.path)
    except ImageError:
        return None
    return _Answer(
        probabilities=tuple(reader.score(radiograph).probabilities.values()),
        abstained=unsuitable(radiograph) is not None,
        in_training=fingerprint(radiograph.pixels) in reader.bundle.training_images,
    )


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
            f"{summary.abstained} of {summary.n} images would be refused by diagnose (modality, "
            "body part or view in the header); they are scored all the same."
        )
    if not manifest.has_patients:
        warnings.append(
            "No patient is known: every image counts as its own, and the intervals are too narrow "
            "if some share one."
        )
    return warnings
