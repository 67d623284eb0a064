"""Thresholds of the picture check, and what it is worth on patients that did not train it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.findings import PictureCheck
from pneumoscope.imaging import reduce_by_area
from pneumoscope.inference import LEARNT_CODES, PictureChecker, packaged_lung_fields
from pneumoscope.lab.lungs.augmentation import Grey
from pneumoscope.lab.lungs.masks import Fields
from pneumoscope.lab.picture_check.damage import (
    Box,
    draw_cut,
    is_chest,
    is_cropped,
    kept,
    photographed,
    split_lungs,
    turned,
)
from pneumoscope.lab.picture_check.examples import (
    CROPPED,
    INVERTED,
    MIRRORED,
    NOT_CHEST,
    ROTATED,
    SCREEN,
    UPSIDE_DOWN,
)
from pneumoscope.lab.picture_check.junk import draw_junk
from pneumoscope.lab.picture_check.pictures import (
    FIELDS_SIDE,
    PHANTOMS,
    SIDE,
    Part,
    chests_of,
    kind_of,
    others_of,
    phantoms_of,
    readable,
)
from pneumoscope.metrics import wilson_interval

_log = logging.getLogger(__name__)

FALSE_REFUSALS = 0.004
"""Share of each source's radiographs that one code alone may refuse when it is calibrated."""
FALSE_WARNINGS = 0.01
"""The same of "mirrored", which refuses none."""
LEAST_SCORE = 0.5
"""No threshold is lower."""

_SEED = 1
_JUNK_COUNT = 500
_CUT_TRIES = 30


@dataclass(frozen=True, slots=True)
class Seen:
    """What was told of a picture: of which group, of whom, after what was done to it."""

    group: str
    patient: str
    check: PictureCheck


def see_ordinary(
    checker: PictureChecker, data: Path, part: Part, phantoms: int | None = None
) -> list[Seen]:
    """Look at the radiographs and phantoms of a part as they are."""
    seen = []
    for example, pixels in readable(chests_of(data, part)):
        group = " ".join(filter(None, (example.source, example.image.extra.get("view", ""))))
        seen.append(Seen(group, example.image.patient_id, checker.look(pixels)))
    for number, pixels in enumerate(phantoms_of(part, phantoms)):
        seen.append(Seen(PHANTOMS, f"phantom {number}", checker.look(pixels)))
    _log.info("looked at %d radiographs for %s", len(seen), part)
    return seen


def choose_thresholds(
    seen: Sequence[Seen], false_refusals: float, false_warnings: float
) -> dict[str, float]:
    """Choose from which score on each code is told.

    Parameters
    ----------
    seen : sequence of Seen
        Of radiographs as they are.
    false_refusals, false_warnings : float
        Share of each group's radiographs that a code may refuse, or "mirrored" may warn of, rounded
        up to whole ones; of phantoms none.

    Returns
    -------
    dict
        For each code the lowest such score with six decimals, `LEAST_SCORE` or more.
    """
    groups: dict[str, list[Mapping[str, float]]] = {}
    for one in seen:
        if one.check.scores:
            groups.setdefault(one.group, []).append(one.check.scores)
    thresholds = {}
    for code in LEARNT_CODES:
        highest = LEAST_SCORE
        share = false_warnings if code == MIRRORED else false_refusals
        for group, scores in groups.items():
            allowed = 0 if group == PHANTOMS else math.ceil(share * len(scores))
            ordered = sorted((score[code] for score in scores), reverse=True)
            if allowed < len(ordered):
                highest = max(highest, ordered[allowed])
        thresholds[code] = min(math.floor(highest * 1e6 + 1) / 1e6, 1.0)
    return thresholds


def measure(
    checker: PictureChecker, data: Path, phantoms: int | None = None, junk: int = _JUNK_COUNT
) -> dict[str, Any]:
    """Measure at full size, through the very class that is used in the clinic.

    Parameters
    ----------
    checker : PictureChecker
        With its thresholds.
    data : Path
        Holds the folders that `pictures` names.
    phantoms, junk : int, optional
        How many to draw.

    Returns
    -------
    dict
        `ordinary` (false refusals by group, code by code), `damaged` (what is told of the same
        radiographs after damage) and `not_chest` (what is told of other pictures).
    """
    ordinary = see_ordinary(checker, data, Part.REPORT, phantoms)
    others = [
        Seen(kind_of(example), example.image.patient_id, checker.look(pixels))
        for example, pixels in readable(others_of(data, Part.REPORT))
    ]
    return {
        "ordinary": {
            "all radiographs": _ordinary_row([one for one in ordinary if one.group != PHANTOMS])
        }
        | {name: _ordinary_row(group) for name, group in _grouped(ordinary)},
        "damaged": _damaged(checker, data),
        "not_chest": {
            name: _told_row(group, NOT_CHEST)
            for name, group in _grouped([*others, *_see_junk(checker, data, junk)])
        },
    }


