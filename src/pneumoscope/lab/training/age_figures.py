"""Figures of the age groups: each profile's calibration, and telling the group by the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import OperatingPoint, Profile
from pneumoscope.lab.training.answers import Answers, groups_of, views_of
from pneumoscope.lab.training.measure import PointRates, point_rates, share
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.reading import Reading
from pneumoscope.lab.training.recipe import Recipe
from pneumoscope.metrics import Estimate, bootstrap, calibration_intercept, calibration_slope


@dataclass(frozen=True, slots=True)
class MeasuredProfile:
    """A profile on the images of the report part that it is for.

    Attributes
    ----------
    profile : Profile
        Its operating points with their rates.
    images, patients : int
        Of the report part.
    slope, intercept : mapping of str to Estimate
        Of each taught class's probability against the rest (Cox 1958): 1 and 0 are right.
    """

    profile: Profile
    images: int
    patients: int
    slope: Mapping[str, Estimate]
    intercept: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class ByPicture:
    """Images of one source whose age group was told by the picture.

    Attributes
    ----------
    population : str
    images : int
    right : Estimate
        Share whose group is the source's, 0..1.
    same_answer : Estimate
        Share that is answered with the same class as with the age known, 0..1.
    """

    population: str
    images: int
    right: Estimate
    same_answer: Estimate


def measure_profiles(
    recipe: Recipe,
    data: PreparedData,
    indices: NDArray[np.int64],
    answers: Answers,
    reading: Reading,
) -> tuple[MeasuredProfile, ...]:
    """Measure every profile on the images of its age group, and of its view.

    Parameters
    ----------
    recipe, data, indices, answers, reading
        As for `measure_part`.

    Returns
    -------
    tuple of MeasuredProfile
        In the order of the profiles; one without an image has no figures.
    """
    groups, views = groups_of(recipe, data)[indices], views_of(data)[indices]
    found = []
    for profile in reading.profiles:
        mine = groups == reading.groups.index(profile.age_group)
        if profile.view:
            mine &= views == profile.view
        found.append(_measure(recipe, data, indices[mine], answers.some(mine), reading, profile))
    return tuple(found)


def _measure(
    recipe: Recipe,
    data: PreparedData,
    positions: NDArray[np.int64],
    answers: Answers,
    reading: Reading,
    profile: Profile,
) -> MeasuredProfile:
    if not len(positions):
        return MeasuredProfile(profile, 0, 0, {}, {})
    true = data.collection.labels[positions]
    patients = [data.collection.patients[i] for i in positions]
    group = reading.groups.index(profile.age_group)
    given = reading.probabilities(answers, group, profile)
    columns = {name: recipe.classes.index(name) for name in profile.classes}
    slope, intercept = (
        bootstrap(
            {name: partial(metric, given[:, c], true == c) for name, c in columns.items()},
            patients,
        )
        for metric in (calibration_slope, calibration_intercept)
    )
    rates = point_rates(recipe, profile, answers, reading, true, patients)
    if rates is not None:
        points = tuple(_with_rates(point, rates) for point in profile.operating_points)
        profile = replace(profile, operating_points=points)
    return MeasuredProfile(profile, len(true), len(set(patients)), slope, intercept)


def _with_rates(point: OperatingPoint, rates: PointRates) -> OperatingPoint:
    return replace(
        point,
        sensitivity=_rate(rates.sensitivity[point.purpose]),
        specificity=_rate(rates.specificity[point.purpose]),
    )


def _rate(estimate: Estimate) -> tuple[float, float, float] | None:
    """Value, low and high; None without an interval."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    # The interval of few patients need not hold the value.
    low, high = min(estimate.low, estimate.value), max(estimate.high, estimate.value)
    return estimate.value, low, high


def measure_by_picture(
    recipe: Recipe,
    data: PreparedData,
    indices: NDArray[np.int64],
    answers: Answers,
    reading: Reading,
) -> tuple[ByPicture, ...]:
    """Tell the age group by the picture, for each source and each age group of several sources.

    Parameters
    ----------
    recipe, data, indices, answers, reading
        As for `measure_part`.

    Returns
    -------
    tuple of ByPicture
        Empty where there is one age group only.
    """
    if answers.age_group_logits is None or len(reading.groups) < 2:
        return ()
    groups, sources = groups_of(recipe, data)[indices], data.collection.sources[indices]
    patients = [data.collection.patients[i] for i in indices]
    told = answers.age_group_logits.argmax(axis=1)
    same = _answered(reading, answers, told) == _answered(reading, answers, groups)

    def figures(name: str, mine: NDArray[np.bool_]) -> ByPicture:
        owners = [patients[i] for i in np.flatnonzero(mine)]
        right = share((told == groups)[mine], owners)
        return ByPicture(name, len(owners), right, share(same[mine], owners))

    found = []
    for group, name in enumerate(reading.groups):
        present: Sequence[int] = np.unique(sources[groups == group]).tolist()
        for source in present:
            told_of = recipe.sources[source]
            found.append(figures(f"{told_of.population} ({told_of.name})", sources == source))
        if len(present) > 1:
            found.append(figures(f"{name}, all sources", groups == group))
    return tuple(found)


def _answered(reading: Reading, answers: Answers, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(reading.probabilities(answers, groups).argmax(axis=1))
