"""Two bundles against the same labelled folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.errors import BundleError
from pneumoscope.evaluation.manifest import PATIENT_COLUMN, read_manifest
from pneumoscope.evaluation.overlap import TrainingOverlap
from pneumoscope.evaluation.score import Progress, ScoredFolder, score_folder
from pneumoscope.findings import About, BundleIdentity, Message
from pneumoscope.metrics import ComparisonSummary, check_labels, compare_predictions
from pneumoscope.workflow import leak_warnings


@dataclass(frozen=True, slots=True, eq=False)
class FolderComparison:
    """What `compare_folder` found.

    Attributes
    ----------
    a, b : BundleIdentity
        The models.
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
    abstained : int
        How many of the readable images `diagnose` would refuse.
    overlaps : tuple of TrainingOverlap
        Which of the readable images were in the training of a, and of b.
    summary : ComparisonSummary
        The differences and tests over the readable images.
    without_overlap : ComparisonSummary or None
        Those over the images that are new to both; None where nothing overlaps, or no image is new.
    warnings : tuple of Message
        What a reader of the figures must know.
    """

    a: BundleIdentity
    b: BundleIdentity
    folder: str
    images: int
    unreadable: tuple[str, ...]
    patient_column: str | None
    where: Mapping[str, str]
    abstained: int
    overlaps: tuple[TrainingOverlap, TrainingOverlap]
    summary: ComparisonSummary
    without_overlap: ComparisonSummary | None
    warnings: tuple[Message, ...]


def compare_folder(
    folder: Path,
    a: str,
    b: str,
    *,
    positive: str | None = None,
    negatives: Collection[str] = (),
    age_group: str | None = None,
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> FolderComparison:
    """Score every readable image of a labelled folder with two bundles, and compare them.

    Each image is decoded once. Also those are scored that `diagnose` would refuse.

    Parameters
    ----------
    folder : Path
        Holds ``labels.csv`` or class folders; see `read_manifest`.
    a, b : str
        Each a bundle's name or folder.
    positive : str, optional
        The class that is told from the rest.
    negatives : collection of str
        Labels without a class in the bundles that count as "the rest".
    age_group : str, optional
        Of images whose age neither the column `age` of ``labels.csv`` nor the header states; by
        default the image itself tells it. A bundle that reads all ages alike takes no notice.
    patient_column, where
        See `read_manifest`.
    progress : callable, optional
        Called with (done, all) after every image.

    Returns
    -------
    FolderComparison
        Its differences are a minus b.

    Raises
    ------
    DataError
        The folder cannot be used, has a label that is neither a class nor in `negatives`, a bundle
        has no such age group, or no image of the folder can be read.
    BundleError
        See `bundles.find_bundle`; also if the bundles do not have the same classes (their order
        does not matter), or read other images.
    """
    manifest = read_manifest(folder, patient_column=patient_column, where=where)
    first, second = find_bundle(a), find_bundle(b)
    _check_alike(first, second)
    classes = first.description.classes
    # What cannot be compared is told before any image is read.
    check_labels([image.label for image in manifest.images], classes, positive, negatives)
    scored = score_folder(folder, manifest, [first, second], progress, age_group=age_group)

    def compare(rows: NDArray[np.bool_]) -> ComparisonSummary:
        return _compare(scored, rows, classes, positive, negatives)

    overlaps = scored.overlaps[0], scored.overlaps[1]
    fresh = overlaps[0].fresh & overlaps[1].fresh
    return FolderComparison(
        a=first.identity,
        b=second.identity,
        folder=folder.resolve().name,
        images=len(manifest.images),
        unreadable=scored.unreadable,
        patient_column=manifest.patient_column,
        where=manifest.where,
        abstained=scored.abstained,
        overlaps=overlaps,
        summary=compare(np.ones_like(fresh)),
        without_overlap=compare(fresh) if fresh.any() and not fresh.all() else None,
        warnings=(
            *leak_warnings(first, second),
            *_own_warnings(first, second, overlaps),
            *scored.warnings,
        ),
    )


def _check_alike(first: Bundle, second: Bundle) -> None:
    if first.description.reads is not second.description.reads:
        raise BundleError(
            f"the bundles {first.folder} and {second.folder} read different images "
            f"({first.description.reads}s and {second.description.reads}s): compare bundles of one"
        )
    classes = [bundle.description.classes for bundle in (first, second)]
    if set(classes[0]) != set(classes[1]):
        told = " and ".join(f"({', '.join(names)})" for names in classes)
        raise BundleError(
            f"the bundles {first.folder} and {second.folder} have different classes, {told}: "
            "compare bundles of the same classes"
        )


def _compare(
    scored: ScoredFolder,
    which: NDArray[np.bool_],
    classes: Sequence[str],
    positive: str | None,
    negatives: Collection[str],
) -> ComparisonSummary:
    """Compare the two models on some of the images."""
    rows = np.flatnonzero(which)
    return compare_predictions(
        scored.probabilities[0][rows],
        scored.probabilities[1][rows],
        [scored.labels[row] for row in rows],
        classes,
        patients=[scored.patients[row] for row in rows],
        positive=positive,
        negatives=negatives,
    )


def _own_warnings(
    first: Bundle, second: Bundle, overlaps: tuple[TrainingOverlap, TrainingOverlap]
) -> list[Message]:
    warnings = [
        line
        for letter, overlap in zip("ab", overlaps, strict=True)
        for line in overlap.warning(letter)
    ]
    if first.sha256 == second.sha256:
        warnings.append(Message("same_bundle", About.MODEL))
    return warnings
