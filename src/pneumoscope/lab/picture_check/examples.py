"""One training example: a picture, what was done to it, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.imaging import reduce_by_area
from pneumoscope.inference import LEARNT_CODES
from pneumoscope.lab.lungs.augmentation import Grey, disturb
from pneumoscope.lab.picture_check.damage import (
    draw_cut,
    draw_margins,
    is_chest,
    is_cropped,
    kept,
    photographed,
    turned,
)
from pneumoscope.lab.picture_check.junk import draw_junk
from pneumoscope.lab.picture_check.pictures import PHANTOMS, SIDE, Pool

NOT_CHEST, INVERTED, SCREEN = "not_frontal_chest", "inverted", "screen_photograph"
UPSIDE_DOWN, ROTATED = "upside_down", "rotated"
CROPPED, MIRRORED = "cropped", "mirrored"

_CHEST_SHARE, _JUNK_SHARE, _PHANTOM_SHARE = 0.75, 0.45, 0.05
_FAULTS = (INVERTED, UPSIDE_DOWN, ROTATED, SCREEN, CROPPED)
_FAULT_CHANCES = (0.13, 0.13, 0.14, 0.3, 0.3)  # more of what is hard to see
_FAULT_COUNTS = (0.45, 0.43, 0.12)  # how often none, one, two of them
_TILT = 12  # degrees by which an upright radiograph may lean

_Rng = np.random.Generator


@dataclass(slots=True)
class Truth:
    """What is true of an example; what is not told here is not known, and nothing is learnt."""

    told: dict[str, bool] = field(default_factory=dict)

    def labels(self) -> NDArray[np.float32]:
        """1 and 0 for what is true and false, -1 for what is not known, by `LEARNT_CODES`."""
        return np.array([self.told.get(code, -1) for code in LEARNT_CODES], np.float32)


def chances(pool: Pool) -> NDArray[np.float64]:
    """Tell how likely each chest is drawn: by the root of its source's number; they sum to 1."""
    names, places, counts = np.unique(pool.sources, return_inverse=True, return_counts=True)
    shares = np.sqrt(counts)
    real = names != PHANTOMS
    if real.any() and not real.all():
        shares[~real] = shares[real].sum() * _PHANTOM_SHARE / (1 - _PHANTOM_SHARE)
    weights: NDArray[np.float64] = (shares / counts)[places]
    return weights / weights.sum()


def draw(
    pool: Pool, weights: NDArray[np.float64], size: int, rng: _Rng
) -> tuple[Grey, NDArray[np.float32]]:
    """Draw an example.

    Parameters
    ----------
    pool : Pool
    weights : ndarray of float64
        Of `chances`.
    size : int
        Side of the picture, in pixels.
    rng : Generator

    Returns
    -------
    grey : ndarray of uint8, shape (size, size)
    labels : ndarray of float32, shape (7,)
        Of `Truth`.
    """
    if rng.random() >= _CHEST_SHARE:
        return _other(pool, size, rng)
    return _chest(pool, int(rng.choice(len(weights), p=weights)), size, rng)


def _chest(pool: Pool, place: int, size: int, rng: _Rng) -> tuple[Grey, NDArray[np.float32]]:
    count = int(rng.choice(len(_FAULT_COUNTS), p=_FAULT_COUNTS))
    faults = set(rng.choice(_FAULTS, size=count, replace=False, p=_FAULT_CHANCES).tolist())
    if faults >= {UPSIDE_DOWN, ROTATED}:
        faults.remove(ROTATED)
    picture, truth = pool.chests[place], Truth({NOT_CHEST: False})
    picture, stays = _cut(picture, pool, place, CROPPED in faults, truth, rng)
    quarters = {UPSIDE_DOWN: 2, ROTATED: int(rng.choice([1, 3]))}
    turn = next((quarters[name] for name in faults & quarters.keys()), 0)
    mirror = bool(rng.random() < 0.4)
    if mirror:
        picture = np.ascontiguousarray(picture[:, ::-1])
    late = rng.random() < 0.3
    picture = _damaged(turned(picture, turn), faults, size, rng, invert_last=bool(late))
    if stays:
        truth.told |= {name: name in faults for name in (INVERTED, UPSIDE_DOWN, ROTATED)}
        if not turn and not truth.told.get(CROPPED, True):
            truth.told[MIRRORED] = mirror
    truth.told[SCREEN] = SCREEN in faults
    return picture, truth.labels()


