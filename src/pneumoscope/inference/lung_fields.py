"""Where the lungs are: told by a small packaged network."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pneumoscope.findings import About, InputSpec, LungMask, Message
from pneumoscope.imaging import to_input
from pneumoscope.inference.packaged import (
    PackagedTrainingSet,
    open_session,
    parse_record,
    read_packaged,
)

GRAPH, RECORD = "lung_fields.onnx", "lung_fields.json"
"""Beside this file; made and measured by ``pneumoscope train-lungs``."""

LUNG_INPUT, LUNG_OUTPUT = "images", "lungs"

_BAY = 0.07  # of the picture's side: narrower bays of a lung are filled

_LEAST_CONTRAST = 4 / 255

_Values = NDArray[np.float32]


class LungFieldsRecord(BaseModel):
    """``lung_fields.json``: what the network takes, what it is made of, and what it is worth.

    A region counts as a lung from `least_area` (its share of the picture) and `least_certainty`
    (the mean probability in it) on. `size`, `clahe_clip` and `clahe_tiles` are those of
    `findings.InputSpec`. `training_sets`, `made_with` and `figures` are for people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=32, le=512)
    clahe_clip: float = Field(gt=0, le=40)
    clahe_tiles: int = Field(ge=1, le=32)
    least_area: float = Field(ge=0, le=1)
    least_certainty: float = Field(ge=0, le=1)
    training_sets: tuple[PackagedTrainingSet, ...]
    made_with: dict[str, Any]
    figures: dict[str, Any]

    @property
    def spec(self) -> InputSpec:
        """The network's input."""
        return InputSpec(self.size, self.clahe_clip, self.clahe_tiles, channels=1)

    def is_lung(self, area: float, certainty: float) -> bool:
        """Whether a region of this share of the picture and this mean probability is a lung."""
        return area >= self.least_area and certainty >= self.least_certainty


class LungFields:
    """Finds the lung fields of frontal chest radiographs. Thread-safe.

    Parameters
    ----------
    graph : bytes
        Takes `images` (n, 1, size, size), 0..1, and gives `lungs` (n, 2, size, size): the logits of
        the patient's right and left lung.
    record : LungFieldsRecord

    Raises
    ------
    BundleError
        The graph is not the recorded one, or is of another shape.
    """

    def __init__(self, graph: bytes, record: LungFieldsRecord) -> None:
        self.record = record
        size = record.size
        shapes = {LUNG_INPUT: [1, size, size], LUNG_OUTPUT: [2, size, size]}
        self._session = open_session(graph, record.sha256, shapes, (GRAPH, RECORD))

    def find(self, pixels: NDArray[np.float32]) -> LungMask:
        """Find the lungs of one radiograph.

        Parameters
        ----------
        pixels : ndarray of float32, shape (height, width)
            A radiograph's grey values, 0..1, dense tissue bright, the head on top.

        Returns
        -------
        LungMask
            The largest region of either lung, without holes. None in a picture of one grey, where
            the network would answer with the lungs of a usual chest.
        """
        if np.ptp(pixels) < _LEAST_CONTRAST:
            return LungMask(np.zeros(pixels.shape, np.bool_), 0.0, 0.0, 0.0, 0.0, 0)
        images = to_input(pixels, self.record.spec)[np.newaxis]
        (logits,) = self._session.run([LUNG_OUTPUT], {LUNG_INPUT: images})
        right, left = (_one_region(lung) for lung in logits[0])
        height, width = pixels.shape
        # Enlarged as logits, so that the outline comes out smooth.
        values = cv2.resize(
            np.maximum(right, left), (width, height), interpolation=cv2.INTER_LINEAR
        )
        areas = float(np.mean(right > 0)), float(np.mean(left > 0))
        certainties = _certainty(right), _certainty(left)
        return LungMask(
            mask=np.asarray(values > 0),
            right_area=areas[0],
            left_area=areas[1],
            right_certainty=certainties[0],
            left_certainty=certainties[1],
            lungs_found=sum(map(self.record.is_lung, areas, certainties)),
        )


def share_inside(values: _Values, mask: NDArray[np.bool_]) -> float:
    """Tell how much of a map lies inside a mask.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, columns)
        0 or more; over the same picture as the mask, at any resolution.
    mask : ndarray of bool, shape (height, width)

    Returns
    -------
    float
        The sum inside over the whole sum, 0..1; 0 for a map that is zero everywhere.
    """
    rows, columns = values.shape
    inside = mask.astype(np.float32)
    if inside.shape != values.shape:
        # Each cell counts by the share of it that the mask covers.
        inside = cv2.resize(inside, (columns, rows), interpolation=cv2.INTER_AREA).astype(
            np.float32, copy=False
        )
    total = float(values.sum(dtype=np.float64))
    if total <= 0:
        return 0.0
    return min(float(np.sum(values * inside, dtype=np.float64)) / total, 1.0)


def lungs_warning(lungs: LungMask) -> Message | None:
    """Say that fewer than two lungs were found, if it is so.

    How often this is wrong, and how often it tells a picture that is no chest radiograph, is in
    docs/explanation/lung-fields.md.

    Parameters
    ----------
    lungs : LungMask

    Returns
    -------
    Message or None
    """
    if lungs.lungs_found == 2:
        return None
    return Message("one_lung_found" if lungs.lungs_found else "no_lung_found", About.IMAGE)


@cache
def packaged_lung_fields() -> LungFields:
    """Give the packaged segmenter, loaded once.

    Raises
    ------
    BundleError
        Its files are missing or were changed.
    """
    graph, told = read_packaged(GRAPH, RECORD)
    return LungFields(graph, read_record(told))


def read_record(told: bytes) -> LungFieldsRecord:
    """Read ``lung_fields.json``.

    Raises
    ------
    BundleError
        It is no valid record.
    """
    return parse_record(LungFieldsRecord, told, RECORD)


def _certainty(logits: _Values) -> float:
    """Mean probability where it is above one half; 0 where it is so nowhere."""
    inside = logits[logits > 0].astype(np.float64)
    return float(np.mean(1 / (1 + np.exp(-inside)))) if inside.size else 0.0


def _one_region(logits: _Values) -> _Values:
    """Keep the largest region above 0, its bays and holes filled; all else is below 0."""
    _, regions, facts, _ = cv2.connectedComponentsWithStats((logits > 0).astype(np.uint8))
    if len(facts) == 1:
        return logits
    region = (regions == 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    width = 2 * round(_BAY * len(logits) / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    # A margin, so that what touches the picture's edge is closed as elsewhere.
    closed = cv2.morphologyEx(np.pad(region, width), cv2.MORPH_CLOSE, disc)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED)[width:-width, width:-width] > 0
    kept = np.where((logits > 0) & ~filled, np.float32(-1), logits)
    kept[filled & (logits <= 0)] = 1
    return kept
