"""Frozen networks and their features: what Zeng 2020's heads train on."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pneumoscope.errors import InputError
from pneumoscope.evaluation import LabelledImage
from pneumoscope.files import write_files
from pneumoscope.lab.datasets import (
    DataIdentity,
    Draw,
    RadiographDataset,
    SchemeSettings,
    collect,
    digest,
    draw,
    identify,
    linked_groups,
    units_of,
)
from pneumoscope.lab.networks import EvidenceNetwork, Network, PooledNetwork
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.experiment import recipe_contents, run_experiment
from pneumoscope.lab.studies.folds import one_by_one
from pneumoscope.lab.studies.study import Context
from pneumoscope.lab.training import BEST, Recipe, build_network, load_weights, read_recipe
from pneumoscope.lab.tuning import describe_maps

CHILDREN = "guangzhou"
SEED = 42
SMOKE = {
    "input.size": 80,
    "training.epochs": 1,
    "training.batch_size": 16,
    "training.sampling": "balanced_sources",
    "training.samples_per_epoch": 160,
}
_BATCH = 32
_log = logging.getLogger(__name__)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """What a frozen network gives for images.

    Attributes
    ----------
    features : ndarray of float32, shape (images, views, units)
        What the dropout before the last layer acts on; view 0 is the image as it is.
    described : ndarray of float32, shape (images, 4, units)
        Each unit's feature matrix, of view 0; see `pneumoscope.lab.tuning.describe_maps`.
    """

    features: Floats
    described: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """A trained network, up to the dropout before its last layer.

    Attributes
    ----------
    network : str
        As `pneumoscope networks` lists it.
    contents : dict
        Its recipe's.
    result : Result
        Of the network as a whole on the children that it was not trained on.
    folder : Path
        Of its training; features are kept there too.
    """

    network: str
    contents: dict[str, Any]
    result: Result
    folder: Path

    @property
    def recipe(self) -> Recipe:
        """Its recipe, checked."""
        return read_recipe(self.folder / "recipe.yaml")


def train_backbone(context: Context, network: str) -> tuple[Backbone, DataIdentity]:
    """Train a network on one half of the Guangzhou children, or take the one that was.

    Returns
    -------
    Backbone, DataIdentity
        The second: the other half of the children, no patient of whom trained or stopped it.
    """
    data = identify([context.data / CHILDREN])
    groups = linked_groups(data.patients, data.fingerprints)
    settings = SchemeSettings(
        scheme="holdout", folds=1, seed=SEED, holdout=0.5, stop=0.1, calibrate=0.0
    )
    (split,) = one_by_one(draw(units_of(data.strata, groups, "patient"), settings))
    smoke = SMOKE if context.smoke else {}
    contents = recipe_contents("zeng2020-backbone", {"network.name": network, **smoke})
    result = run_experiment(context, network, contents, split, data, keep_weights=True)
    others = part_of(data, split.folds[0].indices("report"))
    return Backbone(network, contents, result, context.work / network), others


def part_of(data: DataIdentity, positions: NDArray[np.int64]) -> DataIdentity:
    """Some of the images as data of their own."""
    chosen = positions.tolist()
    return DataIdentity(
        *(
            tuple(column[i] for i in chosen)
            for column in (data.files, data.strata, data.patients, data.fingerprints)
        )
    )


def features_of(
    backbone: Backbone,
    source: str,
    images: Sequence[LabelledImage],
    identity: DataIdentity,
    views: int = 1,
) -> Frozen:
    """Compute what the dropout before the last layer gets, once for ever.

    Parameters
    ----------
    backbone : Backbone
    source : str
        Name of the images' folder.
    images : sequence of LabelledImage
        Those of the identity, in its order.
    identity : DataIdentity
        Names the images in the cache's key.
    views : int
        The image as it is, and `views` - 1 random changes of it (see the recipe's augmentation).

    Raises
    ------
    InputError
        The file of features is damaged.
    """
    recipe = backbone.recipe
    key = [backbone.contents, backbone.result.certificate, identity.sha256, views]

    def network() -> Network:
        built = build_network(recipe)
        load_weights(built, backbone.folder / "run" / BEST)
        return built

    return kept_features(backbone.folder, key, network, recipe, source, images, views)


def kept_features(
    folder: Path,
    key: Sequence[object],
    network: Callable[[], Network],
    recipe: Recipe,
    source: str,
    images: Sequence[LabelledImage],
    views: int = 1,
) -> Frozen:
    """Compute a network's features of images, or take those that were kept.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    key : sequence
        Plain JSON values that name the network, its weights and the images.
    network : callable
        Builds the network; not called where features were kept.
    recipe : Recipe
        Its input and augmentation.
    source : str
        Name of the images' folder.
    images : sequence of LabelledImage
    views : int
        The image as it is, and `views` - 1 random changes of it.

    Raises
    ------
    InputError
        The file of features is damaged.
    """
    path = folder / f"features-{source}-{digest([*key, 'described'])[:16]}.npz"
    if path.exists():
        return _read(path)
    _log.info("%s: features by %s", source, recipe.network.name)
    frozen = _features(network().eval(), recipe, source, images, views)
    stored = io.BytesIO()
    np.savez(stored, features=frozen.features, described=frozen.described)
    write_files({path: stored.getvalue()})
    return frozen


def unit_maps(network: Network, images: Tensor) -> Tensor:
    """Maps (n, units, rows, columns) whose means are the units before the last layer.

    Of one row and one column where the units are those of a dense layer. Of an `EvidenceNetwork`,
    whose last layer also reads its evidence, they are the last feature map alone.
    """
    if isinstance(network, (PooledNetwork, EvidenceNetwork)):
        return network.features(images)
    return network.pooled(images)[..., None, None]


def _features(
    network: Network, recipe: Recipe, source: str, images: Sequence[LabelledImage], views: int
) -> Frozen:
    classes = sorted({image.label for image in images})
    collection = collect([(source, images)], classes, recipe.input.size)
    everything = np.arange(len(collection), dtype=np.int64)
    shown = [
        RadiographDataset(
            collection, everything, recipe.input.spec, recipe.augmentation if view else None
        )
        for view in range(views)
    ]
    features, described = [], []
    with torch.no_grad():
        for first in range(0, len(collection), _BATCH):
            items = range(first, min(first + _BATCH, len(collection)))
            batches = [
                torch.stack([data[Draw(item, SEED, view, item)][0] for item in items])
                for view, data in enumerate(shown)
            ]
            maps = [unit_maps(network, batch) for batch in batches]
            features.append(torch.stack([each.mean((2, 3)) for each in maps], dim=1))
            described.append(describe_maps(maps[0]))
    return Frozen(torch.cat(features).float().numpy(), torch.cat(described).float().numpy())


def _read(path: Path) -> Frozen:
    try:
        with np.load(path, allow_pickle=False) as stored:
            parts = (np.asarray(stored[name], np.float32) for name in ("features", "described"))
            return Frozen(*parts)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: is damaged; remove it") from None
