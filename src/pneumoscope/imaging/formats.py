"""Which formats are read, the limits on their size, and the picture that a decoder hands on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import ImageError
from pneumoscope.files import read_limited
from pneumoscope.findings import MAX_SIDE, MIN_SIDE, Message

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dcm")
MAX_FILE_BYTES = 512 * 2**20
MAX_PIXELS = 200_000_000

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Decoded grey pixels, before the facts of the file are added.

    Attributes
    ----------
    pixels : ndarray of float32, shape (height, width)
        0 black to 1 white, dense tissue bright.
    bits : int
        Significant bits per stored pixel.
    notes : tuple of Message
        What the decoder had to assume or mend.
    """

    pixels: NDArray[np.float32]
    bits: int
    notes: tuple[Message, ...] = ()


def clean_text(text: str, limit: int = 64) -> str:
    """Make untrusted text safe to print on one line.

    Control, format (such as text direction), surrogate and unassigned characters become spaces,
    runs of spaces become one, and the result is cut to `limit` characters.
    """
    shown = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    return " ".join(shown.split())[:limit].rstrip()


def read_bytes(path: Path) -> bytes:
    """Read a whole file of at most 512 MiB.

    Raises
    ------
    ImageError
        The path is not a plain file, or is empty, too large or not readable. The message lacks the
        file's name.
    """
    try:
        data = read_limited(path, MAX_FILE_BYTES)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ImageError(f"cannot be read ({reason}); give the path of one image file") from None
    if not data:
        raise ImageError("the file is empty; export the image again")
    return data


def sniff(data: bytes) -> str:
    """Name the format, "JPEG", "PNG", "TIFF" or "DICOM", by its first bytes, never by its name.

    Raises
    ------
    ImageError
        Another format.
    """
    if (
        data[128:132] == b"DICM"
    ):  # PS3.10 section 7.1; the preamble may look like anything, TIFF too
        return "DICOM"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(_TIFF_MAGIC):
        return "TIFF"
    raise ImageError("not JPEG, PNG, TIFF or DICOM; export the radiograph as one of these")


def is_dicom(path: Path) -> bool:
    """Whether a file begins as a DICOM file does; no more of it is read.

    Raises
    ------
    OSError
        It cannot be opened.
    """
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def check_size(height: int, width: int) -> None:
    """Refuse an image whose header states a size that is not read.

    Raises
    ------
    ImageError
        A side outside 32..20,000 pixels, or more than 200 million pixels.
    """
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_SIDE:
        raise ImageError(
            f"{width:,} x {height:,} pixels; "
            f"sides of {MIN_SIDE} to {MAX_SIDE:,} pixels are read, export it at another size"
        )
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"{width:,} x {height:,} pixels; at most {MAX_PIXELS // 10**6} million are read, "
            "export it smaller"
        )


def depth_of(values: NDArray[Any], declared: int = 16) -> int:
    """Find the depth in use, which is often less than the one that holds it.

    Parameters
    ----------
    values : ndarray of numbers
        0 to 2**declared - 1.
    declared : int
        Bits that hold each value.

    Returns
    -------
    int
        The smallest of 8, 10, 12, 14 and `declared` bits that holds all but a thousandth of the
        values: a few outliers, such as burned-in marks, do not set the scale.
    """
    outliers = values.size // 1000
    for bits in (8, 10, 12, 14):
        if bits < declared and np.count_nonzero(values >= 2**bits) <= outliers:
            return bits
    return declared


def stretch(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Map `low`..`high` linearly to 0..1, clipped; a step at `low` where both are equal."""
    if high <= low:
        return (values > low).astype(np.float64)
    return np.clip((values - low) / (high - low), 0, 1)
