"""The size that a compressed frame states itself: it can differ from the DICOM header's."""

from __future__ import annotations

from struct import unpack_from

_J2K_START = b"\xff\x4f\xff\x51"  # SOC and SIZ (ISO/IEC 15444-1 annex A)
# Start of frame markers: ISO/IEC 10918-1 table B.1 without DHT, JPG and DAC; JPEG-LS (14495-1).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}


def frame_size(codestream: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 codestream states.

    Parameters
    ----------
    codestream : bytes
        One compressed frame; JPEG 2000 with or without its JP2 boxes.

    Returns
    -------
    tuple of int or None
        (rows, columns), or None where the start of a frame is not found.
    """
    if codestream.startswith(b"\xff\xd8"):
        return _jpeg_size(codestream)
    start = codestream.find(_J2K_START, 0, 4096)
    if start < 0 or len(codestream) < start + 24:
        return None
    right, bottom, left, top = unpack_from(">4I", codestream, start + 8)
    return bottom - top, right - left


def _jpeg_size(codestream: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(codestream) and codestream[position] == 0xFF:
        marker = codestream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        length, _, rows, columns = unpack_from(">HBHH", codestream, position + 2)
        if marker in _FRAME_MARKERS:
            return rows, columns
        position += 2 + length
    return None
