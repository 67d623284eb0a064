"""Which images of a folder a bundle has seen in its own training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle
from pneumoscope.findings import About, Message, Value
from pneumoscope.imaging import (
    NEAR_HASH_BITS,
    fewest_bits,
    fingerprint,
    pack_hashes,
    perceptual_hashes,
)


class Seen(Enum):
    """How an image is known from a bundle's training: by its pixels, or by what it shows."""

    NO = auto()
    IDENTICAL = auto()
    NEAR = auto()


@dataclass(frozen=True, slots=True)
class TrainingOverlap:
    """What a folder shares with the images that trained or tuned a bundle.

    Attributes
    ----------
    files : tuple of str
        The folder's readable images.
    seen : tuple of Seen
        Of each.
    near_known : bool
        Whether the bundle can tell changed copies; one without perceptual hashes cannot.
    """

    files: tuple[str, ...]
    seen: tuple[Seen, ...]
    near_known: bool

    @property
    def identical(self) -> tuple[str, ...]:
        """The images whose pixels are those of a training image."""
        return self._having(Seen.IDENTICAL)

    @property
    def near(self) -> tuple[str, ...] | None:
        """The others that show the picture of a training image; None where that is not known."""
        return self._having(Seen.NEAR) if self.near_known else None

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whether each image is new to the bundle, as far as it can tell."""
        return np.array([seen is Seen.NO for seen in self.seen])

    def warning(self, compared: str = "") -> tuple[Message, ...]:
        """Tell the overlap; nothing where there is none.

        Parameters
        ----------
        compared : str
            The bundle's letter in a comparison; empty where it is the only one.
        """
        identical, near = len(self.identical), len(self.near or ())
        kind = {
            (True, False): "identical",
            (False, True): "near",
            (True, True): "identical_and_near",
        }
        found = kind.get((identical > 0, near > 0))
        if found is None:
            return ()
        told: dict[str, Value] = {"images": len(self.files), "identical": identical, "near": near}
        if compared:
            told["bundle"] = compared
        code = f"compared_{found}_in_training" if compared else f"{found}_in_training"
        return (Message(code, About.MODEL, told),)

    def _having(self, kind: Seen) -> tuple[str, ...]:
        pairs = zip(self.files, self.seen, strict=True)
        return tuple(file for file, seen in pairs if seen is kind)


def seen_in_training(pixels: NDArray[np.float32], bundles: Sequence[Bundle]) -> tuple[Seen, ...]:
    """Hold an image against the training images of each bundle.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1.
    bundles : sequence of Bundle
        Each with the names of its training images.
    """
    exact, hashes = fingerprint(pixels), pack_hashes(perceptual_hashes(pixels))
    return tuple(_seen(exact, hashes, bundle) for bundle in bundles)


def _seen(exact: str, hashes: NDArray[np.uint64], bundle: Bundle) -> Seen:
    if exact in bundle.training_images:
        return Seen.IDENTICAL
    nearest = fewest_bits(hashes, bundle.training_hashes).min(initial=NEAR_HASH_BITS + 1)
    return Seen.NEAR if nearest <= NEAR_HASH_BITS else Seen.NO
