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
from pneumoscope.evaluation import LabelledImage, Manifest
from pneumoscope.imaging import read_radiograph, unsuitable
from pneumoscope.inference import available_cores
from pneumoscope.workflow.diagnose import Reader
from pneumoscope.workflow.overlap import Seen, TrainingOverlap, seen_in_training

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
    abstained : int
        How many of the images `diagnose` would refuse by their header or their look.
    overlaps : tuple of TrainingOverlap
        For each bundle, which of the images trained or tuned it.
    """

    manifest: Manifest
    images: tuple[LabelledImage, ...]
    unreadable: tuple[str, ...]
    probabilities: tuple[NDArray[np.float64], ...]
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
    def warnings(self) -> tuple[str, ...]:
        """What a reader of any figures over these images must know."""
        warnings = list(self.manifest.warnings)
        listed, n = len(self.manifest.images), len(self.images)
        if self.unreadable:
            warnings.append(
                f"{len(self.unreadable)} of {listed} images could not be read and are in no "
                f"figure, the first being {self.unreadable[0]}."
            )
        if self.abstained:
            warnings.append(
                f"{self.abstained} of {n} images would be refused by diagnose (modality, body part "
                "or view, by the header or the look of the picture); they are scored all the same."
            )
        if not self.manifest.has_patients:
            warnings.append(
                "No patient is known: every image counts as its own, and the intervals are too "
                "narrow if some share one."
            )
        return tuple(warnings)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What each bundle says of one image, and whether `diagnose` would refuse to say it."""

    probabilities: tuple[tuple[float, ...], ...]
    abstained: bool
    seen: tuple[Seen, ...]


def score_folder(
    folder: Path, manifest: Manifest, bundles: Sequence[Bundle], progress: Progress | None
) -> ScoredFolder:
    """Score every readable image, each decoded once for all bundles.

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

    Raises
    ------
    DataError
        No image can be read.
    """
    answers = _answer_all(manifest, bundles, progress)
    kept = [(i, a) for i, a in zip(manifest.images, answers, strict=True) if a is not None]
    if not kept:
        raise DataError(
            f"{folder}: none of its {len(manifest.images)} images can be read; "
            "`pneumoscope diagnose` says of each why"
        )
    per_bundle = range(len(bundles))
    return ScoredFolder(
        manifest=manifest,
        images=tuple(image for image, _ in kept),
        unreadable=tuple(
            i.file for i, a in zip(manifest.images, answers, strict=True) if a is None
        ),
        probabilities=tuple(
            np.array([answer.probabilities[index] for _, answer in kept]) for index in per_bundle
        ),
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


def _answer_all(
    manifest: Manifest, bundles: Sequence[Bundle], progress: Progress | None
) -> list[_Answer | None]:
    """Answer every image, in order; one core per image keeps decoding and network both busy."""
    readers = [Reader(bundle, threads=1) for bundle in bundles]
    answers = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for answer in pool.map(partial(_answer, readers), manifest.images):
            answers.append(answer)
            if progress is not None:
                progress(len(answers), len(manifest.images))
    return answers


def _answer(readers: Sequence[Reader], image: LabelledImage) -> _Answer | None:
    """Score an image; None where it cannot be read."""
    try:
        radiograph = read_radiograph(image.path)
    except ImageError:
        return None
    classes = readers[0].bundle.description.classes
    stated = [reader.score(radiograph).probabilities for reader in readers]
    return _Answer(
        probabilities=tuple(tuple(each[name] for name in classes) for each in stated),
        abstained=unsuitable(radiograph, readers[0].bundle.description.reads) is not None,
        seen=seen_in_training(radiograph.pixels, [reader.bundle for reader in readers]),
    )
