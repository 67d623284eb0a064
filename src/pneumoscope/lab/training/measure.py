"""Figures on the report part, one population at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pneumoscope.evaluation import (
    Estimate,
    EvaluationSummary,
    bootstrap,
    evaluate_predictions,
    sensitivity,
    specificity,
)
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.recipe import Recipe


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
    at_threshold : mapping of str to Estimate
        `sensitivity` and `specificity` for the positive class at the operating point.
    answered_absent : float
        Share of images answered with a class that their source has no label for.
    """

    population: str
    summary: EvaluationSummary
    auroc: dict[str, Estimate]
    at_threshold: dict[str, Estimate]
    answered_absent: float


def measure_part(
    recipe: Recipe,
    data: PreparedData,
    indices: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    threshold: float,
) -> tuple[PartFigures, ...]:
    """Evaluate every source there is an image of, and every view that its manifest tells.

    Parameters
    ----------
    recipe : Recipe
    data : PreparedData
    indices : ndarray of int64, shape (images,)
        The images measured.
    probabilities : ndarray, shape (images, classes)
        Calibrated.
    threshold : float
        The operating point on the positive class's probability.

    Returns
    -------
    tuple of PartFigures
        In the order of the recipe's sources, the whole source before its views.
    """
    collection = data.collection
    views = np.array([collection.extra[i].get("view", "") for i in indices])
    populations: list[tuple[str, int, NDArray[np.bool_]]] = []
    for number, source in enumerate(recipe.sources):
        mine = collection.sources[indices] == number
        if not mine.any():  # a split at random may leave a source out
            continue
        name = f"{source.population} ({source.name})"
        populations.append((name, number, mine))
        populations += [
            (f"{name}, {view} view", number, mine & (views == view))
            for view in sorted(set(views[mine]) - {""})
        ]
    return tuple(
        _figures(recipe, data, indices[chosen], probabilities[chosen], threshold, number, name)
        for name, number, chosen in populations
    )


def _figures(
    recipe: Recipe,
    data: PreparedData,
    positions: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    threshold: float,
    source: int,
    population: str,
) -> PartFigures:
    """Measure some images of one source."""
    collection = data.collection
    labels = [recipe.classes[label] for label in collection.labels[positions]]
    patients = [collection.patients[i] for i in positions]

    def evaluate(positive: str) -> EvaluationSummary:
        return evaluate_predictions(
            probabilities, labels, recipe.classes, patients=patients, positive=positive
        )

    column = recipe.classes.index(recipe.positive_class)
    called = probabilities[:, column] >= threshold
    truth = collection.labels[positions] == column
    absent = [recipe.classes.index(name) for name in recipe.sources[source].absent_classes]
    return PartFigures(
        population=population,
        summary=evaluate(recipe.positive_class),
        auroc={
            name: evaluate(name).metrics["auroc"] for name in recipe.classes if name in set(labels)
        },
        at_threshold=bootstrap(
            {
                "sensitivity": partial(sensitivity, truth, called),
                "specificity": partial(specificity, truth, called),
            },
            patients,
        ),
        answered_absent=float(np.isin(probabilities.argmax(axis=1), absent).mean()),
    )
