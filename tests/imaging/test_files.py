from __future__ import annotations

import os
import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless

from pneumoscope.errors import ImageError
from pneumoscope.findings import Radiograph
from pneumoscope.imaging import polarity_note, read_radiograph, unsuitable
from pneumoscope.imaging.grayscale import displayed
from pneumoscope.imaging.quiet import quiet


def encoded(pixels, file_format):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, file_format)
    return stream.getvalue()


def test_format_is_told_by_content_not_by_name(save, ramp8):
    radiograph = read_radiograph(save(encoded(ramp8, "PNG"), "misnamed.dcm"))
    assert (radiograph.file_format, radiograph.name) == ("PNG", "misnamed.dcm")
    assert radiograph.dicom is None
    assert unsuitable(radiograph) is None


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_image_file_says_what_could_not_be_checked(save, ramp8, file_format):
    notes = read_radiograph(save(encoded(ramp8, file_format), "x")).notes
    assert notes[-1].code == "no_header"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just text", "not JPEG, PNG, TIFF or DICOM"),
        (b"\xff\xd8\xff\xe0 and then text", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"II*\0", "damaged"),
        (bytes(128) + b"DICM", "pixel data"),
    ],
)
def test_content_that_is_no_image(save, content, message):
    with pytest.raises(ImageError, match=f"picture.png: .*{message}"):
        read_radiograph(save(content, "picture.png"))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "BMP"])
def test_other_formats_are_refused(save, ramp8, file_format):
    with pytest.raises(ImageError, match="not JPEG, PNG, TIFF or DICOM"):
        read_radiograph(save(encoded(ramp8, file_format), "x.png"))


def test_paths_that_are_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in [
        (tmp_path / "absent.png", "no such file"),
        (tmp_path, "not a plain file"),
        (tmp_path / "pipe", "not a plain file"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ]:
        with pytest.raises(ImageError, match=message):
            read_radiograph(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(save, ramp8):
    path = save(encoded(ramp8, "PNG"))
    path.chmod(0)
    with pytest.raises(ImageError, match="permission"):
        read_radiograph(path)


def test_file_over_the_limit_is_refused(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as stream:
        stream.truncate(512 * 2**20 + 1)  # sparse
    with pytest.raises(ImageError, match="512 MiB"):
        read_radiograph(path)


def test_blank_image_is_refused(save):
    with pytest.raises(ImageError, match="every pixel is equal"):
        read_radiograph(save(encoded(np.full((40, 40), 9, np.uint8), "PNG")))


@pytest.mark.parametrize("name", ["a\nb.png", "\x1b[31m.png", "caf\udce9.png"])
def test_message_is_one_printable_line_whatever_the_name(save, name):
    with pytest.raises(ImageError) as caught:
        read_radiograph(save(b"text", name))
    assert str(caught.value).isprintable()


def test_more_than_pillows_own_limit_is_read_without_a_warning(save, monkeypatch, recwarn, ramp8):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_radiograph(save(encoded(ramp8, "PNG"))).width == 80
    assert len(recwarn) == 0


def test_quiet_restores_the_filters_when_scopes_overlap():
    before = list(warnings.filters)
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    warnings.warn("dropped while one scope is open", stacklevel=1)
    second.__exit__(None, None, None)
    assert warnings.filters == before


def is_radiograph_or_image_error(path, content):
    path.write_bytes(content)
    try:
        radiograph = read_radiograph(path)
    except ImageError as error:
        message = str(error)
    else:
        is_sound(radiograph)
        return
    assert message.isprintable()


def is_sound(radiograph):
    assert isinstance(radiograph, Radiograph)
    assert np.isfinite(radiograph.pixels).all()
    assert radiograph.pixels.min() >= 0
    assert radiograph.pixels.max() <= 1
    unsuitable(radiograph)


FUZZ = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MAGIC = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", bytes(128) + b"DICM", b""]


@FUZZ
@given(st.sampled_from(MAGIC), st.binary(max_size=600))
def test_random_bytes(tmp_path, magic, content):
    is_radiograph_or_image_error(tmp_path / "fuzz", magic + content)


@pytest.fixture
def valid_file(request, make_dicom, save, ramp8, ramp16):
    kind = request.param
    if kind == "DICOM":
        return save(make_dicom(ramp16, WindowCenter="9", WindowWidth="60000")).read_bytes()
    if kind in ("RLE", "JPEG2000"):
        dataset = make_dicom(ramp8)
        if kind == "RLE":
            dataset.compress(RLELossless, generate_instance_uid=False)
        else:
            dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
            dataset.PixelData = encapsulate([encoded(ramp8, "JPEG2000")])
            dataset["PixelData"].is_undefined_length = True
        return save(dataset).read_bytes()
    return encoded(ramp8 if kind == "JPEG" else ramp16, kind)


@pytest.mark.parametrize(
    "valid_file", ["PNG", "JPEG", "TIFF", "DICOM", "RLE", "JPEG2000"], indirect=True
)
@FUZZ
@given(st.data())
def test_flipped_and_truncated_files(tmp_path, valid_file, data):
    content = bytearray(valid_file)
    position = st.integers(0, len(content) - 1) | st.integers(0, min(900, len(content) - 1))
    for place, value in data.draw(
        st.lists(st.tuples(position, st.integers(0, 255)), max_size=6), label="flips"
    ):
        content[place] = value
    length = data.draw(st.just(len(content)) | st.integers(1, len(content)), label="length")
    is_radiograph_or_image_error(tmp_path / "fuzz", bytes(content[:length]))


@pytest.mark.shared
def test_real_chest_objects_are_read_and_suitable(shared_data):
    files = sorted((shared_data / "dicom" / "chest").glob("*.dcm"))
    assert files
    for path in files:
        radiograph = read_radiograph(path)
        assert unsuitable(radiograph) is None
        warned = polarity_note(radiograph) is not None
        assert warned == ("fake_mono1" in path.name)
        assert radiograph.patient.age is not None
        assert not any("window_shows" in note.code for note in radiograph.notes)


@pytest.mark.shared
@pytest.mark.parametrize("population", ["rsna", "guangzhou"])
def test_real_radiographs_are_not_called_poorly_shown(shared_data, population):
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    dataset.BitsStored, dataset.PhotometricInterpretation = 8, "MONOCHROME2"
    files = sorted(path for path in (shared_data / population).rglob("*.*g"))[::40]
    assert files
    for path in files:
        grey = np.asarray(Image.open(path).convert("L"))
        assert displayed(grey, dataset)[1] == (), path.name


@pytest.mark.shared
def test_real_codecs_agree_and_the_limb_is_not_a_chest(shared_data):
    folder = shared_data / "dicom" / "other"
    plain = read_radiograph(folder / "RG3_UNC.dcm")
    for path in sorted(folder.glob("*.dcm")):
        if path.name == "RG3_JPLY.dcm":
            with pytest.raises(ImageError, match="JPEG Extended"):
                read_radiograph(path)
            continue
        radiograph = read_radiograph(path)
        assert unsuitable(radiograph).code == "body_part"
        lossless = path.stem[-4:] in ("J2KR", "JLSL", "JPLL", "_RLE", "_UNC")
        # Lossy ones differ most at edges; 1% on average would already be another picture.
        difference = np.abs(radiograph.pixels - plain.pixels)
        assert difference.max() == 0 if lossless else difference.mean() < 0.01
