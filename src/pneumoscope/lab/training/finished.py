"""A finished run: its best network, calibrated on its own part and measured on the report part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.decision import calibrated
from pneumoscope.errors import RecipeError
from pneumoscope.evaluation import fit_temperature, threshold_for_sensitivity
from pneumoscope.findings import OperatingPoint, Purpose
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.beside import measure_beside
from pneumoscope.lab.training.graph import round_to_half
from pneumoscope.lab.training.measure import PartFigures, measure_part
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.recipe import Recipe, read_recipe
from pneumoscope.lab.training.run_folder import BEST, RECIPE, prepare_again
from pneumoscope.lab.training.weights import build_network, check_finite, load_weights


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
        Fitted on the calibrate part, where every source counts the same.
    operating_point : OperatingPoint
        Chosen on the calibrate part.
    figures : tuple of PartFigures
        On the report part, by population.
    beside : tuple of PartFigures
        On the sets of `also_measured`; see `measure_beside`.
    """

    recipe: Recipe
    data: PreparedData
    network: Network
    temperature: float
    operating_point: OperatingPoint
    figures: tuple[PartFigures, ...]
    beside: tuple[PartFigures, ...]


def open_run(folder: Path) -> FinishedRun:
    """Load a run's best checkpoint, calibrate it, and measure it on the report part.

    Parameters
    ----------
    folder : Path
        A run folder; see `pneumoscope.lab.training.run`.

    Raises
    ------
    RecipeError
        Not a run, a checkpoint of another network or of a training that diverged, data that changed
        since the run, or a calibrate part that is empty or without the positive class.
    """
    recipe_path = folder / RECIPE
    if not recipe_path.is_file():
        raise RecipeError(f"{folder}: holds no run ({RECIPE} is missing)")
    recipe = read_recipe(recipe_path)
    network = build_network(recipe)
    load_weights(network, folder / BEST)
    network.eval()
    round_to_half(network)
    check_finite(network, folder / BEST)  # after the rounding, which makes large weights infinite
    data = prepare_again(folder, recipe, recipe_path)
    if not len(data.split.indices("calibrate")):
        raise RecipeError(
            f"{folder}: its split has no part to calibrate on; train with a split that has one "
            "(`pneumoscope split --calibrate 0.1`)"
        )
    logits = logits_of(network, data, recipe, data.split.indices("calibrate"))
    temperature = _fit_temperature(recipe, data, logits)
    point = _operating_point(recipe, data, calibrated(logits, temperature))
    report = data.split.indices("report")

    def answer(some: PreparedData, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return calibrated(logits_of(network, some, recipe, rows), temperature)

    figures = measure_part(recipe, data, report, answer(data, report), point.threshold)
    beside = measure_beside(recipe, recipe_path, data, answer, point.threshold)
    return FinishedRun(recipe, data, network, temperature, point, figures, beside)


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


def _fit_temperature(recipe: Recipe, data: PreparedData, logits: NDArray[np.float64]) -> float:
    """Fit over the classes that the loss compares for each source, sources counting the same."""
    indices = data.split.indices("calibrate")
    sources = data.collection.sources[indices]
    known = np.array(recipe.known_classes())[sources]
    weights = 1 / np.bincount(sources)[sources]
    return fit_temperature(logits, data.collection.labels[indices], known, weights=weights)


def _operating_point(
    recipe: Recipe, data: PreparedData, probabilities: NDArray[np.float64]
) -> OperatingPoint:
    """Choose the threshold on the calibrate part only, so that it serves every source.

    Pooled over the sources, the largest one would choose it alone.
    """
    collection, indices = data.collection, data.split.indices("calibrate")
    column = recipe.classes.index(recipe.positive_class)
    probability = probabilities[:, column]
    positive = collection.labels[indices] == column
    thresholds, counts = [], []
    for number, source in enumerate(recipe.sources):
        mine = collection.sources[indices] == number
        if not positive[mine].any():
            continue
        thresholds.append(
            threshold_for_sensitivity(
                probability[mine], positive[mine], recipe.positive_sensitivity
            )
        )
        counts.append(f"{int(positive[mine].sum())} of {source.name}")
    if not thresholds:
        raise RecipeError(
            f"the part that calibrates has no image of {recipe.positive_class}, so no threshold "
            "can be chosen; train with a split that has some (`pneumoscope split --calibrate`)"
        )
    rule = (
        f"highest threshold with a sensitivity of at least {recipe.positive_sensitivity:g} for "
        f"{recipe.positive_class} in every source of the calibration part (positive images: "
        f"{', '.join(counts)})"
    )
    return OperatingPoint(Purpose.RULE_OUT, recipe.positive_class, min(thresholds), rule)
