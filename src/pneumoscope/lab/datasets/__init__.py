"""Data sets for training: collections, splits, augmentation."""

from pneumoscope.lab.datasets.augmentation import Augmentation, augment
from pneumoscope.lab.datasets.collection import Collection, collect
from pneumoscope.lab.datasets.split import (
    PARTS,
    FourWaySplit,
    certificate,
    linked_groups,
    split_four_ways,
)
from pneumoscope.lab.datasets.torch_data import RadiographDataset, balanced_sampler

__all__ = [
    "PARTS",
    "Augmentation",
    "Collection",
    "FourWaySplit",
    "RadiographDataset",
    "augment",
    "balanced_sampler",
    "certificate",
    "collect",
    "linked_groups",
    "split_four_ways",
]
