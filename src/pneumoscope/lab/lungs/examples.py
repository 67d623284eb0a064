"""Radiographs with lung masks, and pictures without lungs, in the folders that hold them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.evaluation import LabelledImage, read_boxes, read_manifest
from pneumoscope.imaging import read_radiograph
from pneumoscope.lab.lungs.masks import Fields, Mask, believable, to_fields, with_doubt
from pneumoscope.metrics import Box, box_mask

HELD_OUT_SHARE = 0.2

HAND_MADE = "lungs-tb"
EXTERNAL = "cohen-opacity"
"""Hand-made masks that reach through consolidation. None of its images trains."""
CUT_OUT = "rsna-lungs"
"""Radiographs of `WHOLE` with everything but the lungs blackened."""
WHOLE = ("rsna", "rsna-normals", "nih-graded")
CHILDREN = "guangzhou"
WITHOUT_LUNGS = ("not-chest", "covid-ct")
FRONTAL = (*WHOLE, "nih-weak", HAND_MADE, EXTERNAL, CHILDREN)

_BLACK = 12 / 255  # JPEG leaves some grey beside an outline
_PATIENTS = {"covid-ct": "paper_id", "not-chest": "source"}


@dataclass(frozen=True, slots=True)
class Example:
    """A picture, and where a mask of its lungs is.

    Attributes
    ----------
    source : str
        The name of its folder.
    image : LabelledImage
        The picture; its `patient_id` is one key over all folders.
    mask : Path or None
        A mask (lungs white), or for a cut-out the radiograph with all but its lungs blackened;
        None where neither is at hand.
    opacity_mask : Path or None
        Readers' mask of the opacities (white).
    boxes : tuple of Box
        Readers' boxes round opacities.
    """

    source: str
    image: LabelledImage
    mask: Path | None = None
    opacity_mask: Path | None = None
    boxes: tuple[Box, ...] = ()

    @property
    def place(self) -> float:
        """Where its patient falls between 0 and 1, by a hash: the same in every folder."""
        digest = hashlib.sha256(self.image.patient_id.encode()).digest()
        return int.from_bytes(digest[:4]) / 2**32

    @property
    def held_out(self) -> bool:
        """Whether its patient is one of the fifth that no network trains on."""
        return self.source == EXTERNAL or self.place < HELD_OUT_SHARE

    @property
    def hand_made(self) -> bool:
        """Whether its mask was drawn by hand."""
        return self.mask is not None and self.source in (HAND_MADE, EXTERNAL)

    def pixels(self) -> NDArray[np.float32]:
        """Read the picture: shape (height, width), 0..1."""
        return read_radiograph(self.image.path).pixels

    def fields(self) -> Fields | None:
        """Read its lungs as `masks.to_fields` gives them; None without a mask of two lungs."""
        if self.mask is None:
            return None
        grey = read_radiograph(self.mask).pixels
        return to_fields(grey > (0.5 if self.hand_made else _BLACK))

    def taught_fields(self) -> Fields | None:
        """Read what training may believe of its lungs.

        Returns
        -------
        ndarray of uint8, shape (height, width), or None
            None where the mask is not that of two whole lungs. A network's mask of an image that
            is not normal is `masks.UNKNOWN` where something may have been cut out of it.
        """
        fields = self.fields()
        if fields is None or self.hand_made:
            return fields
        if not believable(fields):
            return None
        if self.image.label == "NORMAL":
            return fields
        return with_doubt(fields, self.opacities(fields.shape))

    def opacities(self, shape: tuple[int, ...]) -> Mask:
        """Mark what readers marked as opacities, on a picture of this height and width."""
        height, width = shape[:2]
        marked: Mask = box_mask(self.boxes, (height, width))
        if self.opacity_mask is not None:
            drawn = read_radiograph(self.opacity_mask).pixels
            marked = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_NEAREST) > 0.5
        return marked


def masked_radiographs(data: Path) -> list[Example]:
    """List every radiograph of which a lung mask is at hand, each once.

    Parameters
    ----------
    data : Path
        Holds the folders `HAND_MADE`, `EXTERNAL`, `CUT_OUT` and `WHOLE`.

    Raises
    ------
    DataError
        A folder is missing or cannot be used.
    """
    cut_out = {image.extra["rsna_id"]: image.path for image in read_manifest(data / CUT_OUT).images}
    examples = [e for name in (HAND_MADE, EXTERNAL) for e in pictures(data, name) if e.mask]
    for name in WHOLE:
        for example in pictures(data, name):
            # Taken away when it is used: the folders share images.
            mask = cut_out.pop(example.image.extra["rsna_id"], None)
            examples += [] if mask is None else [replace(example, mask=mask)]
    return examples


def pictures(data: Path, source: str) -> list[Example]:
    """List the pictures of a folder, with the masks and the boxes that are in it.

    Parameters
    ----------
    data : Path
        Holds the folder.
    source : str
        The folder's name.

    Raises
    ------
    DataError
        The folder is missing or cannot be used.
    """
    folder = data / source
    manifest = read_manifest(folder, patient_column=_PATIENTS.get(source, "patient_id"))
    table = folder / "boxes.csv"
    boxes = read_boxes(table, manifest) if table.is_file() else {}
    return [
        Example(
            source,
            _with_patient(image),
            _named(folder, image, "lung_mask"),
            _named(folder, image, "opacity_mask"),
            boxes.get(image.file, ()),
        )
        for image in manifest.images
    ]


def _with_patient(image: LabelledImage) -> LabelledImage:
    """Give a picture of `not-chest` its patient, or where it has none itself."""
    if "patient_id" not in image.extra:
        return image
    return replace(image, patient_id=image.extra["patient_id"] or image.file)


def _named(folder: Path, image: LabelledImage, column: str) -> Path | None:
    name = image.extra.get(column)
    return folder / name if name else None
