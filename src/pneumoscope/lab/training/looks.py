"""Where an exported network looks, for its card: on images that nothing of it saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle
from pneumoscope.evaluation import read_manifest
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.randomisation import Randomisation, check_randomisation
from pneumoscope.lab.training.recipe import Recipe, source_folder
from pneumoscope.lab.training.weights import build_network
from pneumoscope.workflow import FolderSaliency, saliency_folder

VIEW = "view"
CHECKED = 64
"""At most so many images are looked at with fresh weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What the card's section on heatmaps says.

    Attributes
    ----------
    saliency : mapping of str to FolderSaliency
        By population, of the sources that have boxes; its held-out images are the report part's.
    randomisation : Randomisation
    """

    saliency: Mapping[str, FolderSaliency]
    randomisation: Randomisation


def measure_looks(
    recipe: Recipe, recipe_path: Path, data: PreparedData, network: Network, bundle: Bundle
) -> Looks:
    """Measure the heatmaps of the positive class, of the sources that have boxes.

    Parameters
    ----------
    recipe : Recipe
    recipe_path : Path
        Where it lies; see `source_folder`.
    data : PreparedData
    network : Network
        In evaluation mode.
    bundle : Bundle
        The network exported, so that the heatmaps are those of the clinic. Its training images are
        all but those of the report part.

    Returns
    -------
    Looks

    Raises
    ------
    DataError
        See `workflow.saliency_folder`.
    """
    saliency = {}
    for source in recipe.sources:
        if source.boxes is None:
            continue
        folder = source_folder(recipe_path, source)
        columns = read_manifest(folder).images[0].extra
        saliency[f"{source.population} ({source.name})"] = saliency_folder(
            folder,
            folder / source.boxes,
            bundle=str(bundle.folder),
            label=recipe.positive_class,
            by=[VIEW] if VIEW in columns else [],
            patient_column=source.patient_column,
            where=source.subset,
            same_patient=source.same_patient,
        )
    return Looks(saliency, _randomisation(recipe, data, network))


def evenly(positions: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Take at most so many of some positions, from their beginning to their end in equal steps.

    The report part lists one source after the other: a first stretch of it would be of one alone.
    """
    taken = min(count, len(positions))
    return positions[np.arange(taken) * len(positions) // max(taken, 1)]


def _randomisation(recipe: Recipe, data: PreparedData, network: Network) -> Randomisation:
    """Check the weights' part in the heatmaps on images spread evenly over the report part."""
    report = data.split.indices("report")
    chosen = evenly(report, CHECKED)
    dataset = RadiographDataset(data.collection, chosen, recipe.input.spec)
    return check_randomisation(
        network,
        partial(build_network, recipe),
        torch.stack([dataset[i][0] for i in range(len(dataset))]),
        [data.collection.patients[i] for i in chosen],
        recipe.classes.index(recipe.positive_class),
        recipe.seed,
    )
