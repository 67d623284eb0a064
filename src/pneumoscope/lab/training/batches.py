"""A run's batches, whole or one process's share of them, and the weights of the classes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from torch.utils.data import Sampler

from pneumoscope.errors import RecipeError
from pneumoscope.lab.datasets import Draw, EpochSampler, PrefetchingLoader, RadiographDataset
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
    )
    whole = len(sampler) // settings.batch_size * settings.batch_size
    return PrefetchingLoader(
        RadiographDataset(data.collection, part, recipe.input.spec, recipe.augmentation),
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
        RadiographDataset(data.collection, part, recipe.input.spec),
        batches=[batch.tolist() for batch in batches[process.rank :: process.count]],
    )


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
