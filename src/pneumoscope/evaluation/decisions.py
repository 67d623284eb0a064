"""What the thresholds and prediction sets of a bundle give on labelled images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pneumoscope.findings import Decision, OperatingPoint, Purpose, Zone
from pneumoscope.metrics import Estimate, bootstrap, sensitivity, specificity, with_exact_end


@dataclass(frozen=True, slots=True)
class PointFigures:
    """One operating point, measured.

    Attributes
    ----------
    purpose : Purpose
    label : str
        The class that counts as positive.
    threshold : float or None
        None where the images have thresholds of different profiles.
    images : int
        Images that have such a point; the others have no part in the rates.
    sensitivity, specificity : Estimate
        Of calling an image positive at or above the threshold of its own profile.
    """

    purpose: Purpose
    label: str
    threshold: float | None
    images: int
    sensitivity: Estimate
    specificity: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "purpose": self.purpose.value,
            "class": self.label,
            "threshold": self.threshold,
            "images": self.images,
            "sensitivity": self.sensitivity.as_dict(),
            "specificity": self.specificity.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Prediction sets, measured.

    Attributes
    ----------
    coverage : float or None
        The share of sets that is stated to hold the true class; None where profiles differ.
    images : int
        Images that have a prediction set.
    several : int
        Those whose set has more than one class.
    holding_truth : Estimate
        Share of sets that hold the true class, among the images whose label is a class.
    """

    coverage: float | None
    images: int
    several: int
    holding_truth: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "coverage": self.coverage,
            "images": self.images,
            "several": self.several,
            "holding_truth": self.holding_truth.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class DecisionFigures:
    """Operating points, zones and prediction sets over some images.

    Attributes
    ----------
    images : int
    points : tuple of PointFigures
        By purpose; only those of the positive class.
    zones : mapping of Zone to int or None
        Images in each zone of the positive class; None where no image has a zone of it.
    sets : SetFigures or None
        None where no image has a prediction set.
    """

    images: int
    points: tuple[PointFigures, ...]
    zones: Mapping[Zone, int] | None
    sets: SetFigures | None

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "operating_points": [point.as_dict() for point in self.points],
            "zones": None
            if self.zones is None
            else {zone.value: count for zone, count in self.zones.items()},
            "prediction_sets": None if self.sets is None else self.sets.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class ProfileFigures:
    """The same over the images of one profile.

    Attributes
    ----------
    age_group, view : str
        The profile's; `view` is empty for the profile of any view.
    chosen_by : mapping of str to int
        How many images got their age group by "age", by "image", or as the "only" one.
    figures : DecisionFigures
    """

    age_group: str
    view: str
    chosen_by: Mapping[str, int]
    figures: DecisionFigures

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "age_group": self.age_group,
            "view": self.view or None,
            "images": self.figures.images,
            "chosen_by": dict(self.chosen_by),
            **self.figures.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class MeasuredDecisions:
    """What `measure_decisions` found: over all images, and by profile."""

    overall: DecisionFigures
    profiles: tuple[ProfileFigures, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return self.overall.as_dict() | {"profiles": [one.as_dict() for one in self.profiles]}


def measure_decisions(
    decisions: Sequence[Decision],
    labels: Sequence[str],
    patients: Sequence[str],
    *,
    positive: str | None,
    resamples: int = 1000,
    seed: int = 42,
) -> MeasuredDecisions:
    """Measure every image by the thresholds and the prediction set of its own profile.

    Parameters
    ----------
    decisions : sequence of Decision
        Of one bundle, one per image, at least one.
    labels, patients : sequence of str
        Of each image.
    positive : str or None
        The positive class. Points of another class are left out, and all without one.
    resamples, seed : int
        Of the patient-grouped bootstrap.

    Returns
    -------
    MeasuredDecisions
        Its profiles by age group and view.
    """
    rows: dict[tuple[str, str], list[int]] = {}
    for row, decision in enumerate(decisions):
        rows.setdefault((decision.age_group.name, decision.view), []).append(row)

    def measure(chosen: Sequence[int]) -> DecisionFigures:
        return _measure(
            [decisions[row] for row in chosen],
            [labels[row] for row in chosen],
            [patients[row] for row in chosen],
            positive,
            partial(bootstrap, resamples=resamples, seed=seed),
        )

    return MeasuredDecisions(
        overall=measure(range(len(decisions))),
        profiles=tuple(
            ProfileFigures(
                age_group=group,
                view=view,
                chosen_by=dict(
                    sorted(Counter(decisions[row].age_group.chosen_by for row in mine).items())
                ),
                figures=measure(mine),
            )
            for (group, view), mine in sorted(rows.items())
        ),
    )


def _measure(
    decisions: Sequence[Decision],
    labels: Sequence[str],
    patients: Sequence[str],
    positive: str | None,
    estimate: partial[dict[str, Estimate]],
) -> DecisionFigures:
    zones = Counter(
        decision.zone
        for decision in decisions
        if positive is not None and decision.positive_label == positive
    )
    points = [_points(decisions, labels, patients, positive, p, estimate) for p in Purpose]
    return DecisionFigures(
        images=len(decisions),
        points=tuple(point for point in points if point is not None),
        zones={zone: zones[zone] for zone in Zone} if zones else None,
        sets=_sets(decisions, labels, patients, estimate),
    )


def _points(
    decisions: Sequence[Decision],
    labels: Sequence[str],
    patients: Sequence[str],
    positive: str | None,
    purpose: Purpose,
    estimate: partial[dict[str, Estimate]],
) -> PointFigures | None:
    found: list[tuple[int, OperatingPoint]] = [
        (row, point)
        for row, decision in enumerate(decisions)
        for point in decision.operating_points
        if point.purpose is purpose and point.label == positive
    ]
    if positive is None or not found:
        return None
    truth = np.array([labels[row] == positive for row, _ in found])
    called = np.array(
        [decisions[row].probabilities[positive] >= point.threshold for row, point in found]
    )
    owners = np.array([patients[row] for row, _ in found])
    rates = estimate(
        {
            "sensitivity": partial(sensitivity, truth, called),
            "specificity": partial(specificity, truth, called),
        },
        owners.tolist(),
    )
    sides = {"sensitivity": owners[truth], "specificity": owners[~truth]}
    thresholds = {point.threshold for _, point in found}
    return PointFigures(
        purpose=purpose,
        label=positive,
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        images=len(found),
        **{kind: with_exact_end(rates[kind], len(set(side))) for kind, side in sides.items()},
    )


def _sets(
    decisions: Sequence[Decision],
    labels: Sequence[str],
    patients: Sequence[str],
    estimate: partial[dict[str, Estimate]],
) -> SetFigures | None:
    rows = [row for row, decision in enumerate(decisions) if decision.coverage is not None]
    if not rows:
        return None
    known = np.array([labels[row] in decisions[row].probabilities for row in rows])
    held = np.array([labels[row] in decisions[row].prediction_set for row in rows])
    stated = {decisions[row].coverage for row in rows}
    owners = np.array([patients[row] for row in rows])
    holding = estimate({"held": partial(sensitivity, known, held)}, owners.tolist())["held"]
    return SetFigures(
        coverage=stated.pop() if len(stated) == 1 else None,
        images=len(rows),
        several=sum(len(decisions[row].prediction_set) > 1 for row in rows),
        holding_truth=with_exact_end(holding, len(set(owners[known]))),
    )
