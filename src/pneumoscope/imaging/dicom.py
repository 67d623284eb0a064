"""A DICOM object to a grey picture and the facts of its header."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.pixels.processing import apply_color_lut
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pneumoscope.errors import ImageError
from pneumoscope.findings import About, DicomSource, Message, PatientContext, PatientIdentity
from pneumoscope.imaging.dicom_header import (
    MAX_VALUE_BYTES,
    empty_oversized,
    identity_of,
    integer_of,
    patient_of,
    source_of,
    text_of,
    unchecked,
)
from pneumoscope.imaging.dicom_pixels import PixelFormat, pixel_format, stored_pixels
from pneumoscope.imaging.formats import MAX_FILE_BYTES, Picture
from pneumoscope.imaging.grayscale import displayed

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_CHARACTER_SET = Tag("SpecificCharacterSet")
_FULL_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


@dataclass(frozen=True, slots=True, eq=False)
class DicomPicture:
    """What one DICOM object holds."""

    picture: Picture
    source: DicomSource
    patient: PatientContext
    identity: PatientIdentity


def decode_dicom(data: bytes) -> DicomPicture:
    """Decode one DICOM file of a single frame (PS3.10).

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ImageError
        Not one image, or one that cannot be decoded here. pydicom's own errors pass through.
    """
    _refuse_inflation(data)
    dataset = read_partial(BytesIO(data), _refuse_character_sets)
    empty_oversized(dataset)
    syntax_notes = _ensure_transfer_syntax(dataset)
    layout = pixel_format(dataset)
    source = source_of(dataset, str(dataset.file_meta.TransferSyntaxUID))
    patient, patient_notes = patient_of(dataset)
    stored, length_notes = stored_pixels(dataset, layout)
    pixels, pixel_notes = _grey(stored, dataset, layout)
    notes = syntax_notes + length_notes + pixel_notes + patient_notes + unchecked(source)
    if text_of(dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        notes += (Message("for_processing", About.IMAGE),)
    if text_of(dataset, "BurnedInAnnotation").upper() == "YES":
        notes += (Message("burned_in_text", About.IMAGE),)
    picture = Picture(pixels, layout.stored, notes)
    return DicomPicture(picture, source, patient, identity_of(dataset))


def _refuse_inflation(data: bytes) -> None:
    """Bound what a deflated data set unpacks to, before pydicom unpacks it at once."""
    stream = BytesIO(data)
    read_preamble(stream, force=False)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    syntax = meta.get_item("TransferSyntaxUID", keep_deferred=True)
    if isinstance(syntax, RawDataElement) and len(syntax.value or b"") > MAX_VALUE_BYTES:
        raise ImageError("the transfer syntax is damaged; export the image again")
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflater.decompress(data[stream.tell() :], MAX_FILE_BYTES)
    if inflater.unconsumed_tail:
        raise ImageError("the deflated object is larger than 512 MiB; export it uncompressed")


def _refuse_character_sets(tag: BaseTag, _vr: str | None, length: int) -> bool:
    """Stop at a character set that is too long: pydicom converts it while it reads."""
    if tag == _CHARACTER_SET and length > MAX_VALUE_BYTES:
        raise ImageError("the character set is damaged; export the image again")
    return False


def _ensure_transfer_syntax(dataset: FileDataset) -> tuple[Message, ...]:
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if isinstance(dataset.file_meta.get("TransferSyntaxUID"), UID):
        return ()
    implicit, little = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return (Message("transfer_syntax_not_stated", About.IMAGE),)


def _grey(
    stored: NDArray[Any], dataset: FileDataset, layout: PixelFormat
) -> tuple[NDArray[np.float32], tuple[Message, ...]]:
    photometric = text_of(dataset, "PhotometricInterpretation").upper()
    if photometric == "PALETTE COLOR" and layout.samples == 1:
        if "RedPaletteColorLookupTableData" not in dataset:  # segments can unpack to gigabytes
            raise ImageError("its colour palette is absent or in segments; export it grey")
        colour = apply_color_lut(stored, dataset)
        return _luma(colour, int(np.iinfo(colour.dtype).max)), (_colour_note(),)
    if layout.samples == 3:
        if photometric not in _FULL_COLOUR:
            raise ImageError(f"three samples of {photometric or 'no'} photometric; export it grey")
        return _luma(stored, 2**layout.stored - 1), (_colour_note(),)
    notes: tuple[Message, ...] = ()
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        notes = (Message("photometric_not_stated", About.IMAGE),)
    pixels, shown_notes = displayed(stored, dataset, _valid(stored, dataset, layout))
    return pixels, notes + shown_notes


def _luma(colour: NDArray[Any], white: int) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = colour[..., :3].astype(np.float32) @ _LUMA / np.float32(white)
    return grey.clip(0, 1)


def _colour_note() -> Message:
    return Message("colour_made_grey", About.IMAGE)


def _valid(
    stored: NDArray[Any], dataset: FileDataset, layout: PixelFormat
) -> NDArray[np.bool_] | None:
    """Which pixels are not padding (PS3.3 C.7.5.1.1.2); None where no padding is stated."""
    first = integer_of(dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = integer_of(dataset, "PixelPaddingRangeLimit")
    ends = [first, first if last is None else last]
    if layout.signed:  # negative padding is often written as US
        ends = [end - 2**16 if end >= 2**15 else end for end in ends]
    valid = (stored < min(ends)) | (stored > max(ends))
    # A header that calls everything padding is wrong.
    return valid if valid.any() and not valid.all() else None
