"""Random changes of a training image, after the reduction and before CLAHE."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction = Annotated[float, Field(ge=0, le=1)]
Quality = Annotated[int, Field(ge=1, le=100)]


class Augmentation(BaseModel):
    """Ranges of the random changes; zero (or null) switches each off.

    Geometry as in Baral 2025, section 3.3.1. `gamma` bends the grey scale: values 0..1 to the power
    of at most 1 + gamma or at least 1 / (1 + gamma). `resolution` and `jpeg_quality` hide which
    source an image came from: it is reduced by up to that share of its size and enlarged again, and
    re-encoded as JPEG at a random quality. `only_lungs` and `hidden_lungs` are shares of the whole
    radiographs that are reduced to their lungs, or robbed of them; see `lungs.LungChanges`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rotation_degrees: float = Field(20, ge=0, le=180)
    shift: Fraction = 0.2
    shear: Fraction = 0.1
    zoom: Fraction = 0.2
    horizontal_flip: bool = True
    brightness: Fraction = 0.1
    contrast: Fraction = 0.2
    gamma: Fraction = 0.0
    resolution: float = Field(0.5, ge=0, le=0.9)
    jpeg_quality: tuple[Quality, Quality] | None = (40, 95)
    only_lungs: Fraction = 0.0
    hidden_lungs: Fraction = 0.0

    @model_validator(mode="after")
    def _shares_fit(self) -> Augmentation:
        if self.only_lungs + self.hidden_lungs > 1:
            raise ValueError("only_lungs and hidden_lungs are shares: their sum is at most 1")
        return self

    @model_validator(mode="after")
    def _range_ascends(self) -> Augmentation:
        if self.jpeg_quality is not None and self.jpeg_quality[0] > self.jpeg_quality[1]:
            raise ValueError("jpeg_quality must be the lower quality, then the higher")
        return self


def augment(
    grey: NDArray[np.uint8], ranges: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change an image at random within the recipe's ranges (Baral 2025, section 3.3.1).

    Parameters
    ----------
    grey : ndarray of uint8, shape (size, size)
    ranges : Augmentation
    rng : Generator

    Returns
    -------
    ndarray of uint8, shape (size, size)
    """
    return augment_with_mask(grey, None, ranges, rng)[0]


def augment_with_mask(
    grey: NDArray[np.uint8],
    mask: NDArray[np.uint8] | None,
    ranges: Augmentation,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Change an image as `augment` does, and move a mask of it in the same way.

    Parameters
    ----------
    grey : ndarray of uint8, shape (size, size)
    mask : ndarray of uint8, shape (size, size), or None
    ranges : Augmentation
    rng : Generator

    Returns
    -------
    grey, mask
        As given in; what comes into the mask from outside is 0.
    """
    matrix = _motion(grey.shape[0], ranges, rng)
    if mask is not None:
        mask = _warp(mask, matrix, cv2.BORDER_CONSTANT)
    grey = _warp(grey, matrix, cv2.BORDER_REPLICATE)
    grey = _expose(grey, ranges, rng)
    return _degrade(grey, ranges, rng), mask


def _motion(size: int, ranges: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a rotation, shift, shear, zoom and flip about the centre, as a matrix (2, 3)."""
    angle = np.deg2rad(rng.uniform(-ranges.rotation_degrees, ranges.rotation_degrees))
    shear = rng.uniform(-ranges.shear, ranges.shear)
    zoom = rng.uniform(1 - ranges.zoom, 1 + ranges.zoom, size=2)
    shift = rng.uniform(-ranges.shift, ranges.shift, size=2) * size
    mirror = -1.0 if ranges.horizontal_flip and rng.random() < 0.5 else 1.0
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([zoom[0] * mirror, zoom[1]])
    centre = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, centre + shift - linear @ centre])


def _warp(image: NDArray[np.uint8], matrix: NDArray[np.float64], border: int) -> NDArray[np.uint8]:
    """Move an image (size, size)."""
    moved = cv2.warpAffine(
        image, matrix, image.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=border
    )
    return moved.astype(np.uint8, copy=False)


def _expose(
    grey: NDArray[np.uint8], ranges: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change brightness, contrast and gamma."""
    brightness = rng.uniform(1 - ranges.brightness, 1 + ranges.brightness)
    contrast = rng.uniform(1 - ranges.contrast, 1 + ranges.contrast)
    mean = float(grey.mean())
    changed = (grey.astype(np.float32) - mean) * contrast + mean * brightness
    if ranges.gamma:
        limit = np.log1p(ranges.gamma)
        power = np.exp(rng.uniform(-limit, limit))
        changed = 255 * (np.clip(changed, 0, 255) / 255) ** power
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def _degrade(
    grey: NDArray[np.uint8], ranges: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Take away resolution and re-encode, so that neither tells the source."""
    size = grey.shape[0]
    smaller = round(size * (1 - rng.uniform(0, ranges.resolution)))
    if smaller < size:
        reduced = cv2.resize(grey, (smaller, smaller), interpolation=cv2.INTER_AREA)
        grey = cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    if ranges.jpeg_quality is not None:
        low, high = ranges.jpeg_quality
        quality = int(rng.integers(low, high + 1))
        _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
        grey = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return grey
