"""A bundle against a labelled folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumoscope.bundles import find_bundle
from pneumoscope.evaluation.columns import check_columns, group_names
from pneumoscope.evaluation.decisions import MeasuredDecisions, measure_decisions
from pneumoscope.evaluation.manifest import PATIENT_COLUMN, read_manifest
from pneumoscope.evaluation.overlap import TrainingOverlap
from pneumoscope.evaluation.saliency import LABEL, FolderSaliency, boxed_images, look_at_folder
from pneumoscope.evaluation.score import Progress, ScoredFolder, score_folder
from pneumoscope.findings import BundleIdentity, Message
from pneumoscope.metrics import (
    EvaluationFigures,
    EvaluationSummary,
    check_labels,
    evaluate_figures,
    evaluate_predictions,
)
from pneumoscope.workflow import leak_warnings


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
    patient_column : str or None
        The column that tells which images share a patient; None where that is not known.
    where : mapping of str to str
        The columns and values that these images were chosen by.
    summary : EvaluationSummary
        The metrics over the readable images.
    overlap : TrainingOverlap
        Which of these images the bundle was trained on.
    without_overlap : EvaluationSummary or None
        The metrics over the others; None where nothing overlaps, or no other is left.
    figures : EvaluationFigures
        Curves, rates per class and subgroups of the same images.
    decisions : MeasuredDecisions
        What the bundle's thresholds and prediction sets give here, and which profiles were used.
    saliency : FolderSaliency or None
        Where the heatmaps look, where boxes were given.
    warnings : tuple of Message
        What a reader of the figures must know.
    """

    bundle: BundleIdentity
    folder: str
    images: int
    unreadable: tuple[str, ...]
    patient_column: str | None
    where: Mapping[str, str]
    summary: EvaluationSummary
    overlap: TrainingOverlap
    without_overlap: EvaluationSummary | None
    figures: EvaluationFigures
    decisions: MeasuredDecisions
    saliency: FolderSaliency | None
    warnings: tuple[Message, ...]


def evaluate_folder(
    folder: Path,
    *,
    bundle: str | None = None,
    positive: str | None = None,
    negatives: Collection[str] = (),
    by: Sequence[str] = (),
    boxes: Path | None = None,
    age_group: str | None = None,
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> FolderEvaluation:
    """Score every readable image of a labelled folder.

    Also those that `diagnose` would refuse: they are counted, not left out.

    Parameters
    ----------
    folder : Path
        Holds ``labels.csv`` or class folders; see `read_manifest`.
    bundle : str, optional
        A bundle's name or folder; by default the packaged one.
    positive : str, optional
        The class that is told from the rest.
    negatives : collection of str
        Labels without a class in the bundle that count as "the rest".
    by : sequence of str
        Further columns of ``labels.csv`` whose values part the images into subgroups; ``age`` into
        bands.
    boxes : Path, optional
        A CSV file of readers' boxes: the images that have any are read once more, to measure where
        the heatmaps of `positive` (by default PNEUMONIA) look; see `saliency_folder`.
    age_group : str, optional
        One of the bundle's, for images whose age neither the column `age` of ``labels.csv`` nor the
        header states; by default the image itself tells it.
    patient_column, where
        See `read_manifest`.
    progress : callable, optional
        Called with (done, all) after every image.

    Returns
    -------
    FolderEvaluation

    Raises
    ------
    DataError
        The folder or the boxes cannot be used, it has a label that is neither a class nor in
        `negatives` or no column of `by`, the bundle has no such age group, or no image of the
        folder (or none with boxes) can be read.
    BundleError
        See `bundles.find_bundle`.
    """
    manifest = read_manifest(folder, patient_column=patient_column, where=where)
    model = find_bundle(bundle)
    classes = model.description.classes
    # What cannot be compared is told before any image is read.
    check_labels([image.label for image in manifest.images], classes, positive, negatives)
    check_columns(manifest, by)
    label = positive or LABEL
    boxed = None if boxes is None else boxed_images(boxes, manifest, model, label)
    scored = score_folder(folder, manifest, [model], progress, age_group=age_group)
    probabilities, overlap = scored.probabilities[0], scored.overlaps[0]
    summary = evaluate_predictions(
        probabilities,
        scored.labels,
        classes,
        patients=scored.patients,
        positive=positive,
        negatives=negatives,
        abstained=scored.abstained,
        in_training=len(overlap.identical),
        near_training=None if overlap.near is None else len(overlap.near),
    )
    figures = evaluate_figures(
        probabilities,
        scored.labels,
        classes,
        patients=scored.patients,
        positive=positive,
        negatives=negatives,
        groups={column: group_names(scored.images, column) for column in by},
    )
    saliency = None
    if boxed is not None:
        saliency = look_at_folder(
            boxed, manifest, model, label=label, by=by, age_group=age_group, progress=progress
        )
    return FolderEvaluation(
        bundle=model.identity,
        folder=folder.resolve().name,
        images=len(manifest.images),
        unreadable=scored.unreadable,
        patient_column=manifest.patient_column,
        where=manifest.where,
        summary=summary,
        overlap=overlap,
        without_overlap=_without_overlap(scored, classes, positive, negatives),
        figures=figures,
        decisions=measure_decisions(
            scored.decisions[0], scored.labels, scored.patients, positive=positive
        ),
        saliency=saliency,
        warnings=(
            *leak_warnings(model),
            *overlap.warning(),
            *scored.warnings,
        ),
    )


def _without_overlap(
    scored: ScoredFolder, classes: Sequence[str], positive: str | None, negatives: Collection[str]
) -> EvaluationSummary | None:
    """Measure the images that are new to the bundle, where others are not."""
    fresh = scored.overlaps[0].fresh
    if fresh.all() or not fresh.any():
        return None
    rows = np.flatnonzero(fresh)
    return evaluate_predictions(
        scored.probabilities[0][rows],
        [scored.labels[row] for row in rows],
        classes,
        patients=[scored.patients[row] for row in rows],
        positive=positive,
        negatives=negatives,
    )
