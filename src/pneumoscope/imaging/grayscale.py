"""Stored DICOM values to displayed grey: modality LUT, VOI LUT, presentation (PS3.4 N.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from pneumoscope.findings import About, Message
from pneumoscope.imaging.dicom_header import integer_of, items_of, numbers_of, text_of, value_of
from pneumoscope.imaging.formats import depth_of, stretch

Values = NDArray[np.float64]
Notes = tuple[Message, ...]
_SHARES = (0.005, 0.995)  # of the pixels, darkest and brightest shown where no window is given
# A header's window below or above these is called useless: greys in use, pixels at one end.
_MIN_SPAN, _MAX_AT_ONE_END = 0.25, 0.6
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """A table of the Modality or VOI LUT Sequence (PS3.3 C.11.1.1.1, C.11.2.1.1).

    Attributes
    ----------
    first : float
        The input value that maps to the first entry; lower ones do too.
    entries : ndarray of float64, shape (entries,)
        Output values, 0 to 2**bits - 1.
    bits : int
        Bits per entry, 8 to 16.
    """

    first: float
    entries: Values
    bits: int

    def __call__(self, values: Values) -> Values:
        """Look up values of any shape; those outside the table take its nearest end."""
        index = np.clip(np.floor(values - self.first), 0, len(self.entries) - 1)
        return self.entries[index.astype(np.intp)]


def displayed(
    stored: NDArray[Any], dataset: Dataset, valid: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], Notes]:
    """Turn stored values into grey as a display shows them, dense tissue bright.

    The steps are applied once to every stored level and looked up per pixel, which is exact.

    Parameters
    ----------
    stored : ndarray of integers of at most 16 bits, shape (height, width)
        Stored pixel values, one sample per pixel.
    dataset : Dataset
        The header.
    valid : ndarray of bool, shape (height, width), or None
        Which pixels are not padding; None for all.

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 black to 1 white; padding is black.
    tuple of str
        What was assumed or mended.
    """
    low = int(stored.min())
    index = stored.astype(np.int32) - low
    counts = np.bincount((index if valid is None else index[valid]).ravel())
    levels = np.arange(low, low + len(counts), dtype=np.float64)
    values, modality_notes = _modality(levels, dataset)
    grey, voi_notes = _values_of_interest(values, counts, dataset)
    grey, shape_notes = _presentation(grey, dataset)
    # Padding may lie above the highest level shown; what it maps to does not matter.
    pixels = grey.astype(np.float32)[np.minimum(index, len(counts) - 1)]
    if valid is not None:
        pixels[~valid] = 0
    return pixels, modality_notes + voi_notes + shape_notes


def window(values: Values, center: float, width: float, function: str = "LINEAR") -> Values:
    """Apply a window (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2).

    Parameters
    ----------
    values : ndarray of float64
        Output of the modality step.
    center, width : float
        Window Center and Window Width, in the units of `values`.
    function : str
        VOI LUT Function: "LINEAR", "LINEAR_EXACT" or "SIGMOID".

    Returns
    -------
    ndarray of float64
        0 to 1, in the shape of `values`.

    Raises
    ------
    ValueError
        An unknown function, or a width below 1 (LINEAR), or of 0 or less (the others).
    """
    if function not in _FUNCTIONS:
        raise ValueError(f"unknown VOI LUT function {function!r}")
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise ValueError(f"window width {width:g} is too small for {function}")
    if function == "SIGMOID":
        return np.asarray((1 + np.tanh(2 * (values - center) / width)) / 2, dtype=np.float64)
    if function == "LINEAR":
        center, width = center - 0.5, width - 1
    return stretch(values, center - width / 2, center + width / 2)


def _modality(levels: Values, dataset: Dataset) -> tuple[Values, Notes]:
    """Apply the modality LUT or rescale (PS3.3 C.11.1)."""
    if items_of(dataset, "ModalityLUTSequence"):
        table = _table(dataset, "ModalityLUTSequence")
        if table is not None:
            return table(levels), ()
        return levels, (Message("modality_lut_damaged", About.IMAGE),)
    if "RescaleSlope" not in dataset and "RescaleIntercept" not in dataset:
        return levels, ()
    slope = numbers_of(dataset, "RescaleSlope")
    intercept = numbers_of(dataset, "RescaleIntercept")
    if len(slope) != 1 or len(intercept) != 1 or slope[0] == 0:
        return levels, (Message("rescale_not_valid", About.IMAGE),)
    return levels * slope[0] + intercept[0], ()


def _values_of_interest(
    values: Values, counts: NDArray[np.intp], dataset: Dataset
) -> tuple[Values, Notes]:
    """Apply the first VOI LUT, else the first window, else the range of the values."""
    grey, notes = _stated_voi(values, dataset)
    if grey is not None:
        if np.ptp(grey[counts > 0]) > 0:
            return grey, notes + _poorly_shown(grey, counts)
        notes += (Message("window_shows_nothing", About.IMAGE),)
    bits = integer_of(dataset, "BitsStored") or 16
    if bits <= 8:
        base = -(2 ** (bits - 1)) if integer_of(dataset, "PixelRepresentation") else 0
        ends, _ = _modality(np.array([base, base + 2**bits - 1], dtype=np.float64), dataset)
        return stretch(values, float(ends.min()), float(ends.max())), notes
    low, high = _shown_range(values, counts)
    notes += (Message("no_window", About.IMAGE, {"low": low, "high": high}),)
    return stretch(values, low, high), notes


def _stated_voi(values: Values, dataset: Dataset) -> tuple[Values | None, Notes]:
    notes: Notes = ()
    if items_of(dataset, "VOILUTSequence"):
        table = _table(dataset, "VOILUTSequence")
        if table is not None:
            bits = depth_of(table.entries, table.bits)
            if bits < table.bits:
                depths = {"declared": table.bits, "bits": bits}
                notes = (Message("voi_lut_depth", About.IMAGE, depths),)
            return np.clip(table(values) / (2**bits - 1), 0, 1), notes
        notes += (Message("voi_lut_damaged", About.IMAGE),)
    if "WindowCenter" not in dataset and "WindowWidth" not in dataset:
        return None, notes
    function = text_of(dataset, "VOILUTFunction").upper() or "LINEAR"
    if function not in _FUNCTIONS:
        notes += (Message("voi_lut_function_unknown", About.IMAGE),)
        function = "LINEAR"
    centers, widths = numbers_of(dataset, "WindowCenter"), numbers_of(dataset, "WindowWidth")
    if not centers or not widths:
        return None, (*notes, Message("window_not_valid", About.IMAGE))
    try:
        return window(values, centers[0], widths[0], function), notes
    except ValueError:
        return None, (*notes, Message("window_width_not_valid", About.IMAGE))


def _poorly_shown(grey: Values, counts: NDArray[np.intp]) -> Notes:
    """Say so where a window is valid but leaves hardly any contrast."""
    low, high = _inner_range(grey, counts)
    ends = (counts[grey <= _SHARES[0]].sum(), counts[grey >= _SHARES[1]].sum())
    at_one_end = max(ends) / counts.sum()
    if at_one_end > _MAX_AT_ONE_END:
        shown = {"share": float(at_one_end)}
        return (Message("window_shows_one_end", About.IMAGE, shown),)
    if high - low < _MIN_SPAN:
        return (Message("window_shows_few_greys", About.IMAGE, {"share": high - low}),)
    return ()


def _shown_range(values: Values, counts: NDArray[np.intp]) -> tuple[float, float]:
    low, high = _inner_range(values, counts)
    if low < high:
        return low, high
    present = values[counts > 0]
    return float(present.min()), float(present.max())


def _inner_range(values: Values, counts: NDArray[np.intp]) -> tuple[float, float]:
    """Find the range of all but the darkest and brightest half percent of the pixels."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(counts[order]) / counts.sum()
    low, high = values[order][np.searchsorted(share, _SHARES)]
    return float(low), float(high)


