from __future__ import annotations

import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from pneumoscope.errors import ImageError
from pneumoscope.imaging.raster import decode_raster


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_lossless_8_bit_grey_is_exact(ramp8, file_format):
    picture = decode_raster(encode(Image.fromarray(ramp8), file_format), file_format)
    np.testing.assert_array_equal(picture.pixels, ramp8.astype(np.float32) / np.float32(255))
    assert picture.pixels.dtype == np.float32
    assert picture.bits == 8
    assert picture.notes == ()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_lossless_16_bit_grey_keeps_its_precision(ramp16, file_format):
    picture = decode_raster(encode(Image.fromarray(ramp16), file_format), file_format)
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535).astype(np.uint16), ramp16)
    assert picture.bits == 16


def test_twelve_bits_in_a_16_bit_file_are_not_shown_almost_black(ramp12):
    picture = decode_raster(encode(Image.fromarray(ramp12), "PNG"), "PNG")
    np.testing.assert_allclose(picture.pixels, ramp12 / 4095, atol=1e-6)
    assert picture.bits == 12
    assert picture.notes[0].values == {"bits": 12, "highest": 4095}


@pytest.mark.parametrize("outlier", [4100, 65535])
def test_a_few_outliers_do_not_set_the_scale_of_16_bits(ramp12, outlier):
    stored = ramp12.copy()
    stored[0, :3] = outlier
    picture = decode_raster(encode(Image.fromarray(stored), "PNG"), "PNG")
    assert picture.bits == 12
    assert (picture.pixels[0, :3] == 1).all()
    np.testing.assert_allclose(picture.pixels[1:], ramp12[1:] / 4095, atol=1e-6)


def test_jpeg_is_within_its_quantisation():
    smooth = np.tile(np.linspace(0, 255, 96), (64, 1)).astype(np.uint8)
    picture = decode_raster(encode(Image.fromarray(smooth), "JPEG", quality=95), "JPEG")
    np.testing.assert_allclose(picture.pixels, smooth / 255, atol=3 / 255)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_grey_saved_as_rgb_is_the_same_and_not_called_colour(ramp8, file_format):
    rgb = Image.fromarray(np.stack([ramp8] * 3, axis=2))
    picture = decode_raster(encode(rgb, file_format), file_format)
    np.testing.assert_allclose(picture.pixels, ramp8 / 255, atol=0.6 / 255)
    assert picture.notes == ()


@pytest.mark.parametrize(("file_format", "mode"), [("PNG", "RGB"), ("TIFF", "CMYK"), ("PNG", "P")])
def test_colour_becomes_luma_with_a_note(file_format, mode):
    red = Image.new("RGB", (40, 40), (200, 0, 0))
    red = red.quantize(4) if mode == "P" else red.convert(mode)
    picture = decode_raster(encode(red, file_format), file_format)
    np.testing.assert_allclose(picture.pixels, 0.299 * 200 / 255, atol=0.01)
    assert picture.notes[-1].code == "colour_made_grey"


def test_palette_of_greys_is_looked_up(ramp8):
    image = Image.fromarray(255 - ramp8).convert("P")
    image.putpalette([level for value in range(256) for level in (255 - value,) * 3])
    picture = decode_raster(encode(image, "PNG"), "PNG")
    np.testing.assert_allclose(picture.pixels, ramp8 / 255, atol=0.6 / 255)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_laid_over_black(ramp8, mode):
    image = Image.fromarray(ramp8).convert(mode)
    image.putalpha(Image.new("L", image.size, 128))
    picture = decode_raster(encode(image, "PNG"), "PNG")
    np.testing.assert_allclose(picture.pixels, ramp8 / 255 * 128 / 255, atol=1.1 / 255)


def test_transparent_level_is_black(ramp8):
    picture = decode_raster(encode(Image.fromarray(ramp8), "PNG", transparency=200), "PNG")
    assert (picture.pixels[ramp8 == 200] == 0).all()
    np.testing.assert_allclose(picture.pixels[ramp8 != 200], ramp8[ramp8 != 200] / 255, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied(orientation, file_format):
    pixels = np.zeros((48, 64), np.uint8)
    pixels[:16, :16], pixels[:16, 48:] = 255, 128
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode_raster(encode(image, file_format, exif=exif), file_format)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image)) / 255
    np.testing.assert_allclose(picture.pixels, expected, atol=0.06)


def test_float_tiff_of_unit_range_is_kept_and_others_are_stretched(ramp8):
    unit = ramp8.astype(np.float32) / 255
    kept = decode_raster(encode(Image.fromarray(unit), "TIFF"), "TIFF")
    stretched = decode_raster(encode(Image.fromarray(unit * 900 - 300), "TIFF"), "TIFF")
    np.testing.assert_array_equal(kept.pixels, unit)
    np.testing.assert_allclose(stretched.pixels, unit, atol=1e-5)
    assert kept.notes == ()
    assert stretched.notes[0].code == "values_scaled"


def test_float_tiff_with_nan_is_refused(ramp8):
    values = ramp8.astype(np.float32)
    values[3, 3] = np.nan
    with pytest.raises(ImageError, match="not finite"):
        decode_raster(encode(Image.fromarray(values), "TIFF"), "TIFF")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_with_white_as_zero_is_turned_round(ramp16, dtype):
    top = np.iinfo(dtype).max
    stored = (ramp16 >> (16 - dtype().itemsize * 8)).astype(dtype)
    data = bytearray(encode(Image.fromarray(stored), "TIFF"))
    entry = data.index((262).to_bytes(2, "little") + (3).to_bytes(2, "little"))
    data[entry + 8] = 0
    picture = decode_raster(bytes(data), "TIFF")
    np.testing.assert_allclose(picture.pixels, 1 - stored / top, atol=1e-6)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_several_pictures_are_refused(ramp8, file_format):
    pages = [Image.fromarray(ramp8), Image.fromarray(255 - ramp8)]
    data = encode(pages[0], file_format, save_all=True, append_images=pages[1:])
    with pytest.raises(ImageError, match="several pictures"):
        decode_raster(data, file_format)


@pytest.mark.parametrize("size", [(1, 1), (31, 400), (30_000, 40), (16_000, 16_000)])
def test_size_is_checked_before_decoding(size):
    # A header alone: anything that decoded it would fail for want of data instead.
    header = bytearray(encode(Image.new("L", (40, 40)), "PNG")[:33])
    header[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
    header[29:33] = _crc(bytes(header[12:29]))
    idat = b"\0\0\0\0IDAT" + _crc(b"IDAT")
    with pytest.raises(ImageError, match="pixels"):
        decode_raster(bytes(header) + idat, "PNG")


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")