def _grouped(seen: Iterable[Seen]) -> list[tuple[str, list[Seen]]]:
    groups: dict[str, list[Seen]] = {}
    for one in seen:
        groups.setdefault(one.group, []).append(one)
    return sorted(groups.items())


def _ordinary_row(group: Sequence[Seen]) -> dict[str, Any]:
    by_code = {
        code: sum(code in one.check.codes for one in group) for code in (*LEARNT_CODES, "exposure")
    }
    by_code[MIRRORED] = sum(bool(one.check.warnings) for one in group)
    return {
        "refused": rate([bool(one.check.refusals) for one in group], _patients(group)),
        "by_code": {code: count for code, count in by_code.items() if count},
    }


def _told_row(group: Sequence[Seen], code: str) -> dict[str, Any]:
    """Count how often a code is told (of "mirrored": warned of), and how often any refuses."""
    told = [
        bool(one.check.warnings) if code == MIRRORED else code in one.check.codes for one in group
    ]
    row = {"told": rate(told, _patients(group))}
    if code == MIRRORED:
        return row
    return row | {"refused": rate([bool(one.check.refusals) for one in group], _patients(group))}


def _patients(group: Sequence[Seen]) -> list[str]:
    return [one.patient for one in group]


def _damaged(checker: PictureChecker, data: Path) -> dict[str, Any]:
    """Damage each radiograph of the report in each way."""
    finder, rng = packaged_lung_fields(), np.random.default_rng(_SEED)
    seen: dict[str, list[Seen]] = {}
    for example, pixels in readable(chests_of(data, Part.REPORT)):
        grey = np.rint(pixels * 255).astype(np.uint8)
        fields = split_lungs(finder.find(pixels).mask, FIELDS_SIDE)
        for code, damaged in _ways(grey, fields, rng):
            check = checker.look(damaged.astype(np.float32) / np.float32(255))
            row = Seen(example.source, example.image.patient_id, check)
            seen.setdefault(code, []).append(row)
    _log.info("looked at them damaged")
    return {
        code: {"all": _told_row(rows, code)}
        | {name: _told_row(group, code) for name, group in _grouped(rows)}
        for code, rows in seen.items()
    }


def _ways(grey: Grey, fields: Fields, rng: np.random.Generator) -> Iterator[tuple[str, Grey]]:
    """Give a radiograph in each state that a code stands for."""
    yield INVERTED, np.asarray(255 - grey, np.uint8)
    yield UPSIDE_DOWN, turned(grey, 2)
    yield ROTATED, turned(grey, int(rng.choice([1, 3])))
    yield SCREEN, photographed(grey, rng)
    yield MIRRORED, np.ascontiguousarray(grey[:, ::-1])
    box = _cut_into(fields, rng)
    if box is not None:
        yield CROPPED, box.of(grey)


def _cut_into(fields: Fields, rng: np.random.Generator) -> Box | None:
    """Draw a part that lacks much of a lung and still is a chest."""
    for _ in range(_CUT_TRIES):
        box = draw_cut(rng)
        left = kept(fields, box)
        if left is not None and is_cropped(left[0]) and is_chest(left[1]):
            return box
    return None


def _see_junk(checker: PictureChecker, data: Path, count: int) -> list[Seen]:
    rng, few = np.random.default_rng(_SEED), chests_of(data, Part.REPORT)[::40]
    radiographs = np.array([reduce_by_area(pixels, SIDE) for _, pixels in readable(few)])
    seen = []
    for number in range(count):
        pixels = draw_junk(radiographs, SIDE, rng).astype(np.float32) / np.float32(255)
        seen.append(Seen("made up", str(number), checker.look(pixels)))
    return seen


def rate(hits: Sequence[bool], patients: Sequence[str]) -> dict[str, Any]:
    """Give a share with its 95% interval (Wilson 1927).

    Several pictures of one patient tell less than as many patients: the interval is of the
    effective number of patients (Kish 1965).
    """
    _, counts = np.unique(np.array(patients, dtype=np.str_), return_counts=True)
    told: dict[str, Any] = {"pictures": len(hits), "patients": len(counts), "hits": int(sum(hits))}
    if not len(hits):
        return told | {"value": None, "ci95": None}
    share, effective = np.array([np.mean(hits)]), np.array([counts.sum() ** 2 / (counts**2).sum()])
    low, high = wilson_interval(share, effective)
    return told | {"value": float(share[0]), "ci95": [float(low[0]), float(high[0])]}
