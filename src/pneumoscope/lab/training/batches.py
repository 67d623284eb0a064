"""A run's batches, whole or one process's share of them, and the weights of the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from pneumoscope.errors import RecipeError
from pneumoscope.lab.datasets import (
    Draw,
    EpochSampler,
    EvidenceLessons,
    Lesson,
    LungChanges,
    PrefetchingLoader,
    RadiographDataset,
    find_lungs,
)
from pneumoscope.lab.networks import EVIDENCE_STRIDE
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.processes import ALONE, Process
from pneumoscope.lab.training.recipe import Recipe


class SharedDraws(Sampler[Draw]):
    """One process's share of an epoch's draws: together the processes' batches are the recipe's.

    Parameters
    ----------
    sampler : EpochSampler
        The same in every process.
    whole : int
        Draws of an epoch that make whole batches, a multiple of the processes.
    process : Process
    """

    def __init__(self, sampler: EpochSampler, whole: int, process: Process) -> None:
        self.sampler = sampler
        self.whole = whole
        self.process = process

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return self.whole // self.process.count

    def __iter__(self) -> Iterator[Draw]:
        return islice(self.sampler, self.process.rank, self.whole, self.process.count)


def check_batches(recipe: Recipe, data: PreparedData) -> None:
    """Refuse a fold that cannot make the recipe's batches.

    Raises
    ------
    RecipeError
        An epoch has no full batch, or the stop part has fewer images than there are devices.
    """
    settings, stop = recipe.training, len(data.split.indices("stop"))
    drawn = settings.samples_per_epoch or len(data.split.indices("train"))
    if drawn < settings.batch_size:
        raise RecipeError(
            f"training: an epoch of {drawn} images has no full batch of "
            f"{settings.batch_size}; lower batch_size or raise samples_per_epoch"
        )
    if stop < settings.devices:
        raise RecipeError(
            f"training: the part that stops it has {stop} images, too few for "
            f"{settings.devices} device(s); give it a larger share"
        )


def training_loader(
    recipe: Recipe, data: PreparedData, process: Process = ALONE
) -> PrefetchingLoader:
    """Load the training part: drawn as the recipe says, augmented, in whole batches only.

    A normalisation layer cannot train on a last batch of one image.
    """
    settings, part = recipe.training, data.split.indices("train")
    sampler = EpochSampler(
        data.collection.sources[part],
        recipe.seed,
        samples=settings.samples_per_epoch,
        way="balanced" if settings.sampling == "balanced_sources" else "shuffle",
        weights=draw_weights(recipe, data, part) if _weighted(recipe) else None,
    )
    whole = len(sampler) // settings.batch_size * settings.batch_size
    return PrefetchingLoader(
        RadiographDataset(
            data.collection,
            part,
            recipe.input.spec,
            recipe.augmentation,
            evidence_lessons(recipe, data),
            _lung_changes(recipe, data, part),
        ),
        settings.batch_size // process.count,
        sampler=SharedDraws(sampler, whole, process),
    )


def stop_loader(recipe: Recipe, data: PreparedData, process: Process = ALONE) -> PrefetchingLoader:
    """Load the stop part as it is, every image in one process and once.

    The processes get batches of nearly the same size, not padded ones, and equally many: they wait
    for each other at every batch.
    """
    part = np.sort(data.split.indices("stop"))
    rounds = -(-len(part) // recipe.training.batch_size)
    batches = np.array_split(np.arange(len(part)), rounds * process.count)
    return PrefetchingLoader(
        RadiographDataset(
            data.collection, part, recipe.input.spec, lessons=evidence_lessons(recipe, data)
        ),
        batches=[batch.tolist() for batch in batches[process.rank :: process.count]],
    )


def _lung_changes(
    recipe: Recipe, data: PreparedData, part: NDArray[np.int64]
) -> LungChanges | None:
    """Find the lungs of a part's whole radiographs, where the recipe changes any."""
    ranges = recipe.augmentation
    cut_out = frozenset(i for i, source in enumerate(recipe.sources) if source.cut_out)
    if ranges is None or not (cut_out or ranges.only_lungs or ranges.hidden_lungs):
        return None
    whole = np.unique(part[~np.isin(data.collection.sources[part], list(cut_out))])
    masks = find_lungs(data.collection, whole) if ranges.only_lungs + ranges.hidden_lungs else {}
    return LungChanges(masks, cut_out, ranges.only_lungs, ranges.hidden_lungs)


