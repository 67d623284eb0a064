"""Training images reduced to their lungs, or robbed of them.

A network that saw lungs alone cannot rest on what lies around them; one that is asked about a
picture without lungs, and must not answer, learns that nothing else tells (see the study
`shortcuts`). Sets that come as lung fields alone are given other outlines, which tell less of the
class.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.inference import packaged_lung_fields
from pneumoscope.lab.datasets.collection import Collection
from pneumoscope.lab.datasets.lung_outline import extended, mend, only_lungs

# Masks are kept at this side: a lung's outline has no finer detail.
SIDE = 64
# Around the lungs, as a share of the side: what is hidden must not show its outline.
MARGIN = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class LungChanges:
    """Which images are reduced to their lungs or robbed of them, and how often.

    Attributes
    ----------
    masks : mapping of int to ndarray of bool, shape (SIDE, SIDE)
        Lung fields of the whole radiographs, by position in the collection.
    cut_out : frozenset of int
        Sources whose images are lung fields alone.
    only, hidden : float
        Shares of the whole radiographs that are reduced to their lungs, and robbed of them.
    """

    masks: dict[int, NDArray[np.bool_]]
    cut_out: frozenset[int]
    only: float
    hidden: float

    def change(
        self, position: int, source: int, grey: NDArray[np.uint8], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], bool]:
        """Change an image as its draw says.

        Parameters
        ----------
        position, source : int
            Of the image.
        grey : ndarray of uint8, shape (size, size)
        rng : Generator

        Returns
        -------
        grey : ndarray of uint8, shape (size, size)
        hidden : bool
            Whether its lungs are gone.
        """
        if source in self.cut_out:
            return only_lungs(*mend(grey), rng), False
        mask = self.masks.get(position)
        drawn = rng.random()
        if mask is None or drawn >= self.only + self.hidden:
            return grey, False
        size = grey.shape[::-1]
        whole = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_LINEAR) > 0
        if drawn < self.only:
            return only_lungs(grey, whole, rng), False
        return hide_lungs(grey, whole), True


def hide_lungs(grey: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill the lungs, and a margin, with a smooth extension of what lies around them.

    Parameters
    ----------
    grey : ndarray of uint8, shape (size, size)
    mask : ndarray of bool, shape (size, size)
        The lung fields.

    Returns
    -------
    ndarray of uint8, shape (size, size)
    """
    reach = 2 * round(MARGIN * len(grey)) + 1
    gone = cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8))
    return cv2.copyTo(extended(grey, gone == 0), gone, grey.copy()).astype(np.uint8)


def find_lungs(
    collection: Collection, positions: NDArray[np.int64]
) -> dict[int, NDArray[np.bool_]]:
    """Find the lung fields of whole radiographs; those with fewer than two are left out.

    Parameters
    ----------
    collection : Collection
    positions : ndarray of int64

    Returns
    -------
    dict of int to ndarray of bool, shape (SIDE, SIDE)
    """
    finder = packaged_lung_fields()
    masks = {}
    for position in positions.tolist():
        pixels = collection.pixels[position].astype(np.float32) / 255
        found = finder.find(pixels)
        if found.lungs_found == 2:
            small = cv2.resize(
                found.mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA
            )
            masks[position] = small > 0.5
    return masks
