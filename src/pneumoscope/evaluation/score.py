"""What one or more bundles say of every image of a labelled folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle
from pneumoscope.errors import DataError, ImageError
from pneumoscope.evaluation.manifest import LabelledImage, Manifest
from pneumoscope.evaluation.overlap import Seen, TrainingOverlap, seen_in_training
from pneumoscope.findings import About, Decision, Message, Radiograph, Value
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import available_cores
from pneumoscope.workflow import Reader

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredFolder:
    """The readable images of a folder, and what the bundles say of them.

    Attributes
    ----------
    manifest : Manifest
        What the folder lists.
    images : tuple of LabelledImage
        Those that could be read, in its order.
    unreadable : tuple of str
        The others.
    probabilities : tuple of ndarray of float64, shape (images, classes)
        Calibrated, one array per bundle, its columns in the order of the first bundle's classes.
    decisions : tuple of tuple of Decision
        For each bundle, what it says of each image.
    abstained : int
        How many of the images `diagnose` would refuse with one of the bundles.
    overlaps : tuple of TrainingOverlap
        For each bundle, which of the images trained or tuned it.
    """

    manifest: Manifest
    images: tuple[LabelledImage, ...]
    unreadable: tuple[str, ...]
    probabilities: tuple[NDArray[np.float64], ...]
    decisions: tuple[tuple[Decision, ...], ...]
    abstained: int
    overlaps: tuple[TrainingOverlap, ...]

    @property
    def labels(self) -> list[str]:
        """The true label of each readable image."""
        return [image.label for image in self.images]

    @property
    def patients(self) -> list[str]:
        """The patient of each readable image."""
        return [image.patient_id for image in self.images]

    @property
    def warnings(self) -> tuple[Message, ...]:
        """What a reader of any figures over these images must know."""
        warnings = list(self.manifest.warnings)
        listed, n = len(self.manifest.images), len(self.images)
        if self.unreadable:
            told: dict[str, Value] = {
                "count": len(self.unreadable),
                "images": listed,
                "first": self.unreadable[0],
            }
            warnings.append(Message("images_not_readable", About.DATA, told))
        if self.abstained:
            refused = {"count": self.abstained, "images": n}
            warnings.append(Message("images_refused", About.DATA, refused))
        if not self.manifest.has_patients:
            warnings.append(Message("intervals_without_patients", About.DATA))
        return tuple(warnings)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What each bundle says of one image, and whether `diagnose` would refuse to say it."""

    decisions: tuple[Decision, ...]
    abstained: bool
    seen: tuple[Seen, ...]


def score_folder(
    folder: Path,
    manifest: Manifest,
    bundles: Sequence[Bundle],
    progress: Progress | None,
    *,
    age_group: str | None = None,
) -> ScoredFolder:
    """Score every readable image, each decoded once for all bundles.

    Age and view are those of the columns `age` and `view` of ``labels.csv``, else of the header.

    Parameters
    ----------
    folder : Path
        Where the images lie.
    manifest : Manifest
        Of that folder.
    bundles : sequence of Bundle
        At least one; all read the same kind of images, and have the same classes, in any order.
    progress : callable or None
        Called with (done, all) after every image.
    age_group : str or None
        Of the images whose age is not known; by default the image itself tells it.

    Raises
    ------
    DataError
        No image can be read, or no bundle has this age group; see `usual_ages`.
    """
    usual = usual_ages(bundles, age_group)
    answers = _answer_all(manifest, bundles, usual, progress)
    kept = [(i, a) for i, a in zip(manifest.images, answers, strict=True) if a is not None]
    if not kept:
        raise DataError(
            f"{folder}: none of its {len(manifest.images)} images can be read; "
            "`pneumoscope diagnose` says of each why"
        )
    per_bundle = range(len(bundles))
    classes = bundles[0].description.classes
    decisions = tuple(tuple(answer.decisions[i] for _, answer in kept) for i in per_bundle)
    return ScoredFolder(
        manifest=manifest,
        images=tuple(image for image, _ in kept),
        unreadable=tuple(
            i.file for i, a in zip(manifest.images, answers, strict=True) if a is None
        ),
        probabilities=tuple(
            np.array([[one.probabilities[name] for name in classes] for one in of_bundle])
            for of_bundle in decisions
        ),
        decisions=decisions,
        abstained=sum(answer.abstained for _, answer in kept),
        overlaps=tuple(
            TrainingOverlap(
                files=tuple(image.file for image, _ in kept),
                seen=tuple(answer.seen[index] for _, answer in kept),
                near_known=len(bundles[index].training_hashes) > 0,
            )
            for index in per_bundle
        ),
    )


def usual_ages(bundles: Sequence[Bundle], age_group: str | None) -> tuple[float | None, ...]:
    """Give for each bundle an age of the stated group, for images whose own age is not known.

    Raises
    ------
    DataError
        A bundle of several age groups has none of this name, or all have one group only.
    """
    if age_group is None:
        return (None,) * len(bundles)
    usual = []
    for bundle in bundles:
        youngest = {group.name: group.from_age for group in bundle.description.age_groups}
        if len(youngest) > 1 and age_group not in youngest:
            raise DataError(
                f"age group {age_group!r} is not one of the bundle {bundle.description.name}'s "
                f"({', '.join(youngest)}); name one of them"
            )
        usual.append(youngest.get(age_group))
    if usual == [None] * len(bundles):
        raise DataError(
            f"age group {age_group!r}: the bundle reads all ages alike; leave the age group out"
        )
    return tuple(usual)


def known_age(image: LabelledImage, radiograph: Radiograph, usual: float | None) -> float | None:
    """Take the age of ``labels.csv``, else the header's, else the usual one; in years."""
    stated = radiograph.patient.age if image.age is None else image.age
    return usual if stated is None else stated


def _answer_all(
    manifest: Manifest,
    bundles: Sequence[Bundle],
    usual: Sequence[float | None],
    progress: Progress | None,
) -> list[_Answer | None]:
    """Answer every image, in order; one core per image keeps decoding and network both busy."""
    readers = [Reader(bundle, threads=1) for bundle in bundles]
    answers = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for answer in pool.map(partial(_answer, readers, usual), manifest.images):
            answers.append(answer)
            if progress is not None:
                progress(len(answers), len(manifest.images))
    return answers


def _answer(
    readers: Sequence[Reader], usual: Sequence[float | None], image: LabelledImage
) -> _Answer | None:
    """Score an image; None where it cannot be read."""
    try:
        radiograph = read_radiograph(image.path)
    except ImageError:
        return None
    judged = [
        reader.judge(radiograph, age=known_age(image, radiograph, other), view=image.view)
        for reader, other in zip(readers, usual, strict=True)
    ]
    return _Answer(
        decisions=tuple(decision for decision, _ in judged),
        abstained=any(abstention is not None for _, abstention in judged),
        seen=seen_in_training(radiograph.pixels, [reader.bundle for reader in readers]),
    )