def _weighted(recipe: Recipe) -> bool:
    """Whether a source says how it is drawn; otherwise all are drawn equally often."""
    return any(s.share != 1 or s.balance or s.patient_cap is not None for s in recipe.sources)


def draw_weights(
    recipe: Recipe, data: PreparedData, part: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How often each image of a part is drawn beside the others, as its source says.

    Parameters
    ----------
    recipe : Recipe
    data : PreparedData
    part : ndarray of int64, shape (images,)
        Positions in the collection.

    Returns
    -------
    ndarray of float64, shape (images,)
        The weights of a source sum to its `share`.

    Raises
    ------
    RecipeError
        A column to be balanced does not exist.
    """
    collection = data.collection
    weights = np.ones(len(part))
    for number, source in enumerate(recipe.sources):
        mine = np.flatnonzero(collection.sources[part] == number)
        rows = part[mine].tolist()
        if not rows:
            continue
        cells = [tuple(_cell(recipe, data, row, c) for c in source.balance) for row in rows]
        drawn = 1 / np.array([Counter(cells)[cell] for cell in cells])
        if source.patient_cap is not None:
            images = Counter(collection.patients[row] for row in rows)
            counts = np.array([images[collection.patients[row]] for row in rows])
            drawn *= np.minimum(1, source.patient_cap / counts)
        weights[mine] = source.share * drawn / drawn.sum()
    return weights


def _cell(recipe: Recipe, data: PreparedData, row: int, column: str) -> str:
    """Value of a column that a source balances, of one image."""
    if column == "label":
        return recipe.classes[int(data.collection.labels[row])]
    try:
        return data.collection.extra[row][column]
    except KeyError:
        name = recipe.sources[int(data.collection.sources[row])].name
        raise RecipeError(
            f"source {name!r}: balance: labels.csv has no column {column!r}; name one of it"
        ) from None


def evidence_lessons(recipe: Recipe, data: PreparedData) -> EvidenceLessons | None:
    """Say what each image teaches each map of evidence; None for a recipe without maps.

    A source with boxes has all of them: its images without are exact negatives of the shown class.
    Of a class without boxes only the label is known, and of an image with another finding nothing.
    The first class of the recipe is the one without a finding.
    """
    wanted = recipe.evidence
    if wanted is None:
        return None
    labels, sources = data.collection.labels, data.collection.sources
    lessons = np.full((len(labels), len(wanted.classes)), Lesson.NOTHING, dtype=np.int8)
    lessons[labels == 0] = Lesson.ABSENT
    for column, name in enumerate(wanted.classes):
        lessons[labels == recipe.classes.index(name), column] = Lesson.SOMEWHERE
        if name == wanted.shown:
            with_boxes = np.array([source.boxes is not None for source in recipe.sources])
            other = with_boxes[sources] & (labels != recipe.classes.index(name))
            lessons[other, column] = Lesson.ABSENT
            boxed = np.array(sorted(data.boxes), dtype=np.int64)
            lessons[boxed, column] = Lesson.BOXES
    return EvidenceLessons(lessons, data.boxes, recipe.input.size // EVIDENCE_STRIDE)


def class_weights(recipe: Recipe, data: PreparedData) -> list[float] | None:
    """Weigh the classes as the recipe says; "balanced" gives each the same total.

    Raises
    ------
    RecipeError
        A class to be balanced has no image in the train part.
    """
    stated = recipe.training.class_weights
    if stated is None:
        return None
    if isinstance(stated, dict):
        return [stated[name] for name in recipe.classes]
    labels = data.collection.labels[data.split.indices("train")]
    counts = np.bincount(labels, minlength=len(recipe.classes))
    if not counts.all():
        missing = recipe.classes[int(counts.argmin())]
        raise RecipeError(
            f"training.class_weights: no image of {missing} is in the train part, so it cannot be "
            "balanced; state the weights by class"
        )
    return (len(labels) / (len(counts) * counts)).tolist()
