"""Figures on the report part, one population at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import Profile, Purpose
from pneumoscope.lab.training.answers import Answers, groups_of, views_of
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.reading import Reading
from pneumoscope.lab.training.recipe import Recipe
from pneumoscope.metrics import (
    ConformalFigures,
    Estimate,
    EvaluationSummary,
    RiskCoverage,
    auroc,
    bootstrap,
    evaluate_predictions,
    measure_prediction_sets,
    measure_risk_coverage,
    sensitivity,
    specificity,
    with_exact_end,
)


@dataclass(frozen=True, slots=True)
class PointRates:
    """What a profile's operating points give on some images.

    Attributes
    ----------
    read_as : str
        The profile, such as "adults, AP view".
    sensitivity, specificity : mapping of Purpose to Estimate
        Of calling an image positive at or above the threshold.
    indeterminate : Estimate
        Share of the images between the two thresholds, 0..1.
    """

    read_as: str
    sensitivity: Mapping[Purpose, Estimate]
    specificity: Mapping[Purpose, Estimate]
    indeterminate: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class PartFigures:
    """What was measured on one population of the report part.

    Attributes
    ----------
    population : str
        Such as "adults (rsna), AP view".
    group : str
        The age group that the images were read as.
    read_as : str
        The profile that calibrated the probabilities.
    summary : EvaluationSummary
        With the recipe's positive class.
    auroc : mapping of class to Estimate
        One-vs-rest, for the classes that occur.
    points : tuple of PointRates
        Of that profile, then, for a view with a profile of its own, of the one for any view: so it
        is where the view is not known. Empty where the group does not know the positive class.
    sets : ConformalFigures or None
        None where the profile has no prediction sets.
    selective : RiskCoverage
        Error of the most probable class, by its probability.
    unlike : Estimate or None
        Share of the images that are too unlike the training, 0..1; they are in every figure all the
        same.
    answered_absent : float
        Share of images answered with a class that their source has no label for.
    """

    population: str
    group: str
    read_as: str
    summary: EvaluationSummary
    auroc: dict[str, Estimate]
    points: tuple[PointRates, ...]
    sets: ConformalFigures | None
    selective: RiskCoverage
    unlike: Estimate | None
    answered_absent: float


@dataclass(frozen=True, slots=True, eq=False)
class _Population:
    """Some images of one age group, by mask among those that are measured."""

    name: str
    group: int
    view: str
    chosen: NDArray[np.bool_]


def read_as(profile: Profile) -> str:
    """Name a profile."""
    return f"{profile.age_group}, {profile.view} view" if profile.view else profile.age_group


def measure_part(
    recipe: Recipe,
    data: PreparedData,
    indices: NDArray[np.int64],
    answers: Answers,
    reading: Reading,
    *,
    pooled: bool = True,
) -> tuple[PartFigures, ...]:
    """Evaluate every source there is an image of, every age group, and their views.

    Parameters
    ----------
    recipe : Recipe
    data : PreparedData
    indices : ndarray of int64, shape (images,)
        The images measured.
    answers : Answers
        On them.
    reading : Reading
    pooled : bool
        Whether an age group of several sources is measured as a whole, too. A recipe that does not
        part the ages is never pooled: its sources are of all kinds.

    Returns
    -------
    tuple of PartFigures
        By age group, in the order of the recipe's sources, the whole source before its views; then
        the age group as a whole.
    """
    pooled = pooled and len(recipe.age_groups) > 1
    return tuple(
        _figures(recipe, data, indices[each.chosen], answers.some(each.chosen), reading, each)
        for each in _populations(recipe, data, indices, pooled=pooled)
    )


def _populations(
    recipe: Recipe, data: PreparedData, indices: NDArray[np.int64], *, pooled: bool
) -> Iterator[_Population]:
    sources, views = data.collection.sources[indices], views_of(data)[indices]
    groups = groups_of(recipe, data)[indices]
    for group, age_group in enumerate(recipe.age_groups):
        present = np.unique(sources[groups == group]).tolist()
        whole = [
            (f"{recipe.sources[s].population} ({recipe.sources[s].name})", sources == s)
            for s in present
        ]
        if pooled and len(present) > 1:
            names = " and ".join(recipe.sources[source].name for source in present)
            whole.append((f"{age_group.name} ({names})", groups == group))
        for name, mine in whole:
            yield _Population(name, group, "", mine)
            for view in sorted(set(views[mine].tolist()) - {""}):
                yield _Population(f"{name}, {view} view", group, view, mine & (views == view))


def _figures(
    recipe: Recipe,
    data: PreparedData,
    positions: NDArray[np.int64],
    answers: Answers,
    reading: Reading,
    population: _Population,
) -> PartFigures:
    """Measure some images of one age group."""
    collection, group = data.collection, population.group
    profile = reading.profile(group, population.view)
    probabilities = reading.probabilities(answers, group, profile)
    true = collection.labels[positions]
    labels = [recipe.classes[label] for label in true]
    patients = [collection.patients[i] for i in positions]
    profiles = [profile] if not profile.view else [profile, reading.profile(group)]
    far = reading.unlike(answers, group)
    absent = np.array(
        [[name in source.absent_classes for name in recipe.classes] for source in recipe.sources]
    )[collection.sources[positions]]
    answered = probabilities.argmax(axis=1)
    present = {name: recipe.classes.index(name) for name in recipe.classes if name in set(labels)}
    return PartFigures(
        population=population.name,
        group=reading.groups[group],
        read_as=read_as(profile),
        summary=evaluate_predictions(
            probabilities,
            labels,
            recipe.classes,
            patients=patients,
            positive=recipe.positive_class,
        ),
        auroc=bootstrap(
            {n: partial(auroc, probabilities[:, c], true == c) for n, c in present.items()},
            patients,
        ),
        points=tuple(
            rates
            for each in profiles
            if (rates := point_rates(recipe, each, answers, reading, true, patients)) is not None
        ),
        sets=_sets(recipe, profile, probabilities, true, patients),
        selective=measure_risk_coverage(probabilities.max(axis=1), answered == true, patients),
        unlike=None if far is None else share(far, patients),
        answered_absent=float(absent[np.arange(len(true)), answered].mean()),
    )


def point_rates(
    recipe: Recipe,
    profile: Profile,
    answers: Answers,
    reading: Reading,
    true: NDArray[np.int64],
    patients: list[str],
) -> PointRates | None:
    """Measure a profile's operating points; None where it has none."""
    thresholds = {point.purpose: point.threshold for point in profile.operating_points}
    if not thresholds:
        return None
    column = recipe.classes.index(recipe.positive_class)
    group = reading.groups.index(profile.age_group)
    given = reading.probabilities(answers, group, profile)[:, column]
    positive = true == column
    called = {purpose: given >= threshold for purpose, threshold in thresholds.items()}
    metrics = {
        f"{kind.__name__} {purpose}": partial(kind, positive, mine)
        for purpose, mine in called.items()
        for kind in (sensitivity, specificity)
    }
    found = bootstrap(metrics, patients)
    between = called[Purpose.RULE_OUT] & ~called[Purpose.RULE_IN]
    owners = np.array(patients)
    ill, others = len(set(owners[positive])), len(set(owners[~positive]))
    return PointRates(
        read_as(profile),
        {each: with_exact_end(found[f"sensitivity {each}"], ill) for each in called},
        {each: with_exact_end(found[f"specificity {each}"], others) for each in called},
        share(between, patients),
    )


def share(chosen: NDArray[np.bool_], patients: list[str]) -> Estimate:
    """Share of the images that are chosen, 0..1, with its interval over the patients."""
    everyone = np.ones(len(chosen), dtype=np.bool_)
    found = bootstrap({"share": partial(sensitivity, everyone, chosen)}, patients)["share"]
    return with_exact_end(found, len(set(patients)))


def _sets(
    recipe: Recipe,
    profile: Profile,
    probabilities: NDArray[np.float64],
    true: NDArray[np.int64],
    patients: list[str],
) -> ConformalFigures | None:
    if profile.min_probability is None:
        return None
    columns = [recipe.classes.index(name) for name in profile.classes]
    place = np.full(len(recipe.classes), -1)
    place[columns] = np.arange(len(columns))
    return measure_prediction_sets(
        probabilities[:, columns], place[true], profile.classes, patients, profile.min_probability
    )
