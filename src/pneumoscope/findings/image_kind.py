"""What kind of picture an image is, and what kinds a bundle reads."""

from __future__ import annotations

from enum import StrEnum


class ImageKind(StrEnum):
    """A kind of picture that a bundle can be made for, in the words of ``bundle.json``."""

    CHEST_RADIOGRAPH = "frontal chest radiograph"
    CHEST_CT = "axial chest CT slice"
