"""Masks over a layer's units: True keeps a unit, False drops it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]


def draw_masks(keep: NDArray[np.float64], units: int, rng: np.random.Generator) -> Masks:
    """Draw one mask per keep proportion.

    Parameters
    ----------
    keep : ndarray, shape (masks,)
        Chance of every unit of the mask to be kept, 0..1.
    units : int
    rng : Generator

    Returns
    -------
    ndarray of bool, shape (masks, units)
        Each keeps at least one unit.
    """
    return not_empty(rng.random((len(keep), units)) < keep[:, np.newaxis], rng)


def not_empty(masks: Masks, rng: np.random.Generator) -> Masks:
    """Let a mask that drops everything keep one unit, drawn at random.

    Without any unit the network would answer every image the same, and p* = 1 trains nothing.
    """
    filled = masks.copy()
    for row in np.flatnonzero(~masks.any(axis=1)):
        filled[row, rng.integers(masks.shape[1])] = True
    return filled


def drop_share(masks: Masks) -> NDArray[np.float64]:
    """Share of zeros (dropped units) of masks (..., units), 0..1."""
    return (~masks).mean(axis=-1)


def pack(mask: Masks) -> str:
    """Write one mask (units,) as hexadecimal digits, first unit first, padded with zeros."""
    return np.packbits(mask).tobytes().hex()


def unpack(text: str, units: int) -> Masks:
    """Read a mask that `pack` wrote.

    Raises
    ------
    ValueError
        Not hexadecimal, or of another length.
    """
    packed = np.frombuffer(bytes.fromhex(text), np.uint8)
    if len(packed) != -(-units // 8):
        raise ValueError(f"a mask of {units} units has {-(-units // 8)} bytes, not {len(packed)}")
    return np.unpackbits(packed, count=units).astype(bool)
