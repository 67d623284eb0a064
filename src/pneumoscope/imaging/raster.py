"""JPEG, PNG and TIFF files to a grey picture."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from pneumoscope.errors import ImageError
from pneumoscope.findings import About, Message
from pneumoscope.imaging.formats import Picture, check_size, depth_of, stretch

# Opened by class and not by `Image.open`: that would try other formats, and its size limit is a
# process-wide setting with warnings. `check_size` takes its place.
_READERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
}
_ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF 6.0 tags
_COLOUR_DIFFERENCE = 32  # of 255: more than JPEG's chroma noise on a grey image


def decode_raster(data: bytes, file_format: str) -> Picture:
    """Decode one image file.

    Colour becomes ITU-R BT.601 luma, transparency is laid over black, ICC profiles are ignored,
    and the EXIF orientation is applied. Grey of more than 8 bits keeps its precision.

    Parameters
    ----------
    data : bytes
        The whole file.
    file_format : str
        "JPEG", "PNG" or "TIFF".

    Raises
    ------
    ImageError
        More than one picture, or a size that is not read. Pillow's own errors pass through.
    """
    image = _READERS[file_format](BytesIO(data))
    check_size(image.height, image.width)
    if file_format != "JPEG" and getattr(image, "n_frames", 1) > 1:
        raise ImageError("holds several pictures; save the radiograph as a file of its own")
    declared = _declared_bits(image, data)
    deep_white_is_zero = _is_deep_white_is_zero(image)
    image.load()
    upright, notes = _upright(image)
    if upright.mode.startswith("I;16"):
        return _sixteen_bits(upright, notes, inverted=deep_white_is_zero)
    if upright.mode in ("I", "F"):
        return _wide(upright, notes)
    if declared > 8:
        notes += (Message("bits_reduced", About.IMAGE, {"bits": declared}),)
    bits = 1 if upright.mode == "1" else 8
    grey, colour_notes = _eight_bits(upright)
    pixels = np.asarray(grey, dtype=np.float32) / np.float32(255)
    return Picture(pixels, bits, notes + colour_notes)


def _declared_bits(image: ImageFile, data: bytes) -> int:
    if isinstance(image, PngImageFile):
        return data[24]  # IHDR is the first chunk, bit depth its ninth byte (PNG 11.2.2)
    if isinstance(image, TiffImageFile):
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))))
    return 8


def _is_deep_white_is_zero(image: ImageFile) -> bool:
    """Whether white is stored as 0 in a form that Pillow does not turn round itself."""
    return (
        isinstance(image, TiffImageFile)
        and image.mode.startswith("I;16")
        and image.tag_v2.get(_PHOTOMETRIC) == 0
    )


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[Message, ...]]:
    try:
        return ImageOps.exif_transpose(image), ()
    except Exception:  # EXIF is untrusted, and its parser raises struct.error, KeyError and others
        return image, (Message("exif_damaged", About.IMAGE),)


def _sixteen_bits(image: Image.Image, notes: tuple[Message, ...], *, inverted: bool) -> Picture:
    stored = np.asarray(image)
    # Many exports put 10 to 14 bits into a 16-bit file, which would look almost black.
    bits = 16 if inverted else depth_of(stored)
    if bits < 16:
        notes += (
            Message("sixteen_bits_scaled", About.IMAGE, {"bits": bits, "highest": 2**bits - 1}),
        )
    pixels = (stored.astype(np.float32) / np.float32(2**bits - 1)).clip(max=1)
    return Picture(np.float32(1) - pixels if inverted else pixels, bits, notes)


def _wide(image: Image.Image, notes: tuple[Message, ...]) -> Picture:
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ImageError("holds values that are not finite; export it with 8 or 16 bits")
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        return Picture(values.astype(np.float32), 32, notes)
    notes += (Message("values_scaled", About.IMAGE, {"low": low, "high": high}),)
    return Picture(stretch(values, low, high).astype(np.float32), 32, notes)


def _eight_bits(image: Image.Image) -> tuple[Image.Image, tuple[Message, ...]]:
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return image.convert("L"), ()
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        full = image.convert("RGBA")
        grey = ImageChops.multiply(full.convert("L"), full.getchannel("A"))
        return grey, _colour_notes(full.convert("RGB"))
    colour = image.convert("RGB")
    return colour.convert("L"), _colour_notes(colour)


def _colour_notes(colour: Image.Image) -> tuple[Message, ...]:
    small: NDArray[np.int16] = np.asarray(
        colour.resize((64, 64), Image.Resampling.BOX), dtype=np.int16
    )
    if int((small.max(axis=2) - small.min(axis=2)).max()) <= _COLOUR_DIFFERENCE:
        return ()
    return (Message("colour_made_grey", About.IMAGE),)
