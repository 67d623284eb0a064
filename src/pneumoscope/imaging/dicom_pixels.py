"""Stored pixels of a DICOM object, decoded only after its header has been found plausible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gdcm
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGBaseline8Bit, RLELossless

from pneumoscope.errors import ImageError
from pneumoscope.findings import About, Message
from pneumoscope.imaging.codestream import frame_size
from pneumoscope.imaging.dicom_header import integer_of, text_of
from pneumoscope.imaging.formats import check_size

_WAY_OUT = "export it uncompressed or as JPEG Lossless, for example with DCMTK's dcmdjpeg"
# What a lossless codec may add to pixels that it cannot shrink.
_CODEC_OVERHEAD = 2**16

# GDCM reports damaged data on the console of the process.
gdcm.Trace.DebugOff()
gdcm.Trace.WarningOff()
gdcm.Trace.ErrorOff()


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """The Image Pixel module, checked (PS3.3 C.7.6.3).

    Attributes
    ----------
    rows, columns : int
        Size in pixels.
    samples : int
        Samples per pixel, 1 or 3.
    allocated, stored : int
        Bits per sample: those allocated, 8 or 16, and those in use.
    signed : bool
        Pixel Representation.
    """

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    signed: bool

    @property
    def frame_bytes(self) -> int:
        """Length of one uncompressed frame."""
        return self.rows * self.columns * self.samples * self.allocated // 8


def pixel_format(dataset: Dataset) -> PixelFormat:
    """Check the Image Pixel module of one frame.

    Raises
    ------
    ImageError
        No pixels, several frames, or a value that is missing, impossible or outside our limits.
    """
    if "PixelData" not in dataset:
        raise ImageError("the DICOM object has no complete pixel data; send the image itself again")
    frames = integer_of(dataset, "NumberOfFrames") if "NumberOfFrames" in dataset else 1
    if frames is not None and frames > 1:
        raise ImageError(f"the DICOM object has {frames:,} frames; give a single radiograph")
    rows, columns = integer_of(dataset, "Rows"), integer_of(dataset, "Columns")
    allocated = integer_of(dataset, "BitsAllocated")
    samples = integer_of(dataset, "SamplesPerPixel")
    if rows is None or columns is None or allocated is None:
        raise ImageError("the DICOM header lacks rows, columns or bits allocated; export it again")
    check_size(rows, columns)
    samples = 1 if samples is None else samples
    stored = integer_of(dataset, "BitsStored") or allocated
    if allocated not in (8, 16) or not 1 <= stored <= allocated or samples not in (1, 3):
        raise ImageError(
            f"{samples} samples of {stored} bits in {allocated} per pixel; "
            "1 or 3 samples of 8 or 16 bits are read, export it as such"
        )
    signed = integer_of(dataset, "PixelRepresentation") == 1
    return PixelFormat(rows, columns, samples, allocated, stored, signed)


def stored_pixels(
    dataset: Dataset, layout: PixelFormat
) -> tuple[NDArray[Any], tuple[Message, ...]]:
    """Decode the stored pixels.

    Parameters
    ----------
    dataset : Dataset
        The object with its file meta information; absent type 1 elements of the Image Pixel module
        are filled in, and bytes behind the last pixel are cut off.
    layout : PixelFormat
        From `pixel_format`.

    Returns
    -------
    ndarray of integers, shape (rows, columns) or (rows, columns, 3)
        Stored values; YBR already as RGB.
    tuple of Message
        What was mended.

    Raises
    ------
    ImageError
        A transfer syntax that cannot be decoded here, or pixel data that do not fit the header.
        Errors of the decoders pass through.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    _require_decoder(syntax, layout)
    _fill_in(dataset, layout)
    if not syntax.is_compressed or syntax.is_deflated:
        notes = _fit_length(dataset, layout)
        # pydicom's own correction takes the high bit as bits stored - 1.
        return _unmask(pixel_array(dataset, correct_unused_bits=False), dataset, layout), notes
    _check_codestream(dataset, syntax, layout)
    # Pillow refuses damaged JPEG data that others fill up; GDCM decodes the other syntaxes.
    by_pillow = syntax == JPEGBaseline8Bit or syntax in JPEG2000TransferSyntaxes
    if by_pillow and layout.samples == 1:
        return pixel_array(dataset, decoding_plugin="pillow"), ()
    return pixel_array(dataset), ()


def _require_decoder(syntax: UID, layout: PixelFormat) -> None:
    name = syntax.name if syntax.is_transfer_syntax else f"transfer syntax {syntax}"
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    # The decoders at hand read only the 8-bit half of JPEG Extended (PS3.5 8.2.1).
    twelve_bit = name.startswith("JPEG Extended") and layout.stored > 8
    if twelve_bit or not available:
        depth = f" with {layout.stored} bits" if twelve_bit else ""
        raise ImageError(f"compressed as {name}{depth}, which cannot be decoded here; {_WAY_OUT}")


def _fill_in(dataset: Dataset, layout: PixelFormat) -> None:
    dataset.SamplesPerPixel = layout.samples
    dataset.BitsStored = layout.stored
    dataset.PixelRepresentation = int(layout.signed)
    dataset.NumberOfFrames = 1
    if layout.samples == 3 and integer_of(dataset, "PlanarConfiguration") is None:
        dataset.PlanarConfiguration = 0


def _fit_length(dataset: Dataset, layout: PixelFormat) -> tuple[Message, ...]:
    """Refuse native pixel data that are too short, and cut off what follows the last pixel."""
    expected = layout.frame_bytes
    subsampled = text_of(dataset, "PhotometricInterpretation").upper() == "YBR_FULL_422"
    if subsampled:
        expected = expected // 3 * 2
    found = len(dataset.PixelData)
    # As long as without subsampling: the header, not a tail, is wrong.
    if found < expected or (subsampled and found >= layout.frame_bytes):
        raise ImageError(
            f"the pixel data have {found:,} bytes where the header asks for {expected:,}; "
            "the file is damaged, export it again"
        )
    padded = expected + expected % 2  # values have an even length
    if found <= padded:
        return ()
    dataset.PixelData = dataset.PixelData[:padded]
    return (Message("bytes_after_pixels", About.IMAGE, {"count": found - expected}),)


def _check_codestream(dataset: Dataset, syntax: UID, layout: PixelFormat) -> None:
    """Refuse compressed data that would unpack to something else than the header says."""
    if len(dataset.PixelData) > 2 * layout.frame_bytes + _CODEC_OVERHEAD:
        raise ImageError("the compressed pixel data are larger than the image; export it again")
    if syntax == RLELossless:
        return
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    size = frame_size(frame)
    if size != (layout.rows, layout.columns):
        found = "no size" if size is None else f"{size[1]:,} x {size[0]:,} pixels"
        raise ImageError(
            f"the compressed data state {found} where the header says "
            f"{layout.columns:,} x {layout.rows:,}; the file is damaged, export it again"
        )


def _unmask(stored: NDArray[Any], dataset: Dataset, layout: PixelFormat) -> NDArray[Any]:
    """Drop bits beside the sample: old overlays, or a high bit above bits stored (PS3.5 8.1.1)."""
    high_bit = integer_of(dataset, "HighBit")
    if high_bit is None or not layout.stored - 1 <= high_bit < layout.allocated:
        high_bit = layout.stored - 1
    above = layout.allocated - 1 - high_bit
    below = high_bit + 1 - layout.stored
    if layout.samples != 1 or above + below == 0:
        return stored
    stored <<= above
    stored >>= above + below  # keeps the sign of signed values
    return stored
