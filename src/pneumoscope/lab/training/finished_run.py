"""A finished run: its best network, calibrated on its own part and measured on the report part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import RecipeError
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.age_figures import (
    ByPicture,
    MeasuredProfile,
    measure_by_picture,
    measure_profiles,
)
from pneumoscope.lab.training.answers import Answers, answers_of, groups_of
from pneumoscope.lab.training.distance import fit_distance
from pneumoscope.lab.training.evidence_map import evidence_floor
from pneumoscope.lab.training.external import measure_external_sets
from pneumoscope.lab.training.graph import Exported, round_to_half
from pneumoscope.lab.training.measure import PartFigures, measure_part
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.profiles import Fit, fit_profiles
from pneumoscope.lab.training.reading import Reading
from pneumoscope.lab.training.recipe import Recipe, read_recipe
from pneumoscope.lab.training.run_folder import BEST, RECIPE, prepare_again
from pneumoscope.lab.training.weights import build_network, check_finite, load_weights
from pneumoscope.metrics import patient_quantile

DISTANCE_SHARE = 0.99
"""Share of an age group's patients whose images are near enough to the training ones."""


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """A run's recipe, data and best network, with all that was fitted and measured.

    Attributes
    ----------
    recipe : Recipe
    data : PreparedData
    network : Network
        In evaluation mode, its large weights rounded to half precision.
    fit : Fit
        The profiles, and the views that were tried for one, on the calibrate part.
    reading : Reading
        The profiles, with their operating points' rates on the report part, and the distance from
        the training images.
    floor : float or None
        From which probability on the evidence map is outlined; None for a recipe without one.
    profiles : tuple of MeasuredProfile
        On the report part, as are the next two.
    by_picture : tuple of ByPicture
    figures : tuple of PartFigures
        By population.
    beside : tuple of PartFigures
        On the sets of `also_measured`; see `measure_external_sets`.
    """

    recipe: Recipe
    data: PreparedData
    network: Network
    fit: Fit
    reading: Reading
    floor: float | None
    profiles: tuple[MeasuredProfile, ...]
    by_picture: tuple[ByPicture, ...]
    figures: tuple[PartFigures, ...]
    beside: tuple[PartFigures, ...]

    @property
    def exported(self) -> Exported:
        """The network with exactly the outputs that its bundle has."""
        return Exported(
            self.network,
            evidence=self.floor is not None,
            age_groups=len(self.recipe.age_groups) > 1,
            distance=self.reading.distance,
        )


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
        since the run, a calibrate part that is empty or cannot calibrate (see `fit_profiles`), or
        several age groups and a network that cannot tell them.
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
    calibrate = data.split.indices("calibrate")
    if not len(calibrate):
        raise RecipeError(
            f"{folder}: its split has no part to calibrate on; train with a split that has one "
            "(`pneumoscope split --calibrate 0.1`)"
        )

    def answer(some: PreparedData, rows: NDArray[np.int64]) -> Answers:
        return answers_of(network, some, recipe, rows)

    calibrating = answer(data, calibrate)
    if len(recipe.age_groups) > 1 and calibrating.age_group_logits is None:
        raise RecipeError(
            f"{folder}: {recipe.network.name} does not tell age groups apart by the picture; use "
            "one age group, or another network"
        )
    fit = fit_profiles(recipe, data, calibrating)
    reading = _reading(recipe, data, fit, calibrating, answer)
    report = data.split.indices("report")
    answers = answer(data, report)
    profiles = measure_profiles(recipe, data, report, answers, reading)
    return FinishedRun(
        recipe=recipe,
        data=data,
        network=network,
        fit=fit,
        reading=replace(reading, profiles=tuple(each.profile for each in profiles)),
        floor=evidence_floor(recipe, data, calibrating),
        profiles=profiles,
        by_picture=measure_by_picture(recipe, data, report, answers, reading),
        figures=measure_part(recipe, data, report, answers, reading),
        beside=measure_external_sets(recipe, recipe_path, data, answer, reading),
    )


def _reading(
    recipe: Recipe,
    data: PreparedData,
    fit: Fit,
    calibrating: Answers,
    answer: Callable[[PreparedData, NDArray[np.int64]], Answers],
) -> Reading:
    """Add the distance from the training images, for a network that has an embedding."""
    names = tuple(group.name for group in recipe.age_groups)
    reading = Reading(recipe.classes, names, tuple(each.profile for each in fit.profiles))
    if calibrating.embedding is None:
        return reading
    groups = groups_of(recipe, data)
    train = data.split.indices("train")
    # What only the training shows, such as lungs cut out, is not what will be asked.
    asked = np.array([not source.train_only for source in recipe.sources])
    train = train[asked[data.collection.sources[train]]]
    if set(groups[train].tolist()) != set(range(len(names))):
        raise RecipeError("the train part lacks an age group; give it a larger share of the split")
    embedding = answer(data, train).embedding
    if embedding is None:
        raise RuntimeError("the network's answers to the train part lack an embedding")
    patients = [data.collection.patients[row] for row in train]
    distance = fit_distance(embedding, groups[train], len(names), patients)
    far = distance.of(calibrating.embedding)
    return replace(reading, distance=distance, limits=distance_limits(data, far, names, recipe))


def distance_limits(
    data: PreparedData, distances: NDArray[np.float64], names: tuple[str, ...], recipe: Recipe
) -> dict[str, float]:
    """Within which distance nearly all patients of the calibrate part lie, by age group.

    Parameters
    ----------
    data : PreparedData
    distances : ndarray of float64, shape (images, age groups)
        Of the calibrate part.
    names : tuple of str
        Of the age groups.
    recipe : Recipe
    """
    rows, groups = data.split.indices("calibrate"), groups_of(recipe, data)
    limits = {}
    for number, name in enumerate(names):
        mine = groups[rows] == number
        patients = [data.collection.patients[row] for row in rows[mine]]
        limits[name] = patient_quantile(distances[mine, number], patients, DISTANCE_SHARE)
    return limits
