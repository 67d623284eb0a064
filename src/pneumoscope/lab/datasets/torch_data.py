"""Collections as torch data sets, and the draw that balances their sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, WeightedRandomSampler

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import equalise
from pneumoscope.lab.datasets.augmentation import Augmentation, augment
from pneumoscope.lab.datasets.collection import Collection

Sample = tuple[Tensor, Tensor, Tensor]


class RadiographDataset(Dataset[Sample]):
    """Images (3, size, size) in 0..1, label index and source index of one part of a collection.

    Parameters
    ----------
    collection : Collection
    indices : ndarray of int64
        Which images.
    spec : InputSpec
        Its size is the collection's.
    augmentation : Augmentation or None
        None leaves the images as they are. The draws follow torch's seed.
    """

    def __init__(
        self,
        collection: Collection,
        indices: NDArray[np.int64],
        spec: InputSpec,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.collection = collection
        self.indices = indices
        self.spec = spec
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, item: int) -> Sample:
        position = int(self.indices[item])
        grey = self.collection.pixels[position]
        if self.augmentation is not None:
            rng = np.random.default_rng(int(torch.randint(2**62, ()).item()))
            grey = augment(grey, self.augmentation, rng)
        return (
            torch.from_numpy(equalise(grey, self.spec)),
            torch.tensor(self.collection.labels[position]),
            torch.tensor(self.collection.sources[position]),
        )


def balanced_sampler(sources: Sequence[int], samples: int | None) -> WeightedRandomSampler:
    """Draw every source equally often, with replacement.

    Parameters
    ----------
    sources : sequence of int
        Source index of each training image.
    samples : int or None
        Draws per epoch; None for as many as there are images.
    """
    numbers = np.asarray(sources)
    counts = np.bincount(numbers)
    weights = 1.0 / counts[numbers]
    return WeightedRandomSampler(weights.tolist(), samples or len(numbers), replacement=True)
