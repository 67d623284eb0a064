"""Data sets for training: collections, splits, augmentation, batches."""

from pneumoscope.lab.datasets.augmentation import Augmentation, augment
from pneumoscope.lab.datasets.collection import Collection, collect
from pneumoscope.lab.datasets.loading import PrefetchingLoader
from pneumoscope.lab.datasets.sampling import Draw, EpochSampler
from pneumoscope.lab.datasets.split import (
    PARTS,
    FourWaySplit,
    certificate,
    linked_groups,
    split_four_ways,
)
from pneumoscope.lab.datasets.torch_data import RadiographDataset

__all__ = [
    "PARTS",
    "Augmentation",
    "Collection",
    "Draw",
    "EpochSampler",
    "FourWaySplit",
    "PrefetchingLoader",
    "RadiographDataset",
    "augment",
    "certificate",
    "collect",
    "linked_groups",
    "split_four_ways",
]
