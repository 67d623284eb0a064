"""What the studies of Baral 2025 run on: two open sets, or the authors' own where it is at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import DataError
from pneumoscope.evaluation import LabelledImage, read_manifest
from pneumoscope.lab.datasets import By, DataIdentity, identify
from pneumoscope.lab.studies.answers import Answers
from pneumoscope.lab.studies.baral2025_figures import published
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context

OPEN_SETS = ("guangzhou", "rsna")
AUTHORS_SET = "baral2025"
OFFICIAL = "official_split"
_COUNTS = "images of the authors' set"


@dataclass(frozen=True, slots=True)
class StudySet:
    """What the studies run on.

    Attributes
    ----------
    sources : tuple of str
        The folders.
    sides : tuple of str
        What it is split by, "image" or "patient"; where a scale trains one of them, the last.
    recipe : mapping
        What the recipe has to say of the sources, by dotted names.
    told : str
        For the page: what a reader must know of the data.
    """

    sources: tuple[str, ...]
    sides: tuple[By, ...]
    recipe: Mapping[str, Any]
    told: str

    @property
    def drawn(self) -> str:
        """What an interval over the test set draws."""
        return "patients" if "patient" in self.sides else "images"


@dataclass(frozen=True, slots=True, eq=False)
class StudyData:
    """The images of a set, far enough read to split them.

    Attributes
    ----------
    identity : DataIdentity
    test : ndarray of int64, or None
        Positions of an official test set; None where the test set is drawn.
    """

    identity: DataIdentity
    test: NDArray[np.int64] | None = None


_OPEN = StudySet(
    sources=OPEN_SETS,
    sides=("image", "patient"),
    recipe={},
    told=(
        "**The data differ.** Baral 2025 has 17,229 images of a merged public set (Kaggle, "
        "`moazeldsokyx`), which was not at hand and whose patients are not known. Here the three "
        "classes come from two sets whose patients are known: children from Guangzhou (NORMAL, "
        "PNEUMONIA) and adults of the RSNA challenge (NORMAL, ABNORMAL, PNEUMONIA). All ABNORMAL "
        "images are of adults, so telling the source helps to tell the class: the accuracy on the "
        "adults alone is the harder figure. The share of the test set is the published one, 2,229 "
        "of 17,229. The publication groups no patients; *by image* is its protocol, *by patient* "
        "the honest one."
    ),
)
_AUTHORS = StudySet(
    sources=(AUTHORS_SET,),
    sides=("image",),
    recipe={
        "sources": [
            {
                "name": AUTHORS_SET,
                "folder": AUTHORS_SET,
                "population": "not stated",
                "licence": "as the set's page on Kaggle (moazeldsokyx) states",
                "limits": ["no patients are known: images of one may be in several parts"],
            }
        ]
    },
    told=(
        "**The data are the authors' own set** (Kaggle, `moazeldsokyx`), with its own folder of "
        "test images. Its patients are not known, so it is split *by image* alone: images of one "
        "patient may be in several parts, and a high figure may come from patients whom the "
        "network has seen. **The folds need not be the published ones.** Those of Monte Carlo and "
        "the bootstrap are others, as the authors' program seeds them with 42 times the number of "
        "the iteration. Whether those of k-fold are the published ones cannot be known, as the "
        "program divides the files in the order in which a file system listed them."
    ),
)


def study_set(context: Context) -> StudySet:
    """What a study runs on by its context."""
    return _AUTHORS if context.data_set == AUTHORS_SET else _OPEN


def read_authors_set(folder: Path) -> tuple[LabelledImage, ...]:
    """List the images of the authors' set, each with its official part.

    Raises
    ------
    DataError
        The folder cannot be used, or its table does not tell the official test set: no other is
        drawn in its place.
    """
    images = read_manifest(folder).images
    if {image.extra.get(OFFICIAL) for image in images} != {"train", "test"}:
        raise DataError(
            f"{folder}: labels.csv needs a column {OFFICIAL} with train or test for each image, "
            "and both must occur; make it as docs/how-to/lay-out-the-public-sets.md shows"
        )
    return images


def identify_sources(context: Context) -> tuple[StudyData, Answers]:
    """Read the images far enough to split them; begin the answers with their checksum.

    Raises
    ------
    DataError
        See `identify` and `read_authors_set`.
    """
    chosen = study_set(context)
    test = None
    if chosen is _AUTHORS:
        # First, as it takes a moment and reading the images minutes. None is left out later, so
        # the positions stay.
        listed = read_authors_set(context.data / AUTHORS_SET)
        test = np.flatnonzero([image.extra[OFFICIAL] == "test" for image in listed])
    identity = identify([context.data / name for name in chosen.sources])
    told = f"sha256 {identity.sha256[:16]}, {len(identity.files)} images"
    answers = Answers(sources={", ".join(chosen.sources): told})
    if test is not None:
        answers.facts[_COUNTS] = _counts(identity, test)
    return StudyData(identity, test), answers


def _counts(identity: DataIdentity, test: NDArray[np.int64]) -> dict[str, Any]:
    """Count the images, those of the test set by class, and those whose picture is in both."""
    pictures = np.array(identity.fingerprints)
    copies = np.isin(pictures[test], np.delete(pictures, test))
    labels = Counter(identity.strata[position].rpartition(" ")[2] for position in test.tolist())
    return {
        "total": len(identity.files),
        "test": len(test),
        "test by class": dict(sorted(labels.items())),
        "test, copies": int(copies.sum()),
    }


def write_data(context: Context, answers: Answers, page: Page) -> None:
    """Tell what the data are, and of the authors' set whether it is the published release."""
    page.text(study_set(context).told)
    if context.data_set != AUTHORS_SET:
        return
    counts = answers.facts[_COUNTS]
    said = published()
    classes = sorted(said.headline.confusion)
    by_class = said.headline.counts(classes).sum(axis=1)
    rows = [
        ("all", said.images.total, counts["total"]),
        ("in the test set", said.images.test, counts["test"]),
        *(
            (f"{name} in the test set", int(number), counts["test by class"].get(name, 0))
            for name, number in zip(classes, by_class, strict=True)
        ),
    ]
    page.table(
        ["images", "published", "here"],
        [[name, page.published(f"{there:,}"), f"{here:,}"] for name, there, here in rows],
    )
    if any(there != here for _, there, here in rows):
        page.published_text(
            "**This is another release of the set**, so the published figures are not of it."
        )
    page.text(
        "Images of the test set that have the same pixels as one outside it: "
        f"{counts['test, copies']:,}. A copy that was stored again in another size or quality is "
        "not counted."
    )
    page.values(_COUNTS, counts)
