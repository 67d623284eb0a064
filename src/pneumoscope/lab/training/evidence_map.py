"""Where a bundle may outline its evidence map: above which probability, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pneumoscope.errors import RecipeError
from pneumoscope.lab.training.answers import Answers
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.recipe import Recipe
from pneumoscope.metrics import SaliencySummary, patient_quantile

FLOOR_SHARE = 0.9
DECIDING: tuple[Literal["auprc", "pointing"], ...] = ("auprc", "pointing")


@dataclass(frozen=True, slots=True)
class Outlining:
    """For whom the evidence map is outlined.

    Attributes
    ----------
    allowed : tuple of str
        Age groups.
    why_not : mapping of str to str
        The reason, for each of the others.
    """

    allowed: tuple[str, ...]
    why_not: Mapping[str, str]


def evidence_floor(recipe: Recipe, data: PreparedData, answers: Answers) -> float | None:
    """Choose the probability that a cell must reach before anything is outlined.

    Nine of ten patients without a finding to outline have no cell that reaches it. They are those
    of the calibrate part whose image is not labelled with the class shown, of the sources that have
    readers' boxes, or of all sources where none has. A patient's images share one vote.

    Parameters
    ----------
    recipe : Recipe
    data : PreparedData
    answers : Answers
        On the calibrate part.

    Returns
    -------
    float or None
        Above 0 and at most 1; None for a recipe without an evidence map.

    Raises
    ------
    RecipeError
        The calibrate part has no such image.
    """
    if recipe.evidence is None or answers.evidence is None:
        return None
    rows = data.split.indices("calibrate")
    sources = data.collection.sources[rows]
    boxed = np.array([source.boxes is not None for source in recipe.sources])[sources]
    free = data.collection.labels[rows] != recipe.classes.index(recipe.evidence.shown)
    chosen = free & boxed if (free & boxed).any() else free
    if not chosen.any():
        raise RecipeError(
            f"the part that calibrates has no image without {recipe.evidence.shown}, so nothing "
            "says from which probability on its evidence map may be outlined"
        )
    shown = answers.evidence[chosen, recipe.evidence.classes.index(recipe.evidence.shown)]
    highest = shown.reshape(len(shown), -1).max(axis=1).astype(np.float64)
    patients = [data.collection.patients[row] for row in rows[chosen]]
    floor = float(np.nextafter(patient_quantile(highest, patients, FLOOR_SHARE), np.inf))
    return min(floor, 1.0)


def outlining(
    groups: tuple[str, ...], found: Mapping[str, Mapping[str, SaliencySummary]]
) -> Outlining:
    """Decide for whom the map is outlined: where it beat the fixed map in every view.

    Parameters
    ----------
    groups : tuple of str
        The age groups.
    found : mapping of str to mapping of str to SaliencySummary
        By age group with boxes on the report part, then by view.

    Returns
    -------
    Outlining
        A group is allowed where, in every view that has boxes, the 95% interval of the paired
        difference from the fixed map lies above 0 in pixelwise AUPRC and in the pointing game.
    """
    why_not = {}
    for group in groups:
        views = found.get(group, {})
        failed = [
            view
            for view, summary in views.items()
            if any(summary.measures[name].place != "above" for name in DECIDING)
        ]
        if not views:
            why_not[group] = f"no radiologists' boxes on images of {group} were at hand to check it"
        elif failed:
            where = " and ".join(f"the {view} view" if view else "some images" for view in failed)
            why_not[group] = (
                f"on images of {group}, {where}, it is not shown to find radiologists' boxes "
                "better than a fixed map of where opacities usually are"
            )
    return Outlining(tuple(group for group in groups if group not in why_not), why_not)
