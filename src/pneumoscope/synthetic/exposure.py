"""From path lengths to grey values: attenuation, scatter, detector, noise, display."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.synthetic.canvas import Canvas, Plane

# Linear attenuation per cm near 60 keV, the mean of a filtered 120 kV beam (NIST XCOM).
_MU_WATER = 0.206
_MU_BONE_OVER_WATER = 0.36


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the image was taken and is shown.

    Attributes
    ----------
    quanta : float
        Quanta per pixel of a 1024-pixel image in the open beam.
    scatter : float
        Scattered over primary radiation behind the grid.
    lung_grey, dense_grey : float
        Grey value, 0..1, of the median lung field and of the densest tissue.
    """

    quanta: float
    scatter: float
    lung_grey: float
    dense_grey: float


def draw_exposure(rng: np.random.Generator) -> Exposure:
    """Draw how one radiograph is exposed and displayed."""
    return Exposure(
        quanta=float(np.exp(rng.uniform(np.log(1.5e5), np.log(9e5)))),
        scatter=rng.uniform(0.15, 0.4),
        lung_grey=float(np.clip(rng.normal(0.36, 0.07), 0.2, 0.52)),
        dense_grey=float(np.clip(rng.normal(0.85, 0.06), 0.7, 0.95)),
    )


@dataclass(frozen=True, slots=True)
class Beam:
    """The beam behind the patient and the display window; both from the chest without opacity.

    Scatter and window are kept from the clear chest on purpose: a pair with and without opacity
    then differs only where the opacity lies, which is what tests of a heatmap need.
    """

    canvas: Canvas
    exposure: Exposure
    attenuation: Plane
    scatter: Plane
    window: tuple[float, float]


def make_beam(
    canvas: Canvas, exposure: Exposure, soft_cm: Plane, bone_cm: Plane, lungs: NDArray[np.bool_]
) -> Beam:
    """Attenuate the beam (Beer-Lambert), estimate its scatter and anchor the display window.

    Parameters
    ----------
    canvas : Canvas
        For blurs.
    exposure : Exposure
        How the image is taken.
    soft_cm, bone_cm : ndarray of float32, shape (size, size)
        Path lengths through water-like tissue and through bone, in cm.
    lungs : ndarray of bool, shape (size, size)
        Lung fields, not empty.

    Returns
    -------
    Beam
    """
    attenuation = _MU_WATER * soft_cm + _MU_BONE_OVER_WATER * bone_cm
    primary = np.exp(-attenuation, dtype=np.float32)
    # The open beam beside the patient scatters nothing and would outshine the rest.
    scatter = exposure.scatter * canvas.blur(np.minimum(primary, 0.12), 0.06)
    shown = -np.log(primary + scatter)
    window = float(np.median(shown[lungs])), float(np.quantile(shown[::8, ::8], 0.96))
    return Beam(canvas, exposure, attenuation.astype(np.float32), scatter, window)


def expose(beam: Beam, added_cm: Plane, rng: np.random.Generator) -> Plane:
    """Take and display the radiograph.

    Parameters
    ----------
    beam : Beam
        From `make_beam`.
    added_cm : ndarray of float32, shape (size, size)
        Opacity in cm of water; zero for none.
    rng : numpy.random.Generator
        Of the noise; drawn from once, in the same way with and without opacity.

    Returns
    -------
    ndarray of float32, shape (size, size)
        0 black to 1 white, dense tissue bright.
    """
    canvas, exposure = beam.canvas, beam.exposure
    primary = np.exp(-(beam.attenuation + _MU_WATER * added_cm), dtype=np.float32)
    detected = canvas.blur(primary, 0.0006) + beam.scatter
    # Poisson's normal limit: one unit field serves both images of a pair, counts are high, and more
    # tissue can never come out darker, as a fresh Poisson draw could.
    counts = np.maximum(detected * exposure.quanta * (1024 / canvas.size) ** 2, 16)
    grain = rng.standard_normal(counts.shape, dtype=np.float32)
    noisy = np.maximum(counts + np.clip(grain, -3.5, 3.5) * np.sqrt(counts), 1)
    shown = -np.log(noisy / np.float32(exposure.quanta * (1024 / canvas.size) ** 2))
    return _display(shown, beam)


def _display(shown: Plane, beam: Beam) -> Plane:
    """Sigmoid display curve (PS3.3 C.11.2.1.3.1) through the two anchors of the window."""
    low, high = (
        float(np.log(g / (1 - g))) for g in (beam.exposure.lung_grey, beam.exposure.dense_grey)
    )
    slope = (high - low) / (beam.window[1] - beam.window[0])
    grey = 1 / (1 + np.exp(-(low + slope * (shown - beam.window[0])), dtype=np.float32))
    return np.asarray(grey, dtype=np.float32)
