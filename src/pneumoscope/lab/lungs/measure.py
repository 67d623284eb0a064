"""What the segmenter is worth on patients that did not train it."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import ImageError
from pneumoscope.inference import LungFields, LungFieldsRecord
from pneumoscope.lab.lungs.examples import (
    CUT_OUT,
    FRONTAL,
    WITHOUT_LUNGS,
    Example,
    masked_radiographs,
    pictures,
)
from pneumoscope.lab.lungs.masks import ELSEWHERE, LEFT, RIGHT, UNKNOWN, Fields, Mask
from pneumoscope.metrics import Estimate, bootstrap, with_exact_end

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a segmenter found in a picture, without the mask."""

    example: Example
    areas: tuple[float, float]
    certainties: tuple[float, float]

    def lungs_found(self, record: LungFieldsRecord) -> int:
        """How many lungs there are by a record's limits."""
        return sum(map(record.is_lung, self.areas, self.certainties))


def look(lungs: LungFields, data: Path) -> list[Seen]:
    """Look at every frontal radiograph at hand, and at pictures that are none.

    A picture that cannot be read (one of a single grey, such as a wallpaper) is left out.
    """
    seen = []
    for source in (*FRONTAL, *WITHOUT_LUNGS):
        for example in pictures(data, source):
            try:
                found = lungs.find(example.pixels())
            except ImageError as error:
                _log.warning("%s: left out: %s", source, error)
                continue
            areas = (found.right_area, found.left_area)
            certainties = (found.right_certainty, found.left_certainty)
            seen.append(Seen(example, areas, certainties))
        _log.info("%s: looked at", source)
    return seen


def choose_certainty(seen: Sequence[Seen], false_alarms: float) -> float:
    """Choose from which certainty on a region counts as a lung.

    Parameters
    ----------
    seen : sequence of Seen
        Of frontal radiographs; those of held-out patients have no part in the choice.
    false_alarms : float
        Share of each source's radiographs in which a lung may be lost, 0..1.

    Returns
    -------
    float
        0..1, with three decimals.
    """
    by_source: dict[str, list[float]] = {}
    for one in seen:
        if one.example.source in FRONTAL and not one.example.held_out:
            by_source.setdefault(one.example.source, []).append(min(one.certainties))
    lowest = min(
        float(np.quantile(values, false_alarms, method="lower")) for values in by_source.values()
    )
    return math.floor(lowest * 1000) / 1000


def measure(lungs: LungFields, seen: Sequence[Seen], data: Path) -> dict[str, Any]:
    """Measure a segmenter at full size, through the very class that is used in the clinic.

    Parameters
    ----------
    lungs : LungFields
    seen : sequence of Seen
        Of `look`, with the same network.
    data : Path
        Holds the folders that `examples` names.

    Returns
    -------
    dict
        `agreement` (Dice and IoU with masks), `opacities` (how much of what readers marked is
        inside) and `lungs_found` (how often two lungs are found), by source. Intervals are over
        patients.
    """
    masked = [example for example in masked_radiographs(data) if example.held_out]
    return {
        "agreement": _agreement(lungs, masked),
        "opacities": _opacities(lungs, masked),
        "lungs_found": _lungs_found(seen, lungs.record),
    }


def _agreement(lungs: LungFields, masked: Sequence[Example]) -> dict[str, Any]:
    """Compare with masks of whole lungs, where they are known."""
    rows: dict[str, list[tuple[str, float, float]]] = {}
    for example in masked:
        truth = example.taught_fields()
        if truth is None:
            continue
        found = lungs.find(example.pixels()).mask
        dice, iou = overlap(found, _resized(truth, found.shape))
        patient, label = example.image.patient_id, example.image.label
        for name in (example.source, *([f"{CUT_OUT} {label}"] if not example.hand_made else [])):
            rows.setdefault(name, []).append((patient, dice, iou))
    return {
        name: _counted(found)
        | {
            "dice": _mean([dice for _, dice, _ in found], [row[0] for row in found]).as_dict(),
            "iou": _mean([iou for *_, iou in found], [row[0] for row in found]).as_dict(),
        }
        for name, found in sorted(rows.items())
    }


