"""What images teach the maps of evidence: readers' boxes, or only that something is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.metrics import Box, box_mask

# In place of a share of a cell: no loss there; only the label says that the map holds something.
UNKNOWN, LABEL_ONLY = -1.0, -2.0


class Lesson(IntEnum):
    """What an image teaches one map."""

    NOTHING = 0
    ABSENT = 1
    SOMEWHERE = 2
    BOXES = 3


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceLessons:
    """What each image of a collection teaches each map.

    Attributes
    ----------
    kinds : ndarray of int8, shape (images, maps)
        A `Lesson` each.
    boxes : mapping of int to tuple of Box
        By position, of the images that teach a map by boxes.
    cells : int
        Rows, and columns, of a map.
    """

    kinds: NDArray[np.int8]
    boxes: Mapping[int, tuple[Box, ...]]
    cells: int

    def box_mask(self, position: int, size: int) -> NDArray[np.uint8] | None:
        """Mask (size, size) of an image's boxes, 255 inside; None where it has none."""
        if position not in self.boxes:
            return None
        return np.where(box_mask(self.boxes[position], (size, size)), 255, 0).astype(np.uint8)

    def target(self, position: int, boxes: NDArray[np.uint8] | None) -> NDArray[np.float32]:
        """What the maps of an image should be.

        Parameters
        ----------
        position : int
            Of the image.
        boxes : ndarray of uint8, shape (size, size), or None
            Its `box_mask`, moved as the image was.

        Returns
        -------
        ndarray of float32, shape (maps, cells, cells)
            Share of each cell inside the boxes, 0..1; `UNKNOWN` where nothing is known, and
            `LABEL_ONLY` in the whole map where something is, but not where.
        """
        kinds = self.kinds[position]
        target = np.full((len(kinds), self.cells, self.cells), UNKNOWN, np.float32)
        target[kinds == Lesson.ABSENT] = 0
        target[kinds == Lesson.SOMEWHERE] = LABEL_ONLY
        if boxes is not None:
            shape = (self.cells, self.cells)
            covered = cv2.resize(boxes, shape, interpolation=cv2.INTER_AREA)
            target[kinds == Lesson.BOXES] = covered.astype(np.float32) / 255
        return target
