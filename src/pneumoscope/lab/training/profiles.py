"""Calibration, operating points and prediction sets of every age group, on the calibrate part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pneumoscope.decision import calibrated
from pneumoscope.errors import RecipeError
from pneumoscope.findings import OperatingPoint, Profile, Purpose
from pneumoscope.lab.training.answers import Answers, groups_of, views_of
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.recipe import Recipe
from pneumoscope.metrics import (
    BIASED,
    TEMPERATURE,
    CalibratorLoss,
    Estimate,
    bootstrap,
    compare_calibrators,
    fit_biased_temperature,
    fit_temperature,
    held_out_losses,
    least_probability,
    place_of,
    threshold_for_sensitivity,
    threshold_for_specificity,
)

VIEWS = ("AP", "PA")
COVERAGE = 0.9
LEAST_OF_EACH = 30
"""From so many positive, and so many negative, images on a profile of a view's own is tried."""
_WAY_OUT = "train with a split that has some (`pneumoscope split --calibrate`)"
_CROSSED = (
    "; the rule-in and the rule-out threshold crossed and changed places, so that both targets are "
    "met at both"
)


@dataclass(frozen=True, slots=True)
class FittedProfile:
    """A profile, and what it was fitted on.

    Attributes
    ----------
    profile : Profile
    images, patients : int
        Of the calibrate part.
    calibrators : mapping of str to CalibratorLoss
        The ways to calibrate, compared by patient; empty with fewer than two patients.
    """

    profile: Profile
    images: int
    patients: int
    calibrators: Mapping[str, CalibratorLoss]

    @property
    def way(self) -> str:
        """The way to calibrate that was chosen."""
        return BIASED if any(self.profile.biases.values()) else TEMPERATURE


@dataclass(frozen=True, slots=True)
class ViewTrial:
    """Whether a view of an age group is read better by a profile of its own.

    Attributes
    ----------
    age_group, view : str
    images, patients : int
        Of the view, in the calibrate part.
    gain : Estimate
        Loss of its own calibration minus that of the one for any view, both fitted on other
        patients, paired by image; below 0 is better.
    """

    age_group: str
    view: str
    images: int
    patients: int
    gain: Estimate

    @property
    def taken(self) -> bool:
        """Whether it is shown to be better."""
        return place_of(self.gain) == "below"