def overlap(found: Mask, truth: Fields) -> tuple[float, float]:
    """Compare a mask with the true fields where these are known.

    Parameters
    ----------
    found : ndarray of bool, shape (height, width)
    truth : ndarray of uint8, shape (height, width)
        As of `masks`, with some of a lung.

    Returns
    -------
    dice, iou : float
        0..1: twice the shared area over the sum of both (Dice), and the shared area over the area
        of either (intersection over union).
    """
    lung, found = (truth == RIGHT) | (truth == LEFT), found & (truth != UNKNOWN)
    shared, either = np.count_nonzero(found & lung), np.count_nonzero(found | lung)
    return 2 * shared / (either + shared), shared / either


def _resized(fields: Fields, shape: tuple[int, ...]) -> Fields:
    resized = cv2.resize(fields, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return resized.astype(np.uint8)


def _opacities(lungs: LungFields, masked: Sequence[Example]) -> dict[str, Any]:
    """Say how much of the opacities that readers marked lies in the lungs.

    Beside it, how much lies in the masks that the example came with: those of a network leave
    opacities out, those of hands do not.
    """
    rows: dict[str, list[tuple[str, float, float]]] = {}
    for example in masked:
        pixels = example.pixels()
        marked = example.opacities(pixels.shape)
        if not marked.any():
            continue
        found, fields = lungs.find(pixels).mask, example.fields()
        given = np.zeros_like(found)
        if fields is not None:
            given = _resized(fields, found.shape) > ELSEWHERE
        row = (example.image.patient_id, float(found[marked].mean()), float(given[marked].mean()))
        rows.setdefault(example.source, []).append(row)
    return {
        source: _counted(found)
        | {
            "inside": _mean([ours for _, ours, _ in found], [row[0] for row in found]).as_dict(),
            "inside_given_mask": _mean(
                [given for *_, given in found], [row[0] for row in found]
            ).as_dict(),
        }
        for source, found in rows.items()
    }


def _counted(rows: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    return {"images": len(rows), "patients": len({patient for patient, *_ in rows})}


def _lungs_found(seen: Sequence[Seen], record: LungFieldsRecord) -> list[dict[str, Any]]:
    """Count by source, and for pictures without lungs by label."""
    groups: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        source = one.example.source
        label = one.example.image.label if source in WITHOUT_LUNGS else ""
        groups.setdefault((source, label), []).append(one)
    rows = []
    for (source, label), group in groups.items():
        held_out = [one for one in group if one.example.held_out]
        rows.append(
            {
                "source": source,
                "label": label,
                "all": _fewer(group, record),
                "held_out": _fewer(held_out, record),
            }
        )
    return rows


def _fewer(group: Sequence[Seen], record: LungFieldsRecord) -> dict[str, Any]:
    patients = [one.example.image.patient_id for one in group]
    found = np.array([one.lungs_found(record) for one in group], int)
    return {"fewer_than_two": rate(found < 2, patients), "none": rate(found == 0, patients)}


def rate(hits: NDArray[np.bool_], patients: Sequence[str]) -> dict[str, Any]:
    """Give a share with its 95% interval over patients, who are drawn whole.

    Where none or all are hit, the interval is the exact one (Clopper and Pearson) of as many
    patients, since resampling cannot reach past the data.
    """
    number, count = len(set(patients)), int(hits.sum())
    told: dict[str, Any] = {"pictures": hits.size, "patients": number, "hits": count}
    if hits.size == 0:
        return told | {"value": None, "ci95": None}
    share = _mean(hits.tolist(), patients)
    if number == 1 and count in (0, hits.size):
        # Nothing can be drawn from one patient, but the exact interval needs no draws.
        share = replace(share, low=share.value, high=share.value)
    return told | with_exact_end(share, number).as_dict()


def _mean(values: Sequence[float], patients: Sequence[str]) -> Estimate:
    """Give the mean over images with its interval over patients."""
    array = np.asarray(values, np.float64)
    drawn = bootstrap({"mean": lambda weights: weights @ array / weights.sum(axis=1)}, patients)
    return drawn["mean"]
