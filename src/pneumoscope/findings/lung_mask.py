"""Where the lungs are on a radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class LungMask:
    """The lung fields of a frontal chest radiograph, opacities in them included.

    Attributes
    ----------
    mask : ndarray of bool, shape (height, width)
        The image's size; True in either lung field.
    right_area, left_area : float
        Share of the image that the patient's right and left lung field cover, 0..1. The right lung
        is the one on the left of the picture, as radiographs are shown.
    right_certainty, left_certainty : float
        Mean probability that the network gives inside each field, 0..1; 0 for an empty one. Low
        where the picture has no such lung.
    lungs_found : int
        How many of the two fields are large and certain enough to be a lung: 0, 1 or 2.
    """

    mask: NDArray[np.bool_]
    right_area: float
    left_area: float
    right_certainty: float
    left_certainty: float
    lungs_found: int

    def __post_init__(self) -> None:
        if self.mask.ndim != 2 or self.mask.dtype != np.bool_:
            raise TypeError(f"mask must be 2-D bool, not {self.mask.dtype} {self.mask.shape}")
        for name in ("right_area", "left_area", "right_certainty", "left_certainty"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} {value} is outside 0..1")
        if self.lungs_found not in (0, 1, 2):
            raise ValueError(f"{self.lungs_found} lungs: there are 0, 1 or 2")