def _cut(
    picture: Grey, pool: Pool, place: int, deep: bool, truth: Truth, rng: _Rng
) -> tuple[Grey, bool]:
    """Cut something away, and say whether what is left is a chest that lies in some way."""
    fields = pool.fields[place]
    box = draw_cut(rng) if deep else draw_margins(rng)
    left = kept(fields, box)
    if left is None:
        # Of what has no two known lungs nothing is cut away, and so none of them.
        truth.told[CROPPED] = False
        return picture, True
    chest = is_chest(left[1])
    if chest:
        cropped = is_cropped(left[0])
        if cropped is not None:
            truth.told[CROPPED] = cropped
    elif chest is False:
        truth.told[NOT_CHEST] = True
    else:
        del truth.told[NOT_CHEST]
    return box.of(picture), bool(chest)


def _other(pool: Pool, size: int, rng: _Rng) -> tuple[Grey, NDArray[np.float32]]:
    """Draw what is no chest; how it lies means nothing."""
    if rng.random() < _JUNK_SHARE or not pool.kinds:
        picture = draw_junk(pool.chests, SIDE, rng)
    else:
        kind = rng.choice(np.unique(pool.kinds))
        picture = pool.others[int(rng.choice(np.flatnonzero(np.array(pool.kinds) == kind)))]
        if rng.random() < 0.5:
            sides = rng.uniform(0.4, 1, 2)
            start = (rng.uniform(0, 1 - sides) * SIDE).astype(int)
            stop = start + (sides * SIDE).astype(int)
            picture = np.ascontiguousarray(picture[start[0] : stop[0], start[1] : stop[1]])
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    faults = {name for name in (INVERTED, SCREEN) if rng.random() < 0.15}
    if rng.random() < 0.3:
        picture = turned(picture, int(rng.integers(1, 4)))
    picture = _damaged(picture, faults, size, rng, invert_last=False)
    truth = Truth({NOT_CHEST: True, SCREEN: SCREEN in faults})
    return picture, truth.labels()


def _damaged(picture: Grey, faults: set[str], size: int, rng: _Rng, *, invert_last: bool) -> Grey:
    """Invert and photograph where it is wanted, amid what is ordinary."""
    inverts = INVERTED in faults
    if inverts and not invert_last:
        picture = np.asarray(255 - picture, np.uint8)
    if SCREEN in faults:
        picture = photographed(picture, rng)
    picture = reduce_by_area(np.divide(picture, 255, dtype=np.float32), size)
    picture = disturb(_leaning(picture, rng), rng)
    if inverts and invert_last:
        picture = np.asarray(255 - picture, np.uint8)
    return _compressed(picture, rng)


def _leaning(picture: Grey, rng: _Rng) -> Grey:
    """Lean, shift, stretch and shrink a little, as no fault."""
    size = picture.shape[0]
    zoom = np.exp(rng.uniform(-0.35, 0.08)) * np.exp(rng.uniform(-0.1, 0.1, 2))
    angle = np.deg2rad(np.clip(rng.normal(0, 5), -_TILT, _TILT))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = np.diag(zoom) @ rotation
    centre = (size - 1) / 2 + rng.uniform(-0.08, 0.08, 2) * size
    matrix = np.column_stack([linear, (size - 1) / 2 - linear @ centre])
    border = cv2.BORDER_CONSTANT if rng.random() < 0.6 else cv2.BORDER_REPLICATE
    return cv2.warpAffine(
        picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border
    ).astype(np.uint8)


def _compressed(picture: Grey, rng: _Rng) -> Grey:
    """Reduce the resolution, or store it as JPEG of any quality, as no fault."""
    size = picture.shape[0]
    if rng.random() < 0.25:
        small = int(size * rng.uniform(0.4, 0.9))
        picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA).astype(np.uint8)
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    if rng.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 96))]
        _, stored = cv2.imencode(".jpg", picture, quality)
        picture = np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)
    return picture
