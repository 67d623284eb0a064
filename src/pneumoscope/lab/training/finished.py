"""A finished run: its best network, calibrated on its own part and measured on the report part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.decision import calibrated
from pneumoscope.errors import RecipeError
from pneumoscope.evaluation import fit_temperature
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.graph import round_to_half
from pneumoscope.lab.training.measure import PartFigures, measure_part
from pneumoscope.lab.training.recipe import Recipe, read_recipe
from pneumoscope.lab.training.run import (
    CHECKPOINTS,
    RECIPE,
    PreparedData,
    build_network,
    check_unchanged,
    known_classes,
    load_weights,
    prepare,
)


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """A run's recipe, data and best network, with the calibration fitted on its own part.

    Attributes
    ----------
    recipe : Recipe
    data : PreparedData
    network : Network
        In evaluation mode, its large weights rounded to half precision.
    temperature : float
        Fitted on the calibrate part.
    figures : tuple of PartFigures
        On the report part, by population.
    """

    recipe: Recipe
    data: PreparedData
    network: Network
    temperature: float
    figures: tuple[PartFigures, ...]


def open_run(folder: Path) -> FinishedRun:
    """Load a run's best checkpoint, calibrate it, and measure it on the report part.

    Parameters
    ----------
    folder : Path
        A run folder; see `pneumoscope.lab.training.run`.

    Raises
    ------
    RecipeError
        Not a run, a checkpoint of another network, or data that changed since the run.
    """
    recipe_path = folder / RECIPE
    if not recipe_path.is_file():
        raise RecipeError(f"{folder}: holds no run ({RECIPE} is missing)")
    recipe = read_recipe(recipe_path)
    network = build_network(recipe)
    load_weights(network, folder / CHECKPOINTS / "best.ckpt")
    network.eval()
    round_to_half(network)
    data = prepare(recipe, recipe_path)
    check_unchanged(folder, data)
    temperature = _fit_temperature(recipe, data, network)
    report = data.split.indices("report")
    probabilities = calibrated(logits_of(network, data, recipe, report), temperature)
    figures = measure_part(recipe, data, report, probabilities)
    return FinishedRun(recipe, data, network, temperature, figures)


def logits_of(
    network: Network, data: PreparedData, recipe: Recipe, indices: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Logits (images, classes) of some of a run's images, without augmentation."""
    dataset = RadiographDataset(data.collection, indices, recipe.input.spec)
    with torch.no_grad():
        batches = [
            network(
                torch.stack([dataset[i][0] for i in range(first, min(first + 32, len(dataset)))])
            )
            for first in range(0, len(dataset), 32)
        ]
    return torch.cat(batches).double().numpy()


def _fit_temperature(recipe: Recipe, data: PreparedData, network: Network) -> float:
    """Fit on the calibrate part, over the classes that the loss compares for each source."""
    indices = data.split.indices("calibrate")
    known = np.array(known_classes(recipe))[data.collection.sources[indices]]
    logits = logits_of(network, data, recipe, indices)
    return fit_temperature(logits, data.collection.labels[indices], known)
