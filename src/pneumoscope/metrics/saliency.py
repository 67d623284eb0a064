"""Where heatmaps look, against readers' boxes, and against a fixed map that sees no image.

Opacities have their usual places, so a map may meet many boxes without having seen any. Each
heatmap is therefore held against two maps that know nothing of the image: an even one (chance),
and a fixed one, the mean of the boxes of other patients (the low baseline of Arun et al. 2021,
Radiology: Artificial Intelligence 3:e200267). The verdict is on the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import Heatmap
from pneumoscope.metrics.bootstrap import Estimate, bootstrap_band
from pneumoscope.metrics.boxes import Box, box_mask
from pneumoscope.metrics.classification import FloatArray
from pneumoscope.metrics.curves import average_precision
from pneumoscope.metrics.subgroups import FEW_IMAGES

Measure = Literal["auprc", "mass", "mask", "pointing"]
Place = Literal["above", "across", "below"]

SALIENCY_MEASURES: tuple[Measure, ...] = get_args(Measure)
DECIDING: Measure = "auprc"
"""The measure of the verdict: the only one that needs no threshold and takes in the whole map."""
SALIENCY_RULE = (
    "95% interval of the paired difference in AUPRC, heatmap minus fixed map: above 0, across it, "
    "or below it"
)
FIXED_MAP_SIDE = 64

_VERDICTS: Mapping[Place, str] = {
    "above": "The heatmap finds the boxes better than a fixed map of where opacities usually are.",
    "across": (
        "It is not shown that the heatmap finds the boxes better than a fixed map of where "
        "opacities usually are."
    ),
    "below": (
        "The heatmap finds the boxes worse than a fixed map of where opacities usually are: always "
        "looking there would be the better guide."
    ),
}
_NO_VERDICT = "Boxes of a single patient allow no verdict."


@dataclass(frozen=True, slots=True)
class MapFit:
    """How well one map agrees with the boxes of its image; all 0..1, higher is better.

    Attributes
    ----------
    auprc : float
        Average precision over the pixels, those inside a box being positive.
    mass : float
        Share of the map's sum that lies inside the boxes.
    mask : float
        Share of the map's Otsu mask that lies inside the boxes.
    pointing : float
        Whether the map's highest pixel lies inside a box, 0 or 1 (the pointing game, Zhang 2018,
        without its tolerance); of several highest pixels, the share that does.
    """

    auprc: float
    mass: float
    mask: float
    pointing: float


@dataclass(frozen=True, slots=True)
class MeasuredImage:
    """One image's agreement.

    Attributes
    ----------
    patient : str
    area : float
        Share of the image inside its boxes, 0..1: what an even map has in every measure.
    empty : bool
        Whether the heatmap is 0 everywhere; such a map has no mass, mask or point.
    answered : bool
        Whether the model's answer is the class whose heatmap this is, so that a user sees it.
    heatmap, fixed : MapFit
        Of the heatmap, and of the fixed map of other patients' boxes.
    grad_cam : MapFit or None
        Of the same class's Grad-CAM, where the heatmap is another map.
    """

    patient: str
    area: float
    empty: bool
    answered: bool
    heatmap: MapFit
    fixed: MapFit
    grad_cam: MapFit | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One measure over some images; means with 95% intervals.

    Attributes
    ----------
    heatmap, fixed : Estimate
        Of the heatmaps, and of the fixed maps.
    over_fixed, over_area : Estimate
        Paired differences: heatmap minus fixed map, heatmap minus the boxes' share of the area.
    place : {"above", "across", "below"} or None
        Where the interval of `over_fixed` lies, seen from 0; None without an interval.
    grad_cam, over_grad_cam : Estimate or None
        Of Grad-CAM, and the paired difference heatmap minus Grad-CAM; None where the heatmap is
        Grad-CAM itself.
    """

    heatmap: Estimate
    fixed: Estimate
    over_fixed: Estimate
    over_area: Estimate
    place: Place | None
    grad_cam: Estimate | None = None
    over_grad_cam: Estimate | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "heatmap": self.heatmap.as_dict(),
            "fixed_map": self.fixed.as_dict(),
            "over_fixed_map": self.over_fixed.as_dict(),
            "over_area": self.over_area.as_dict(),
            "place": self.place,
            "grad_cam": None if self.grad_cam is None else self.grad_cam.as_dict(),
            "over_grad_cam": None if self.over_grad_cam is None else self.over_grad_cam.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class SaliencySummary:
    """What `measure_saliency` found on some images.

    Attributes
    ----------
    n, patients : int
        Images and distinct patients.
    empty : int
        Images whose heatmap is 0 everywhere.
    answered : int
        Images for which the model's answer is the heatmaps' class.
    area : Estimate
        Mean share of the image inside its boxes.
    measures : mapping of str to Agreement
        By the names of `SALIENCY_MEASURES`.
    note : str or None
        Why the figures say little: few images.
    """

    n: int
    patients: int
    empty: int
    answered: int
    area: Estimate
    measures: Mapping[Measure, Agreement]
    note: str | None

    @property
    def verdict(self) -> str:
        """The verdict in words, by `SALIENCY_RULE`."""
        place = self.measures[DECIDING].place
        return _NO_VERDICT if place is None else _VERDICTS[place]

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain JSON values."""
        return {
            "n": self.n,
            "patients": self.patients,
            "empty": self.empty,
            "answered": self.answered,
            "area": self.area.as_dict(),
            "measures": {name: item.as_dict() for name, item in self.measures.items()},
            "verdict": self.verdict,
            "note": self.note,
        }


def fit_map(heatmap: Heatmap, boxes: Sequence[Box]) -> MapFit:
    """Hold one map against the boxes of its image.

    Parameters
    ----------
    heatmap : Heatmap
        Its values 0 or more; any scale.
    boxes : sequence of Box
        At least one.

    Returns
    -------
    MapFit
        An even map has the boxes' share of the image's area in every measure. An empty one (0
        everywhere) has it as its AUPRC, and 0 in the others: it looks nowhere.
    """
    shape = heatmap.values.shape
    inside = box_mask(boxes, (shape[0], shape[1]))
    values = heatmap.values.astype(np.float64)
    total, marked = values.sum(), heatmap.mask.sum()
    highest = values == values.max()
    return MapFit(
        auprc=float(average_precision(values.ravel(), inside.ravel())),
        mass=float(values[inside].sum() / total) if total > 0 else 0.0,
        mask=float(heatmap.mask[inside].sum() / marked) if marked else 0.0,
        pointing=float(inside[highest].mean()) if total > 0 else 0.0,
    )


def fixed_maps(
    boxes: Sequence[Sequence[Box]], patients: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Make for every patient the map of where the others have their boxes.

    Parameters
    ----------
    boxes : sequence of sequences of Box
        Of each image.
    patients : sequence of str
        Of each image.

    Returns
    -------
    dict of str to ndarray of float32, shape (64, 64)
        By patient: the share of the other patients' images that have a box there, 0..1.

    Raises
    ------
    ValueError
        If all images are of one patient, who then has no others.
    """
    side = (FIXED_MAP_SIDE, FIXED_MAP_SIDE)
    masks = np.stack([box_mask(each, side) for each in boxes]).astype(np.float64)
    owners = np.asarray(patients, dtype=np.str_)
    unique = np.unique(owners)
    if len(unique) < 2:
        raise ValueError("all boxes are of one patient")
    whole = masks.sum(axis=0)
    maps = {}
    for patient in unique:
        mine = owners == patient
        others = (whole - masks[mine].sum(axis=0)) / (~mine).sum()
        maps[str(patient)] = others.astype(np.float32)
    return maps