class Fit(NamedTuple):
    """The profiles of a bundle, and the views that were tried for one."""

    profiles: tuple[FittedProfile, ...]
    views: tuple[ViewTrial, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    """Some images of the calibrate part that share an age group, and perhaps a view.

    Attributes
    ----------
    logits : ndarray of float64, shape (images, taught classes)
    labels : ndarray of int64, shape (images,)
        Among the taught classes.
    sources : ndarray of int64, shape (images,)
    known : ndarray of bool, shape (images, taught classes)
        Which classes each image's source has labels for.
    patients : list of str
    """

    logits: NDArray[np.float64]
    labels: NDArray[np.int64]
    sources: NDArray[np.int64]
    known: NDArray[np.bool_]
    patients: list[str]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights with which every source counts the same."""
        return np.asarray(1 / np.bincount(self.sources)[self.sources])


def taught_classes(recipe: Recipe, group: int) -> tuple[str, ...]:
    """Name the classes that some source of an age group has labels for, in the recipe's order."""
    sources = [source for source in recipe.sources if recipe.group_of(source) == group]
    return tuple(
        name
        for name in recipe.classes
        if any(name not in source.absent_classes for source in sources)
    )


def fit_profiles(recipe: Recipe, data: PreparedData, answers: Answers) -> Fit:
    """Fit a profile for every age group, and for its views that are shown to need one.

    Few images choose thresholds that hold for these images alone. So a view has a profile of its
    own only if it has images enough, and if its own calibration is better on other patients.

    Parameters
    ----------
    recipe : Recipe
    data : PreparedData
    answers : Answers
        On the calibrate part.

    Returns
    -------
    Fit
        By age group; the profile for any view before those for AP and PA.

    Raises
    ------
    RecipeError
        The calibrate part lacks an age group, or the positive class or all others in one that
        knows the class.
    """
    rows = data.split.indices("calibrate")
    groups, views = groups_of(recipe, data)[rows], views_of(data)[rows]
    positive = data.collection.labels[rows] == recipe.classes.index(recipe.positive_class)
    profiles, trials = [], []
    for number, group in enumerate(recipe.age_groups):
        mine = groups == number
        if not mine.any():
            raise RecipeError(
                f"the part that calibrates has no image of the age group {group.name}; {_WAY_OUT}"
            )
        taught = taught_classes(recipe, number)
        images = _gather(recipe, data, answers, mine, number, taught)
        whole = _fit(recipe, images, group.name, taught, "")
        profiles.append(whole)
        for view in VIEWS:
            chosen = mine & (views == view)
            if min((chosen & positive).sum(), (chosen & ~positive).sum()) < LEAST_OF_EACH:
                continue
            of_view = _gather(recipe, data, answers, chosen, number, taught)
            own = _fit(recipe, of_view, group.name, taught, view)
            gain = _gain(images, views[mine] == view, whole.way, own.way)
            trial = ViewTrial(group.name, view, own.images, own.patients, gain)
            trials.append(trial)
            if trial.taken:
                profiles.append(own)
    return Fit(tuple(profiles), tuple(trials))


def _gain(images: _Images, of_view: NDArray[np.bool_], whole: str, own: str) -> Estimate:
    """Loss of a view's own calibration minus that of the group's, on patients of other folds."""
    if len(set(images.patients)) < 2:
        return Estimate(None)
    losses = partial(
        held_out_losses,
        logits=images.logits,
        labels=images.labels,
        patients=images.patients,
        allowed=images.known,
    )
    within = np.bincount(images.sources[of_view], minlength=images.sources.max() + 1)
    weights = 1 / np.maximum(within, 1)[images.sources]
    apart = losses(own, weights=weights, fitted=of_view) - losses(whole, weights=images.weights)
    kept, difference = weights[of_view], apart[of_view]

    def mean(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        each = drawn * kept
        return np.asarray(each @ difference / each.sum(axis=-1))

    patients = [images.patients[i] for i in np.flatnonzero(of_view)]
    return bootstrap({"gain": mean}, patients)["gain"]


def _fit(
    recipe: Recipe, images: _Images, age_group: str, taught: tuple[str, ...], view: str
) -> FittedProfile:
    """Fit one profile."""
    compared = _compared(images)
    temperature, biases = _calibration(images, compared)
    probabilities = calibrated(images.logits, temperature, biases)
    true = probabilities[np.arange(len(images.labels)), images.labels]
    least = least_probability(true, images.patients, COVERAGE)
    points: tuple[OperatingPoint, ...] = ()
    if recipe.positive_class in taught:
        column = taught.index(recipe.positive_class)
        points = operating_points(
            recipe,
            images.sources,
            probabilities[:, column],
            images.labels == column,
            f", {view} view" if view else "",
        )
    profile = Profile(
        age_group=age_group,
        classes=taught,
        temperature=temperature,
        biases=dict(zip(taught, biases.tolist(), strict=True)),
        view=view,
        operating_points=points,
        # With too few patients nothing can be promised but sets of every class.
        coverage=COVERAGE if least > 0 else None,
        min_probability=least if least > 0 else None,
    )
    return FittedProfile(profile, len(images.labels), len(set(images.patients)), compared)


def _gather(
    recipe: Recipe,
    data: PreparedData,
    answers: Answers,
    chosen: NDArray[np.bool_],
    group: int,
    taught: tuple[str, ...],
) -> _Images:
    rows = data.split.indices("calibrate")[chosen]
    columns = [recipe.classes.index(name) for name in taught]
    place = np.full(len(recipe.classes), -1)
    place[columns] = np.arange(len(columns))
    sources = data.collection.sources[rows]
    return _Images(
        logits=answers.logits[chosen, group][:, columns],
        labels=place[data.collection.labels[rows]],
        sources=sources,
        known=np.array(recipe.known_classes())[sources][:, columns],
        patients=[data.collection.patients[row] for row in rows],
    )


def _compared(images: _Images) -> dict[str, CalibratorLoss]:
    if len(set(images.patients)) < 2:
        return {}
    return compare_calibrators(
        images.logits, images.labels, images.patients, allowed=images.known, weights=images.weights
    )


def _calibration(
    images: _Images, compared: Mapping[str, CalibratorLoss]
) -> tuple[float, NDArray[np.float64]]:
    """Fit the temperature, with biases where they are shown to lower the loss on other patients.

    Every source counts the same, over the classes that it has labels for. A class without an image
    has no bias that could be fitted.
    """
    classes = images.logits.shape[1]
    fittable = compared and set(images.labels.tolist()) == set(range(classes))
    if fittable and place_of(compared[BIASED].over_temperature) == "below":
        return fit_biased_temperature(images.logits, images.labels, images.known, images.weights)
    temperature = fit_temperature(images.logits, images.labels, images.known, images.weights)
    return temperature, np.zeros(classes)


def operating_points(
    recipe: Recipe,
    sources: NDArray[np.int64],
    probability: NDArray[np.float64],
    positive: NDArray[np.bool_],
    where: str = "",
) -> tuple[OperatingPoint, OperatingPoint]:
    """Choose the rule-out and the rule-in point so that they serve every source.

    Pooled over the sources, the largest one would choose them alone. Where the classes lie so far
    apart that the two cross, they change places: each target is then met with room to spare.

    Parameters
    ----------
    recipe : Recipe
    sources : ndarray of int64, shape (images,)
        Index of each image's source.
    probability : ndarray of float64, shape (images,)
        Of the positive class, calibrated.
    positive : ndarray of bool, shape (images,)
        The truth.
    where : str
        What is said after "of the calibration part".

    Raises
    ------
    RecipeError
        No image is positive, or all are.
    """
    out, told_out = _threshold(recipe, Purpose.RULE_OUT, sources, probability, positive, where)
    into, told_in = _threshold(recipe, Purpose.RULE_IN, sources, probability, positive, where)
    if into < out:
        out, into, told_out, told_in = into, out, told_in + _CROSSED, told_out + _CROSSED
    return (
        OperatingPoint(Purpose.RULE_OUT, recipe.positive_class, out, told_out),
        OperatingPoint(Purpose.RULE_IN, recipe.positive_class, into, told_in),
    )


def _threshold(
    recipe: Recipe,
    purpose: Purpose,
    sources: NDArray[np.int64],
    probability: NDArray[np.float64],
    positive: NDArray[np.bool_],
    where: str,
) -> tuple[float, str]:
    """Choose one threshold, and tell its rule."""
    label, ruling_out = recipe.positive_class, purpose is Purpose.RULE_OUT
    counted = positive if ruling_out else ~positive
    thresholds, counts = [], []
    for number, source in enumerate(recipe.sources):
        mine = sources == number
        if not counted[mine].any():
            continue
        given, truth = probability[mine], positive[mine]
        thresholds.append(
            threshold_for_sensitivity(given, truth, recipe.positive_sensitivity)
            if ruling_out
            else threshold_for_specificity(given, truth, recipe.positive_specificity)
        )
        counts.append(f"{int(counted[mine].sum())} of {source.name}")
    if not thresholds:
        what = label if ruling_out else f"anything but {label}"
        raise RecipeError(
            f"the part that calibrates has no image of {what}{where}, so no threshold can be "
            f"chosen; {_WAY_OUT}"
        )
    rule = (
        f"highest threshold with a sensitivity of at least {recipe.positive_sensitivity:g}"
        if ruling_out
        else f"lowest threshold with a specificity of at least {recipe.positive_specificity:g}"
    )
    kind = "positive" if ruling_out else "negative"
    rule += (
        f" for {label} in every source of the calibration part{where} ({kind} images: "
        f"{', '.join(counts)})"
    )
    return min(thresholds) if ruling_out else max(thresholds), rule
