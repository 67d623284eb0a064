"""Two heads on the same images: every image answered by networks that saw none of its patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pneumoscope.inference import to_evidence_heatmap
from pneumoscope.lab.datasets import Collection
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.training import Recipe
from pneumoscope.metrics import (
    Box,
    Estimate,
    accuracy,
    auroc,
    auroc_macro,
    bootstrap,
    calibration_slope,
    fit_map,
    fixed_maps,
)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Metric = Callable[[Floats], Floats]

VIEW_ALONE, FIXED_MAP = "view alone", "fixed map"
AUPRC, POINTING = "evidence map: AUPRC", "evidence map: pointing game"
FLOORS = {"adults: AUROC, PNEUMONIA": VIEW_ALONE, AUPRC: FIXED_MAP, POINTING: FIXED_MAP}
"""What a figure is held against beside the other head: a guide that reads no lung."""


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """The test images of some folds with both heads' answers.

    Attributes
    ----------
    folds : ndarray of int64, shape (images,)
        Counted from 1.
    patients : ndarray of str, shape (images,)
    true : ndarray of int64, shape (images,)
        Column of the label.
    positive : int
        Column of the recipe's positive class.
    children : ndarray of bool, shape (images,)
        The others are adults.
    views : ndarray of str, shape (images,)
        Such as "AP"; empty where none is stated.
    probabilities : mapping of str to ndarray, shape (images, classes)
        By head; 0 for classes that the image's source has no label for.
    maps : mapping of str to ndarray, shape (images, 2)
        By head, and `FIXED_MAP`: AUPRC and pointing game; NaN for images without boxes.
    """

    folds: NDArray[np.int64]
    patients: NDArray[np.str_]
    true: NDArray[np.int64]
    positive: int
    children: Mask
    views: NDArray[np.str_]
    probabilities: Mapping[str, Floats]
    maps: Mapping[str, Floats]

    def some(self, chosen: Mask) -> Pooled:
        """Take some of the images."""
        return replace(
            self,
            folds=self.folds[chosen],
            patients=self.patients[chosen],
            true=self.true[chosen],
            children=self.children[chosen],
            views=self.views[chosen],
            probabilities={head: each[chosen] for head, each in self.probabilities.items()},
            maps={head: each[chosen] for head, each in self.maps.items()},
        )


def pool(
    recipe: Recipe,
    collection: Collection,
    boxes: Mapping[int, Sequence[Box]],
    results: Mapping[str, Sequence[Result]],
) -> Pooled:
    """Gather the folds' answers.

    Parameters
    ----------
    recipe : Recipe
        With an evidence map, and the age group "children".
    collection : Collection
        Its images.
    boxes : mapping of int to sequence of Box
        By position in the collection.
    results : mapping of str to sequence of Result
        By head, each fold's; the same folds for every head.

    Raises
    ------
    ValueError
        The heads did not answer the same images, or they drew no evidence map.
    """
    first, *others = results.values()
    if any([a.files for a in first] != [b.files for b in other] for other in others):
        raise ValueError("heads can be compared on the same images only")
    places = {file: place for place, file in enumerate(collection.files)}
    rows = np.array([places[file] for result in first for file in result.files])
    sources = collection.sources[rows]
    taught = np.array(recipe.known_classes())[sources]
    names = [group.name for group in recipe.age_groups]
    young = [recipe.group_of(source) == names.index("children") for source in recipe.sources]
    patients = [patient for result in first for patient in result.patients]
    boxed = np.flatnonzero([row in boxes for row in rows.tolist()])
    mine = [boxes[row] for row in rows[boxed].tolist()]
    owners = [patients[place] for place in boxed]
    fixed = fixed_maps(mine, owners)
    maps = {FIXED_MAP: _fits([fixed[owner] for owner in owners], mine, recipe.input.size)}
    for head, found in results.items():
        evidence = [each.evidence for each in found if each.evidence is not None]
        if len(evidence) < len(found):
            raise ValueError(f"{head}: a fold has no evidence map")
        maps[head] = _fits(np.concatenate(evidence)[boxed], mine, recipe.input.size)
    return Pooled(
        folds=np.repeat(np.arange(len(first)) + 1, [len(each.files) for each in first]),
        patients=np.array(patients),
        true=collection.labels[rows].astype(np.int64),
        positive=recipe.classes.index(recipe.positive_class),
        children=np.array(young)[sources],
        views=np.array([collection.extra[row].get("view", "").upper() for row in rows.tolist()]),
        probabilities={
            head: _over_taught(np.concatenate([each.probabilities for each in found]), taught)
            for head, found in results.items()
        },
        maps={name: _spread(fits, boxed, len(rows)) for name, fits in maps.items()},
    )


def _over_taught(probabilities: Floats, taught: Mask) -> Floats:
    """Leave out the classes that the image's source has no label for, as the loss did."""
    kept = np.where(taught, probabilities, 0)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


