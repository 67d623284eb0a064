"""What a network says of a run's images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.recipe import Recipe

_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A network's outputs on some images, as `Network.outputs` names them, without the Grad-CAM.

    Attributes
    ----------
    logits : ndarray of float64, shape (images, age groups, classes)
        The same for every group where the network has one head for all.
    age_group_logits : ndarray of float64, shape (images, age groups), or None
    evidence : ndarray of float32, shape (images, maps, rows, columns), or None
        0..1.
    embedding : ndarray of float64, shape (images, features), or None
        What unusual images are told by.
    """

    logits: NDArray[np.float64]
    age_group_logits: NDArray[np.float64] | None = None
    evidence: NDArray[np.float32] | None = None
    embedding: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.logits)

    def some(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Answers:
        """Take some of the images, by mask or by position."""
        groups, evidence, embedding = self.age_group_logits, self.evidence, self.embedding
        return Answers(
            self.logits[chosen],
            None if groups is None else groups[chosen],
            None if evidence is None else evidence[chosen],
            None if embedding is None else embedding[chosen],
        )


def answers_of(
    network: Network, data: PreparedData, recipe: Recipe, indices: NDArray[np.int64]
) -> Answers:
    """Answer some of a run's images, at least one, without augmentation."""
    kept: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for images in batches_of(data, recipe, indices):
            for name, values in network.outputs(images).items():
                if name != "activation_maps":
                    kept.setdefault(name, []).append(values)
    return to_answers({name: torch.cat(parts).numpy() for name, parts in kept.items()}, recipe)


def to_answers(found: Mapping[str, NDArray[np.float32]], recipe: Recipe) -> Answers:
    """Give every age group a head, and the numbers their precision."""
    logits = found["logits"].astype(np.float64)
    if logits.ndim == 2:
        logits = np.repeat(logits[:, None], len(recipe.age_groups), axis=1)
    groups, embedding = found.get("age_group_logits"), found.get("embedding")
    return Answers(
        logits=logits,
        age_group_logits=None if groups is None else groups.astype(np.float64),
        evidence=found.get("evidence"),
        embedding=None if embedding is None else embedding.astype(np.float64),
    )


def logits_of(
    network: Network, data: PreparedData, recipe: Recipe, indices: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Logits (images, classes) of some of a run's images, without augmentation."""
    with torch.no_grad():
        logits = [network(images) for images in batches_of(data, recipe, indices)]
    return torch.cat(logits).double().numpy()


def groups_of(recipe: Recipe, data: PreparedData) -> NDArray[np.int64]:
    """Index of the age group of every image of a collection, as its source says."""
    groups = [recipe.group_of(source) or 0 for source in recipe.sources]
    return np.array(groups, dtype=np.int64)[data.collection.sources]


def views_of(data: PreparedData) -> NDArray[np.str_]:
    """View of every image of a collection in capitals, such as "AP"; empty where none is stated."""
    views = [extra.get("view", "").upper() for extra in data.collection.extra]
    return np.array(views, dtype=np.str_)


def batches_of(data: PreparedData, recipe: Recipe, indices: NDArray[np.int64]) -> Iterator[Tensor]:
    """Give the network's inputs (n, 3, size, size) of some images, some at a time."""
    dataset = RadiographDataset(data.collection, indices, recipe.input.spec)
    for first in range(0, len(dataset), _BATCH):
        last = min(first + _BATCH, len(dataset))
        yield torch.stack([dataset[i][0] for i in range(first, last)])
