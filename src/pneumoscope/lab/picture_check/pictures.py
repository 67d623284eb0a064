"""The pictures: whole radiographs, phantoms, and what is no chest; by patient in three parts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import ImageError
from pneumoscope.imaging import reduce_by_area
from pneumoscope.inference import packaged_lung_fields
from pneumoscope.lab.lungs.augmentation import Grey
from pneumoscope.lab.lungs.examples import HELD_OUT_SHARE, WITHOUT_LUNGS, Example, pictures
from pneumoscope.lab.lungs.masks import Fields
from pneumoscope.lab.picture_check.damage import split_lungs
from pneumoscope.synthetic import View, draw_ct_slice, draw_phantom

_log = logging.getLogger(__name__)

SIDE = 192
"""Of what training keeps of a picture: more than the network takes, to cut into it."""
FIELDS_SIDE = 64

CHESTS = ("guangzhou", "rsna", "rsna-normals", "nih-graded", "nih-weak", "lungs-tb")
PHANTOMS, DRAWN_SLICES = "phantoms", "drawn slices"
EXTERNAL = "cohen-opacity"
"""Of papers and teaching sites; none of its images trains or calibrates."""

_CALIBRATION_SHARE = 0.15
_SLICE_COUNT = 40


class Part(StrEnum):
    """What a patient's pictures are for."""

    TRAINING = "training"
    CALIBRATION = "calibration"
    REPORT = "report"


# Of the phantoms: apart from each other, and far from the seeds of the demo and the tests.
_SEEDS = {Part.TRAINING: 3_000_000, Part.CALIBRATION: 3_100_000, Part.REPORT: 3_200_000}
_PHANTOM_COUNTS = {Part.TRAINING: 240, Part.CALIBRATION: 80, Part.REPORT: 120}


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What training draws from.

    Attributes
    ----------
    chests : ndarray of uint8, shape (n, 192, 192)
        Upright frontal chest radiographs, and phantoms of them.
    fields : ndarray of uint8, shape (n, 64, 64)
        Their lungs, as of `lungs.masks`; told by the packaged segmenter.
    sources : tuple of str
        The folder of each.
    others : ndarray of uint8, shape (m, 192, 192)
        Pictures that are no chest radiographs.
    kinds : tuple of str
        The folder and the label of each.
    """

    chests: Grey
    fields: Fields
    sources: tuple[str, ...]
    others: Grey
    kinds: tuple[str, ...]


def part_of(example: Example) -> Part:
    """Tell what a picture is for; one patient's pictures of all folders are for the same."""
    if example.held_out:
        return Part.REPORT
    calibrates = example.place < HELD_OUT_SHARE + _CALIBRATION_SHARE
    return Part.CALIBRATION if calibrates else Part.TRAINING


def chests_of(data: Path, part: Part) -> list[Example]:
    """List the radiographs of a part; for the report the external ones, too."""
    sources = (*CHESTS, EXTERNAL) if part is Part.REPORT else CHESTS
    return _of_part(data, sources, part)


def others_of(data: Path, part: Part) -> list[Example]:
    """List the pictures of a part that are no chest radiographs."""
    return _of_part(data, WITHOUT_LUNGS, part)


def kind_of(example: Example) -> str:
    """Name what a picture that is no chest radiograph shows: its folder and label."""
    return f"{example.source} {example.image.label}"


def phantoms_of(part: Part, count: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Draw the phantoms of a part, with opacities and views by turns."""
    for number in range(_PHANTOM_COUNTS[part] if count is None else count):
        view: View = "AP" if number % 4 >= 2 else "PA"
        seed = _SEEDS[part] + number
        yield draw_phantom(seed, size=256, opacity=number % 2 == 1, view=view).pixels


def readable(examples: Sequence[Example]) -> Iterator[tuple[Example, NDArray[np.float32]]]:
    """Read pictures; one that cannot be read (such as a wallpaper of one grey) is left out."""
    for example in examples:
        try:
            yield example, example.pixels()
        except ImageError as error:
            _log.warning("%s: left out: %s", example.source, error)


def gather(data: Path, phantoms: int | None = None) -> Pool:
    """Read the pictures of the training part.

    Parameters
    ----------
    data : Path
        Holds the folders.
    phantoms : int, optional
        How many to draw.

    Raises
    ------
    DataError
        A folder is missing or cannot be used.
    """
    finder, part = packaged_lung_fields(), Part.TRAINING
    chests, fields, sources, others, kinds = [], [], [], [], []

    def keep(pixels: NDArray[np.float32], source: str) -> None:
        chests.append(reduce_by_area(pixels, SIDE))
        fields.append(split_lungs(finder.find(pixels).mask, FIELDS_SIDE))
        sources.append(source)

    for example, pixels in readable(chests_of(data, part)):
        keep(pixels, example.source)
    for pixels in phantoms_of(part, phantoms):
        keep(pixels, PHANTOMS)
    for example, pixels in readable(others_of(data, part)):
        others.append(reduce_by_area(pixels, SIDE))
        kinds.append(kind_of(example))
    for number in range(_SLICE_COUNT):
        others.append(reduce_by_area(draw_ct_slice(_SEEDS[part] + number, size=SIDE), SIDE))
        kinds.append(DRAWN_SLICES)
    _log.info("%d chests and %d other pictures are for training", len(chests), len(others))
    return Pool(np.array(chests), np.array(fields), tuple(sources), np.array(others), tuple(kinds))


def _of_part(data: Path, sources: Sequence[str], part: Part) -> list[Example]:
    return [
        example
        for source in sources
        for example in pictures(data, source)
        if part_of(example) is part
    ]
