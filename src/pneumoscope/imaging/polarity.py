"""Does a chest radiograph look inverted? A check that needs no model."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import About, Message, Radiograph

_SIDE = 32
_LEVELS = 4095


def inversion_score(pixels: NDArray[np.float32]) -> float:
    """Score how much a frontal chest radiograph looks like its negative.

    The image is reduced to 32 x 32 and its values are replaced by their ranks, so that neither
    exposure nor contrast matters. In a frontal view of usual polarity the mediastinum and the
    upper abdomen are brighter than the lungs, and the trunk is brighter than the upper corners.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        0 black to 1 white.

    Returns
    -------
    float
        Below 0 for usual polarity, above 0 for inverted; within -2.5..2.5. The negative of an
        image has the opposite score.
    """
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    # Rounded, so that the noise of averaging does not order equal areas.
    _, order, counts = np.unique(np.rint(small * _LEVELS), return_inverse=True, return_counts=True)
    # Equal values share the mean of their ranks.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[order].reshape(small.shape) / small.size
    lungs = ranks[8:22, np.r_[5:11, 21:27]].mean()
    mediastinum = ranks[8:24, 14:18].mean()
    abdomen = ranks[24:, 8:24].mean()
    trunk = ranks[4:28, 4:28].mean()
    corners = ranks[:3, np.r_[0:4, 28:32]].mean()
    usual = (mediastinum - lungs) + (abdomen - lungs) + 0.5 * (trunk - corners)
    return -float(usual)


def polarity_note(radiograph: Radiograph) -> Message | None:
    """Say so where dense tissue looks dark; fit for a warning, not for turning the image round.

    Parameters
    ----------
    radiograph : Radiograph
        A frontal view of the chest.
    """
    if inversion_score(radiograph.pixels) <= 0:
        return None
    if radiograph.dicom is None:
        return Message("looks_inverted", About.IMAGE)
    stated = {"photometric": radiograph.dicom.photometric}
    return Message("looks_inverted_by_header", About.IMAGE, stated)
