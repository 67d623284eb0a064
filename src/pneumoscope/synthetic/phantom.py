"""A made-up chest radiograph from a seed, for the demo, the tests and the load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import InputError
from pneumoscope.synthetic.anatomy import draw_build, draw_tissue
from pneumoscope.synthetic.exposure import draw_exposure, expose, make_beam
from pneumoscope.synthetic.opacity import draw_opacity
from pneumoscope.synthetic.patient import Stream, check_seed, made_up_patient, stream
from pneumoscope.synthetic.skeleton import airway_cm, bone_cm

View = Literal["PA", "AP"]

SMALLEST, LARGEST = 128, 4096
"""Sides, in pixels, between which a phantom can be drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A procedural frontal chest radiograph. No part of it comes from a patient.

    Attributes
    ----------
    pixels : ndarray of float32, shape (size, size)
        0 black to 1 white, dense tissue bright, "PHANTOM" written in the upper left corner.
    lung_mask : ndarray of bool, shape (size, size)
        Lung fields beside the mediastinum; the same with and without opacity.
    opacity_mask : ndarray of bool, shape (size, size)
        Where the opacity is seen, inside `lung_mask`; all False without one.
    seed : int
        What it was drawn from.
    view : "PA" or "AP"
        Direction of the beam.
    """

    pixels: NDArray[np.float32]
    lung_mask: NDArray[np.bool_]
    opacity_mask: NDArray[np.bool_]
    seed: int
    view: View


def draw_phantom(
    seed: int, *, size: int = 1024, opacity: bool = False, view: View = "PA"
) -> Phantom:
    """Draw a made-up chest radiograph.

    The same seed is the same patient: with and without `opacity` the images share anatomy, exposure
    and noise, and differ only where the opacity lies.

    Parameters
    ----------
    seed : int
        0 to 4294967295; chooses patient, exposure and noise, and apart from them the opacity.
    size : int
        Side in pixels, 128 to 4096.
    opacity : bool
        Whether to add a consolidation or a bronchopneumonia.
    view : "PA" or "AP"
        AP has a larger heart, higher clavicles and a shallower inspiration.

    Returns
    -------
    Phantom

    Raises
    ------
    InputError
        For a seed, size or view outside these ranges.
    """
    check_seed(seed)
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"phantom size {size} is outside {SMALLEST}..{LARGEST} pixels")
    if view not in get_args(View):
        raise InputError(f"phantom view {view!r} is not known: give PA or AP")
    rng = stream(seed, Stream.ANATOMY)
    female = made_up_patient(seed).sex == "F"
    build = draw_build(rng, size, ap=view == "AP", female=female)
    exposure = draw_exposure(rng)
    tissue = draw_tissue(rng, build)
    soft_cm = np.maximum(tissue.soft_cm - airway_cm(build), 0)
    beam = make_beam(build.canvas, exposure, soft_cm, bone_cm(build), tissue.lung_mask)
    added_cm, opacity_mask = np.zeros_like(soft_cm), np.zeros_like(tissue.lung_mask)
    if opacity:
        added_cm, opacity_mask = draw_opacity(stream(seed, Stream.OPACITY), build, tissue)
    pixels = expose(beam, added_cm, stream(seed, Stream.NOISE))
    burn_mark(pixels)
    return Phantom(pixels, tissue.lung_mask, opacity_mask, seed, view)


def upside_down(phantom: Phantom) -> Phantom:
    """Turn a phantom by 180 degrees, mark and masks with it, as a mistake that a reader must see.

    Parameters
    ----------
    phantom : Phantom

    Returns
    -------
    Phantom
    """
    return replace(
        phantom,
        pixels=phantom.pixels[::-1, ::-1].copy(),
        lung_mask=phantom.lung_mask[::-1, ::-1].copy(),
        opacity_mask=phantom.opacity_mask[::-1, ::-1].copy(),
    )


def burn_mark(pixels: NDArray[np.float32]) -> None:
    """Write PHANTOM into the image, so that it can never be taken for a patient's."""
    size = pixels.shape[0]
    scale = max(0.3, 0.85 * size / 1024)
    (_, height), _ = cv2.getTextSize("PHANTOM", cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    corner = (size // 64, size // 64 + height)
    strokes = max(1, round(2 * size / 1024))
    mark = np.zeros(pixels.shape, np.uint8)
    cv2.putText(mark, "PHANTOM", corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, strokes)
    pixels[mark > 127] = 1.0