def _presentation(grey: Values, dataset: Dataset) -> tuple[Values, Notes]:
    """Turn dense tissue bright (PS3.3 C.7.6.3.1.2, C.8.11.3.1.2).

    MONOCHROME1 comes with INVERSE: both state the one inversion, they do not cancel out.
    """
    photometric = text_of(dataset, "PhotometricInterpretation").upper()
    shape = text_of(dataset, "PresentationLUTShape").upper()
    if photometric == "MONOCHROME1":
        return 1 - grey, ()
    if shape == "INVERSE":
        return 1 - grey, (Message("inverse_presentation", About.IMAGE),)
    return grey, ()


def _table(dataset: Dataset, keyword: str) -> LookupTable | None:
    """Read the first table of a LUT sequence; None where it is damaged."""
    item = items_of(dataset, keyword)[0]
    descriptor = numbers_of(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = int(descriptor[0]) or 2**16, descriptor[1], int(descriptor[2])
    if first >= 2**15 and integer_of(dataset, "PixelRepresentation") == 1:
        first -= 2**16  # written as US although the pixels are signed
    entries = _entries(dataset, value_of(item, "LUTData"), count)
    if entries is None or not 8 <= bits <= 16:
        return None
    return LookupTable(first, entries, bits)


def _entries(dataset: Dataset, data: Any, count: int) -> Values | None:
    if isinstance(data, bytes):
        order = ">" if dataset.original_encoding[1] is False else "<"
        # Tables of 8-bit entries may be packed two to a word, low byte first (PS3.3 C.11.1.1.1).
        packed = count <= len(data) < 2 * count
        read = np.frombuffer(data[: len(data) // 2 * 2 or None], f"{order}u2")
        entries = read.astype("<u2").view(np.uint8) if packed else read
    else:
        entries = np.atleast_1d(np.asarray(data, dtype=np.float64))
    return None if len(entries) < count else entries[:count].astype(np.float64)
