"""Saliency of an exported network for its card, on images that no part of the training saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pneumoscope.bundles import Bundle
from pneumoscope.evaluation import FolderSaliency, read_manifest, saliency_folder
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.answers import groups_of
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.randomisation import Randomisation, Show, check_randomisation
from pneumoscope.lab.training.recipe import Recipe, Source, source_folder
from pneumoscope.lab.training.weights import build_network
from pneumoscope.metrics import MeasuredImage, SaliencySummary, measure_saliency

VIEW = "view"
CHECKED = 64
"""At most so many images are looked at with fresh weights."""
_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyCard:
    """What the card's section on heatmaps says.

    Attributes
    ----------
    label : str
        The class whose heatmaps were measured.
    saliency : mapping of str to FolderSaliency
        By population, of the sources that have boxes; its held-out images are the report part's.
    by_group : mapping of str to mapping of str to SaliencySummary
        Over all sources: by age group with boxes on the report part, then by view.
    randomisation : Randomisation
    """

    label: str
    saliency: Mapping[str, FolderSaliency]
    by_group: Mapping[str, Mapping[str, SaliencySummary]]
    randomisation: Randomisation


def shown_class(recipe: Recipe) -> str:
    """Name the class whose heatmaps count: that of the evidence map, or else the positive class."""
    return recipe.positive_class if recipe.evidence is None else recipe.evidence.shown


def measure_saliency_card(
    recipe: Recipe, recipe_path: Path, data: PreparedData, network: Network, bundle: Bundle
) -> SaliencyCard:
    """Measure the heatmaps that the bundle shows, of the sources that have boxes.

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
    SaliencyCard

    Raises
    ------
    DataError
        See `evaluation.saliency_folder`.
    """
    label = shown_class(recipe)
    saliency = {
        f"{source.population} ({source.name})": _measure(recipe_path, source, bundle, label)
        for source in boxed_sources(recipe)
    }
    pooled: dict[str, dict[str, list[MeasuredImage]]] = {}
    for source, found in zip(boxed_sources(recipe), saliency.values(), strict=True):
        views = pooled.setdefault(recipe.age_groups[recipe.group_of(source) or 0].name, {})
        for one in found.looked:
            if not one.in_training:
                patient = f"{source.patient_prefix}/{one.measured.patient}"
                views.setdefault(one.image.view, []).append(replace(one.measured, patient=patient))
    by_group = {
        group: {view: measure_saliency(views[view]) for view in sorted(views)}
        for group, views in pooled.items()
        if views
    }
    return SaliencyCard(label, saliency, by_group, _randomisation(recipe, data, network))


def boxed_sources(recipe: Recipe) -> list[Source]:
    """List the sources with readers' boxes that have images in the report part."""
    return [s for s in recipe.sources if s.boxes is not None and not s.train_only]


def _measure(recipe_path: Path, source: Source, bundle: Bundle, label: str) -> FolderSaliency:
    folder = source_folder(recipe_path, source)
    columns = read_manifest(folder).images[0].extra
    return saliency_folder(
        folder,
        folder / (source.boxes or ""),
        bundle=str(bundle.folder),
        label=label,
        by=[VIEW] if VIEW in columns else [],
        patient_column=source.patient_column,
        where=source.subset,
        same_patient=source.same_patient,
    )


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
        heatmaps(recipe, groups_of(recipe, data)[chosen]),
        recipe.seed,
    )


def heatmaps(recipe: Recipe, groups: NDArray[np.int64]) -> Show:
    """Give what draws a network's heatmaps as its bundle shows them.

    Parameters
    ----------
    recipe : Recipe
    groups : ndarray of int64, shape (images,)
        The age group of each image; its head draws the Grad-CAM.
    """
    label, of_image = shown_class(recipe), torch.from_numpy(groups)

    def show(network: Network, images: Tensor) -> Tensor:
        shown = []
        for batch, heads in zip(images.split(_BATCH), of_image.split(_BATCH), strict=True):
            with torch.no_grad():
                outputs = network.outputs(batch)
            if recipe.evidence is not None:
                shown.append(outputs["evidence"][:, recipe.evidence.classes.index(label)])
                continue
            maps = outputs["activation_maps"]
            if maps.ndim == 5:
                maps = maps[torch.arange(len(batch)), heads]
            shown.append(maps[:, recipe.classes.index(label)])
        return torch.cat(shown)

    return show
