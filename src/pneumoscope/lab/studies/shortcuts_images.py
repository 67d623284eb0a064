"""What the shortcut study takes from an image: parts of it, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from pneumoscope.evaluation import LabelledImage
from pneumoscope.findings import Radiograph
from pneumoscope.imaging import fingerprint, read_radiograph, reduce_by_area
from pneumoscope.lab.studies.image_parts import (
    Mask,
    Pixels,
    Values,
    border,
    lung_field,
    only,
    outside_centre,
    radial_power,
)
from pneumoscope.workflow import Reader

# The probes see an image of 40 pixels, whose outer 2 are the border of 5%.
SIDE, THUMBNAIL, SPECTRUM_SIDE = 40, 16, 224

WHOLE = "whole image"
PLAIN_VIEWS: tuple[str, ...] = (
    WHOLE,
    "border alone",
    "border removed",
    "outside the centre alone",
    "centre alone",
    "16-pixel thumbnail",
)
LUNG_VIEWS: tuple[str, ...] = (
    WHOLE,
    "outside the lungs alone",
    "outline of the lungs alone",
    "lungs alone",
)
TISSUE = np.float32(0.75)  # stands for what lies outside where only the outline is left
PLAIN_FEATURES = ("border", "outside the centre", "16-pixel thumbnail", "file", "spectrum")
LUNG_FEATURES = ("outside the lungs", "outline of the lungs")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is kept of an image.

    Attributes
    ----------
    source : str
        Name of the image's folder.
    image : LabelledImage
    exact : str
        Fingerprint of the pixels.
    features : mapping of str to ndarray of float64, shape (features,)
        What each probe is given.
    answers : mapping of str to mapping of str to float
        For each view the classifier's probabilities by class; empty for an image that the
        classifier was trained or tuned on.
    """

    source: str
    image: LabelledImage
    exact: str
    features: Mapping[str, Values]
    answers: Mapping[str, Mapping[str, float]]

    @property
    def view(self) -> str:
        """AP or PA; empty where the set does not say."""
        return self.image.extra.get("view", "")


def look(source: str, image: LabelledImage, reader: Reader, lungs: Mapping[str, Path]) -> Seen:
    """Take from an image what the probes and the classifier are asked about.

    Parameters
    ----------
    source : str
        Name of the image's folder.
    image : LabelledImage
    reader : Reader
        Of the classifier.
    lungs : mapping of str to Path
        The lungs alone of some images, by `rsna_id`.

    Raises
    ------
    InputError
        The image cannot be read.
    """
    radiograph = read_radiograph(image.path)
    exact = fingerprint(radiograph.pixels)
    masked = lungs.get(image.extra.get("rsna_id", ""))
    lung = None
    if masked is not None:
        lung = lung_field(read_radiograph(masked).pixels, radiograph.pixels.shape)
    answers = {}
    if exact not in reader.bundle.training_images:
        answers = {
            name: reader.score(replace(radiograph, pixels=pixels)).probabilities
            for name, pixels in _views(radiograph.pixels, lung).items()
        }
    return Seen(source, image, exact, _features(radiograph, image.path, lung), answers)


def _views(pixels: Pixels, lung: Mask | None) -> dict[str, Pixels]:
    """Leave only a part of an image; the rest is mid-grey."""
    edge, outside = border(pixels.shape), outside_centre(pixels.shape)
    small = reduce_by_area(pixels, THUMBNAIL).astype(np.float32) / np.float32(255)
    enlarged = cv2.resize(small, pixels.shape[::-1], interpolation=cv2.INTER_LINEAR)
    parts = (pixels, only(pixels, edge), only(pixels, ~edge), only(pixels, outside))
    found = (*parts, only(pixels, ~outside), enlarged.astype(np.float32))
    views = dict(zip(PLAIN_VIEWS, found, strict=True))
    if lung is not None:
        outline = only(np.full_like(pixels, TISSUE), ~lung)
        cut = (only(pixels, ~lung), outline, only(pixels, lung))
        views |= dict(zip(LUNG_VIEWS[1:], cut, strict=True))
    return views


def _features(radiograph: Radiograph, path: Path, lung: Mask | None) -> dict[str, Values]:
    grey = reduce_by_area(radiograph.pixels, SIDE).astype(np.float64)
    facts = [radiograph.height, radiograph.width, radiograph.bits, path.stat().st_size]
    formats = [radiograph.file_format == name for name in ("JPEG", "PNG", "TIFF")]
    found = (
        grey[border(grey.shape)],
        grey[outside_centre(grey.shape)],
        reduce_by_area(radiograph.pixels, THUMBNAIL).ravel().astype(np.float64),
        np.array([*facts, *formats], dtype=np.float64),
        radial_power(reduce_by_area(radiograph.pixels, SPECTRUM_SIDE)),
    )
    features = dict(zip(PLAIN_FEATURES, found, strict=True))
    if lung is not None:
        share = reduce_by_area(lung.astype(np.float32), SIDE) / 255
        cut = reduce_by_area(only(radiograph.pixels, ~lung), SIDE).astype(np.float64)
        features |= dict(zip(LUNG_FEATURES, (cut.ravel(), share.ravel()), strict=True))
    return features
