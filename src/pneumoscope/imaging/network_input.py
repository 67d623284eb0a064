"""The one way from an image to a network's input, for training, evaluation and use alike."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import InputSpec


def reduce_by_area(pixels: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Bring an image to a square of 8-bit grey by averaging areas.

    Averaging before any local contrast step makes the result independent of the source's
    resolution. A side shorter than `size` is interpolated instead.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1.
    size : int
        Side of the square, in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        Grey values, 0..255.
    """
    height, width = pixels.shape
    smaller = (min(width, size), min(height, size))
    if smaller != (width, height):
        pixels = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA).astype(np.float32)
    if smaller != (size, size):
        enlarged = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR)
        pixels = enlarged.astype(np.float32)
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def equalise(grey: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.float32]:
    """Apply CLAHE to an image that already has the network's size.

    Parameters
    ----------
    grey : ndarray of uint8, shape (size, size)
        Grey values, 0..255.
    spec : InputSpec
        Clip limit, tiles and channels.

    Returns
    -------
    ndarray of float32, shape (channels, size, size)
        Values 0..1. No mean or deviation is subtracted (Baral 2025, section 3.3.1).
    """
    if spec.clahe_clip is not None:
        tiles = (spec.clahe_tiles, spec.clahe_tiles)
        grey = cv2.createCLAHE(spec.clahe_clip, tiles).apply(grey).astype(np.uint8)
    scaled = grey.astype(np.float32) / np.float32(255)
    return np.repeat(scaled[np.newaxis], spec.channels, axis=0)


def to_input(pixels: NDArray[np.float32], spec: InputSpec) -> NDArray[np.float32]:
    """Make the network's input: reduction by area, then CLAHE.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        A radiograph's grey values, 0..1, dense tissue bright.
    spec : InputSpec
        What the network takes.

    Returns
    -------
    ndarray of float32, shape (channels, size, size)
        Values 0..1.

    Notes
    -----
    Baral 2025 (section 3.3.1) equalises before the resize, so that a file's resolution changes what
    the network sees; here a 3,000-pixel file and its 224-pixel copy give the same input.

    See Also
    --------
    reduce_by_area, equalise : The two halves.

    Examples
    --------
    >>> import numpy as np
    >>> from pneumoscope.findings import InputSpec
    >>> from pneumoscope.imaging import to_input
    >>> grey = np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(64, 48)
    >>> to_input(grey, InputSpec(size=32, clahe_clip=None, clahe_tiles=8, channels=1)).shape
    (1, 32, 32)
    """
    return equalise(reduce_by_area(pixels, spec.size), spec)


def fingerprint(pixels: NDArray[np.float32]) -> str:
    """Name an image by its pixels: equal for equal pictures, whatever their files' metadata.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1; compared at 8 bits.

    Returns
    -------
    str
        16 hexadecimal digits: the first 64 bits of a SHA-256 over shape and values.

    See Also
    --------
    perceptual_hash : Alike for changed copies of a picture, too.

    Examples
    --------
    >>> import numpy as np
    >>> from pneumoscope.imaging import fingerprint
    >>> grey = np.zeros((64, 48), dtype=np.float32)
    >>> fingerprint(grey) == fingerprint(grey.copy()), fingerprint(grey) == fingerprint(grey.T)
    (True, False)
    """
    grey = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    digest = hashlib.sha256(f"{grey.shape}".encode())
    digest.update(np.ascontiguousarray(grey).tobytes())
    return digest.hexdigest()[:16]