def _fits(
    maps: Sequence[NDArray[np.float32]] | Floats, boxes: Sequence[Sequence[Box]], side: int
) -> Floats:
    """AUPRC and pointing game of each image's map against its boxes."""
    drawn = (to_evidence_heatmap(np.asarray(m, np.float32), (side, side), "") for m in maps)
    fits = [fit_map(heatmap, mine) for heatmap, mine in zip(drawn, boxes, strict=True)]
    return np.array([[fit.auprc, fit.pointing] for fit in fits])


def _spread(fits: Floats, boxed: NDArray[np.intp], images: int) -> Floats:
    wide = np.full((images, 2), np.nan)
    wide[boxed] = fits
    return wide


def metrics_of(pooled: Pooled, head: str) -> dict[str, Metric]:
    """Give the study's figures of one head, as functions of the images' weights.

    Parameters
    ----------
    pooled : Pooled
    head : str
        Of `Pooled.probabilities`.

    Returns
    -------
    dict of str to callable
        As `bootstrap` takes them.
    """
    given, true = pooled.probabilities[head], pooled.true
    score, positive, young = given[:, pooled.positive], true == pooled.positive, pooled.children
    called = (score >= 0.5).astype(np.intp)
    found = {
        "children: AUROC": _among(young, partial(auroc, score[young], positive[young])),
        "children: accuracy at 0.5": _among(
            young, partial(accuracy, positive[young].astype(np.intp), called[young])
        ),
        "adults: AUROC, macro": _among(~young, partial(auroc_macro, given[~young], true[~young])),
        "adults: AUROC, PNEUMONIA": _among(~young, partial(auroc, score[~young], positive[~young])),
    }
    for view in ("AP", "PA"):
        seen = ~young & (pooled.views == view)
        found[f"adults, {view} alone: AUROC, PNEUMONIA"] = _among(
            seen, partial(auroc, score[seen], positive[seen])
        )
    for name, chosen in (("children", young), ("adults", ~young)):
        found[f"{name}: calibration slope"] = _among(
            chosen, partial(calibration_slope, score[chosen], positive[chosen])
        )
    return found | _map_metrics(pooled, head)


def _map_metrics(pooled: Pooled, name: str) -> dict[str, Metric]:
    fits = pooled.maps[name]
    boxed = ~np.isnan(fits[:, 0])
    return {
        measure: _among(boxed, partial(_mean, fits[boxed, column]))
        for column, measure in enumerate((AUPRC, POINTING))
    }


def _among(chosen: Mask, metric: Metric) -> Metric:
    return lambda weights: metric(weights[..., chosen])


def _mean(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=-1)
    found = np.full(total.shape, np.nan)
    return np.divide(weights @ values, total, out=found, where=total > 0)


def _minus(one: Metric, other: Metric) -> Metric:
    return lambda weights: np.asarray(one(weights) - other(weights))


def compare(pooled: Pooled) -> dict[str, dict[str, Estimate]]:
    """Measure both heads and their paired differences, on the same resampled patients.

    Returns
    -------
    dict of str to dict of str to Estimate
        By figure: "plain", "capsules", "capsules - plain", and for those of `FLOORS` the floor and
        "plain - FLOOR" and "capsules - FLOOR".
    """
    adults = ~pooled.children
    view = (pooled.views == "AP").astype(np.float64)
    seen = partial(auroc, view[adults], (pooled.true == pooled.positive)[adults])
    floors = _map_metrics(pooled, FIXED_MAP) | {"adults: AUROC, PNEUMONIA": _among(adults, seen)}
    plain, capsules = (metrics_of(pooled, head) for head in ("plain", "capsules"))
    found = {}
    for name in plain:
        metrics = {
            "plain": plain[name],
            "capsules": capsules[name],
            "capsules - plain": _minus(capsules[name], plain[name]),
        }
        if name in FLOORS:
            floor = FLOORS[name]
            metrics[floor] = floors[name]
            metrics[f"plain - {floor}"] = _minus(plain[name], floors[name])
            metrics[f"capsules - {floor}"] = _minus(capsules[name], floors[name])
        found[name] = bootstrap(metrics, pooled.patients.tolist())
    return found


def by_fold(pooled: Pooled) -> dict[str, dict[str, list[float | None]]]:
    """Measure both heads on each fold's test images; None where a figure is undefined.

    Returns
    -------
    dict of str to dict of str to list of float or None
        By figure, by head, in the order of the folds.
    """
    found: dict[str, dict[str, list[float | None]]] = {}
    for fold in np.unique(pooled.folds).tolist():
        part = pooled.some(pooled.folds == fold)
        for head in part.probabilities:
            for name, metric in metrics_of(part, head).items():
                value = float(metric(np.ones((1, len(part.true))))[0])
                plain = None if np.isnan(value) else value
                found.setdefault(name, {}).setdefault(head, []).append(plain)
    return found
