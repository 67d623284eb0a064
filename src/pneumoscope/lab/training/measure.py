"""Figures on the report part, one population at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.evaluation import Estimate, EvaluationSummary, evaluate_predictions
from pneumoscope.lab.training.recipe import Recipe
from pneumoscope.lab.training.run import PreparedData


@dataclass(frozen=True, slots=True, eq=False)
class PartFigures:
    """What was measured on one population of the report part.

    Attributes
    ----------
    population : str
        Such as "adults (rsna), AP".
    summary : EvaluationSummary
        With the recipe's positive class.
    auroc : mapping of class to Estimate
        One-vs-rest, for the classes that occur.
    answered_absent : float
        Share of images answered with a class that their source has no label for.
    """

    population: str
    summary: EvaluationSummary
    auroc: dict[str, Estimate]
    answered_absent: float


def measure_part(
    recipe: Recipe,
    data: PreparedData,
    indices: NDArray[np.int64],
    probabilities: NDArray[np.float64],
) -> tuple[PartFigures, ...]:
    """Evaluate every source, and every view of a source whose manifest has a `view` column.

    Parameters
    ----------
    recipe : Recipe
    data : PreparedData
    indices : ndarray of int64, shape (images,)
        The images measured.
    probabilities : ndarray, shape (images, classes)
        Calibrated.

    Returns
    -------
    tuple of PartFigures
        In the order of the recipe's sources, the whole source before its views.
    """
    collection = data.collection
    found = []
    for number, source in enumerate(recipe.sources):
        mine = collection.sources[indices] == number
        views = np.array([collection.extra[i].get("view", "") for i in indices])
        name = f"{source.population} ({source.name})"
        found.append(_figures(recipe, data, indices, probabilities, mine, number, name))
        for view in sorted(set(views[mine]) - {""}):
            chosen = mine & (views == view)
            label = f"{name}, {view} view"
            found.append(_figures(recipe, data, indices, probabilities, chosen, number, label))
    return tuple(found)


def _figures(
    recipe: Recipe,
    data: PreparedData,
    indices: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    source: int,
    population: str,
) -> PartFigures:
    """Measure the chosen images of one source."""
    collection = data.collection
    positions = indices[chosen]
    labels = [recipe.classes[label] for label in collection.labels[positions]]
    patients = [collection.patients[i] for i in positions]
    values = probabilities[chosen]

    def evaluate(positive: str) -> EvaluationSummary:
        return evaluate_predictions(
            values, labels, recipe.classes, patients=patients, positive=positive
        )

    absent = [recipe.classes.index(name) for name in recipe.sources[source].absent_classes]
    return PartFigures(
        population=population,
        summary=evaluate(recipe.positive_class),
        auroc={
            name: evaluate(name).metrics["auroc"] for name in recipe.classes if name in set(labels)
        },
        answered_absent=float(np.isin(values.argmax(axis=1), absent).mean()),
    )