def measure_saliency(
    images: Sequence[MeasuredImage], resamples: int = 1000, seed: int = 42
) -> SaliencySummary:
    """Average over images, with 95% intervals over the patients.

    Parameters
    ----------
    images : sequence of MeasuredImage
        At least one.
    resamples, seed : int
        Of the patient-grouped bootstrap.

    Returns
    -------
    SaliencySummary

    Raises
    ------
    ValueError
        If there is no image.
    """
    heat, fixed = _fits([i.heatmap for i in images]), _fits([i.fixed for i in images])
    area = np.array([[image.area] for image in images])
    columns = [area, heat, fixed, heat - fixed, heat - area]
    others = [image.grad_cam for image in images if image.grad_cam is not None]
    if len(others) == len(images):
        grad_cam = _fits(others)
        columns += [grad_cam, heat - grad_cam]
    values = np.hstack(columns)
    owners = [image.patient for image in images]

    def means(weights: FloatArray) -> FloatArray:
        return np.asarray(weights @ values / weights.sum(axis=-1, keepdims=True))

    band = bootstrap_band(means, owners, resamples, seed)
    count = len(SALIENCY_MEASURES)
    return SaliencySummary(
        n=len(images),
        patients=len(set(owners)),
        empty=sum(image.empty for image in images),
        answered=sum(image.answered for image in images),
        area=band.estimate(0),
        measures={
            name: _agreement(*map(band.estimate, range(1 + i, values.shape[1], count)))
            for i, name in enumerate(SALIENCY_MEASURES)
        },
        note=f"fewer than {FEW_IMAGES} images" if len(images) < FEW_IMAGES else None,
    )


def _fits(fits: Sequence[MapFit]) -> FloatArray:
    return np.array([[getattr(fit, name) for name in SALIENCY_MEASURES] for fit in fits])


def _agreement(
    heatmap: Estimate,
    fixed: Estimate,
    over_fixed: Estimate,
    over_area: Estimate,
    grad_cam: Estimate | None = None,
    over_grad_cam: Estimate | None = None,
) -> Agreement:
    place = place_of(over_fixed)
    return Agreement(heatmap, fixed, over_fixed, over_area, place, grad_cam, over_grad_cam)


def place_of(difference: Estimate) -> Place | None:
    """Tell where a difference's interval lies, seen from 0; None without an interval."""
    if difference.low is None or difference.high is None:
        return None
    if difference.low > 0:
        return "above"
    return "below" if difference.high < 0 else "across"
