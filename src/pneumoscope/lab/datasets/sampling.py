"""Which images an epoch shows and how each is changed: a function of seed, epoch and place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Way = Literal["balanced", "shuffle"]

# First words of the spawn keys: the order of an epoch and the change of an image share no numbers.
_ORDER, _CHANGE = 0, 1


class Draw(NamedTuple):
    """One place of an epoch: the item shown there, and the seed of its random change."""

    item: int
    seed: int
    epoch: int
    place: int

    def generator(self) -> np.random.Generator:
        """Give the generator of this place, equal at every call."""
        return _generator(self.seed, _CHANGE, self.epoch, self.place)


class EpochSampler(Sampler[Draw]):
    """Draws the items of an epoch.

    An epoch depends on the seed and its number only, not on earlier epochs or on torch's
    generators: a run that is resumed at an epoch draws what it would have drawn without a break.
    Lightning sets the epoch before it begins.

    Parameters
    ----------
    sources : ndarray of int64, shape (items,)
        Source index of each item.
    seed : int
        Same seed, same epochs.
    samples : int or None
        Draws per epoch; None for as many as there are items. "shuffle" takes None only.
    way : {"balanced", "shuffle"}
        With replacement, every source equally often; or every item once.
    weights : ndarray of float64, shape (items,), or None
        How often "balanced" draws each item beside the others, above 0; None for every source
        equally often.
    """

    def __init__(
        self,
        sources: NDArray[np.int64],
        seed: int,
        *,
        samples: int | None = None,
        way: Way = "balanced",
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        if way == "shuffle" and samples is not None:
            raise ValueError("shuffle shows every item once; samples must be None")
        self.sources = sources
        self.seed = seed
        self.samples = samples
        self.way = way
        self.weights = 1 / np.bincount(sources)[sources] if weights is None else weights
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.samples or len(self.sources)

    def __iter__(self) -> Iterator[Draw]:
        epoch = self.epoch
        for place, item in enumerate(self._items(epoch).tolist()):
            yield Draw(item, self.seed, epoch, place)

    def _items(self, epoch: int) -> NDArray[np.int64]:
        rng = _generator(self.seed, _ORDER, epoch)
        items = len(self.sources)
        if self.way == "shuffle":
            return rng.permutation(items)
        return rng.choice(items, size=len(self), p=self.weights / self.weights.sum())


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
