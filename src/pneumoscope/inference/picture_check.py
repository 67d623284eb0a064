"""Is it an upright frontal chest radiograph? Asked of a picture before its classes are believed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from pneumoscope.findings import About, InputSpec, Message, PictureCheck
from pneumoscope.imaging import equalise, reduce_by_area
from pneumoscope.inference.packaged import (
    PackagedTrainingSet,
    open_session,
    parse_record,
    read_packaged,
)

GRAPH, RECORD = "picture_check.onnx", "picture_check.json"
"""Beside this file; made and measured by ``pneumoscope train-picture-check``."""

CHECK_INPUT, CHECK_OUTPUT = "images", "faults"

_NOT_CHEST, _MIRRORED = "not_frontal_chest", "mirrored"

LEARNT_CODES = (
    _NOT_CHEST,
    "upside_down",
    "rotated",
    "inverted",
    "screen_photograph",
    "cropped",
    _MIRRORED,
)
"""What the network tells, in the order of its outputs; "mirrored" is a warning only."""

_EDGE = 2 / 255  # of the grey scale: nearer to its ends counts as black or white
_NEARLY_ALL = 0.97
_LEAST_CONTRAST = 16 / 255


class PictureCheckRecord(BaseModel):
    """``picture_check.json``: what the network takes, what it is made of, and what it is worth.

    A code is told from its threshold on, a score of 0..1. `size`, `clahe_clip` and `clahe_tiles`
    are those of `findings.InputSpec`. `training_sets`, `made_with` and `figures` are for people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=32, le=512)
    clahe_clip: float = Field(gt=0, le=40)
    clahe_tiles: int = Field(ge=1, le=32)
    thresholds: dict[str, float]
    training_sets: tuple[PackagedTrainingSet, ...]
    made_with: dict[str, Any]
    figures: dict[str, Any]

    @field_validator("thresholds")
    @classmethod
    def _check_thresholds(cls, thresholds: dict[str, float]) -> dict[str, float]:
        if set(thresholds) != set(LEARNT_CODES):
            raise ValueError(f"must name {', '.join(LEARNT_CODES)}")
        if not all(0 < value <= 1 for value in thresholds.values()):
            raise ValueError("must be above 0 and at most 1")
        return thresholds

    @property
    def spec(self) -> InputSpec:
        """The network's input."""
        return InputSpec(self.size, self.clahe_clip, self.clahe_tiles, channels=1)


class PictureChecker:
    """Tells pictures that are no upright frontal chest radiographs. Thread-safe.

    Parameters
    ----------
    graph : bytes
        Takes `images` (n, 1, size, size), 0..1, and gives `faults` (n, 7): the logits of
        `LEARNT_CODES`.
    record : PictureCheckRecord

    Raises
    ------
    BundleError
        The graph is not the recorded one, or is of another shape.
    """

    def __init__(self, graph: bytes, record: PictureCheckRecord) -> None:
        self.record = record
        shapes = {CHECK_INPUT: [1, record.size, record.size], CHECK_OUTPUT: [len(LEARNT_CODES)]}
        self._session = open_session(graph, record.sha256, shapes, (GRAPH, RECORD))

    def look(self, pixels: NDArray[np.float32]) -> PictureCheck:
        """Look at one picture.

        How often a radiograph is refused, and what is told of other pictures, is in
        docs/explanation/picture-check.md.

        Parameters
        ----------
        pixels : ndarray of float32, shape (height, width)
            As of a `Radiograph`: grey values, 0..1, dense tissue bright, nothing cut off.

        Returns
        -------
        PictureCheck
            A picture that is no frontal chest radiograph is refused for this alone: how such a
            picture lies means nothing. A warning is given only where nothing is refused.
        """
        grey = reduce_by_area(pixels, self.record.size)
        if _shows_nothing(grey):
            return PictureCheck(refusals=(Message("exposure", About.IMAGE),))
        scores = self._scores(grey)
        told = [code for code, score in scores.items() if score >= self.record.thresholds[code]]
        refused = [code for code in told if code != _MIRRORED]
        if _NOT_CHEST in refused:
            refused = [_NOT_CHEST]
        return PictureCheck(
            refusals=tuple(Message(code, About.IMAGE) for code in refused),
            warnings=(Message(_MIRRORED, About.IMAGE),) if told == [_MIRRORED] else (),
            scores=scores,
        )

    def _scores(self, grey: NDArray[np.uint8]) -> dict[str, float]:
        images = equalise(grey, self.record.spec)[np.newaxis]
        (logits,) = self._session.run([CHECK_OUTPUT], {CHECK_INPUT: images})
        # Clipped, so that the exponential cannot overflow.
        scores = 1 / (1 + np.exp(-np.clip(logits[0].astype(np.float64), -50, 50)))
        return dict(zip(LEARNT_CODES, scores.tolist(), strict=True))


@cache
def packaged_picture_check() -> PictureChecker:
    """Give the packaged check, loaded once.

    Raises
    ------
    BundleError
        Its files are missing or were changed.
    """
    graph, told = read_packaged(GRAPH, RECORD)
    return PictureChecker(graph, read_record(told))


def read_record(told: bytes) -> PictureCheckRecord:
    """Read ``picture_check.json``.

    Raises
    ------
    BundleError
        It is no valid record.
    """
    return parse_record(PictureCheckRecord, told, RECORD)


def _shows_nothing(grey: NDArray[np.uint8]) -> bool:
    """Whether the picture is nearly all black, nearly all white, or has hardly any contrast."""
    at_one_end = max(np.mean(grey <= _EDGE * 255), np.mean(grey >= (1 - _EDGE) * 255))
    low, high = np.percentile(grey, (1, 99))
    return bool(at_one_end >= _NEARLY_ALL or high - low < _LEAST_CONTRAST * 255)
