"""A hash of what a picture shows: nearly equal for copies of it, far apart for other pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.imaging.network_input import reduce_by_area

NEAR_HASH_BITS = 40
"""Pictures are near when their perceptual hashes differ in at most so many of the 256 bits.

Measured by ``bench/overlap.py``; see docs/explanation/honest-figures.md.
"""

_GRID, _MARGIN = 256, 4
_SIDE, _WAVES = 64, 16


def perceptual_hash(pixels: NDArray[np.float32]) -> str:
    """Describe what a picture shows, for finding its copies.

    The signs of 16 x 16 low coefficients of the cosine transform (Zauner 2010, pHash) of the image
    at 64 x 64 pixels. Those that vary along one axis only are left out: they are much the same in
    all chest radiographs.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1.

    Returns
    -------
    str
        256 bits as 64 hexadecimal digits.

    See Also
    --------
    fingerprint : Equal for identical pixels only.

    Examples
    --------
    >>> import numpy as np
    >>> from pneumoscope.imaging import perceptual_hash
    >>> grey = np.random.default_rng(1).random((64, 64), dtype=np.float32)
    >>> len(perceptual_hash(grey)), perceptual_hash(grey) == perceptual_hash(grey / 2)
    (64, True)
    """
    return _hash(reduce_by_area(pixels, _GRID))


def perceptual_hashes(pixels: NDArray[np.float32]) -> tuple[str, str, str]:
    """Hash a picture as it is, without its outermost 1.6%, and with a border of as much.

    A border that was cut off shifts every coefficient. The two others meet the hash of a picture of
    which this one is a crop, or that is a crop of this one.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1.

    Returns
    -------
    tuple of str
        The first is that of `perceptual_hash`.
    """
    grey = reduce_by_area(pixels, _GRID)
    inner = grey[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    framed = cv2.copyMakeBorder(grey, *(4 * (_MARGIN,)), cv2.BORDER_REPLICATE)
    return _hash(grey), _hash(inner), _hash(framed.astype(np.uint8))


def pack_hashes(hashes: Sequence[str]) -> NDArray[np.uint64]:
    """Give perceptual hashes as numbers.

    Returns
    -------
    ndarray of uint64, shape (hashes, 4)
    """
    return np.frombuffer(bytes.fromhex("".join(hashes)), dtype=np.uint64).reshape(-1, 4)


def fewest_bits(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Count the bits in which each known picture differs from the nearest of some hashes.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (hashes, 4)
        At least one, such as `perceptual_hashes` of one picture.
    known : ndarray of uint64, shape (known, 4)
        Those of other pictures.

    Returns
    -------
    ndarray of intp, shape (known,)
        0..256.
    """
    differing = np.bitwise_count(hashes[:, np.newaxis] ^ known).sum(axis=2, dtype=np.intp)
    return np.asarray(differing.min(axis=0))


def _hash(grey: NDArray[np.uint8]) -> str:
    small = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small)[1 : _WAVES + 1, 1 : _WAVES + 1]
    return np.packbits(low > 0).tobytes().hex()
