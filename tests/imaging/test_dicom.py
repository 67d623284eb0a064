from __future__ import annotations

import copy
import struct
import tracemalloc
import zlib
from datetime import date, timedelta
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from pneumoscope.errors import ImageError
from pneumoscope.findings import PatientContext, PatientIdentity
from pneumoscope.imaging import read_radiograph, unsuitable
from pneumoscope.imaging.dicom import decode_dicom
from pneumoscope.imaging.dicom_header import patient_of, source_of

FULL_WINDOW = {"WindowCenter": "2047.5", "WindowWidth": "4095", "VOILUTFunction": "LINEAR_EXACT"}
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


def compressed(dataset, syntax, frame):
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def jpeg2000(pixels):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG2000", no_jp2=True)
    return stream.getvalue()


def jpeg(pixels):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def read(dataset, save, **options):
    return read_radiograph(save(dataset), **options)


def test_uncompressed_12_bits_with_its_facts(make_dicom, save, ramp12):
    radiograph = read(make_dicom(ramp12, BitsStored=12, **FULL_WINDOW), save)
    np.testing.assert_allclose(radiograph.pixels, ramp12 / 4095, atol=1e-6)
    assert (radiograph.file_format, radiograph.bits) == ("DICOM", 12)
    assert radiograph.notes == ()
    assert radiograph.dicom.modality == "CR"
    assert radiograph.dicom.body_part == "CHEST"
    assert radiograph.dicom.view_position == "PA"
    assert radiograph.dicom.photometric == "MONOCHROME2"
    assert (radiograph.patient.age, radiograph.patient.sex) == (45, "F")
    assert radiograph.name == "image.dcm"


def test_identity_only_when_asked_for(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8)
    assert read(dataset, save).identity is None
    assert read(dataset, save, with_identity=True).identity == PatientIdentity(
        "Doe^Jane", "4711", "19800102"
    )


@pytest.mark.parametrize("codec", ["rle", "j2k", "implicit", "deflated"])
def test_lossless_syntaxes_agree_with_uncompressed(make_dicom, save, ramp12, codec):
    plain = read(make_dicom(ramp12, BitsStored=12, **FULL_WINDOW), save)
    dataset = make_dicom(ramp12, BitsStored=12, **FULL_WINDOW)
    if codec == "rle":
        dataset.compress(RLELossless, generate_instance_uid=False)
    elif codec == "j2k":
        compressed(dataset, JPEG2000Lossless, jpeg2000(ramp12))
    elif codec == "implicit":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    else:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    np.testing.assert_array_equal(read(dataset, save).pixels, plain.pixels)


def test_jpeg_baseline_is_within_its_quantisation(make_dicom, save):
    smooth = np.tile(np.linspace(0, 255, 96), (64, 1)).astype(np.uint8)
    radiograph = read(compressed(make_dicom(smooth), JPEGBaseline8Bit, jpeg(smooth)), save)
    np.testing.assert_allclose(radiograph.pixels, smooth / 255, atol=3 / 255)


def test_signed_pixels_and_rescale(make_dicom, save, ramp12):
    signed = ramp12.astype(np.int16) - 2048
    dataset = make_dicom(
        signed, BitsStored=12, RescaleSlope="1", RescaleIntercept="2048", **FULL_WINDOW
    )
    np.testing.assert_allclose(read(dataset, save).pixels, ramp12 / 4095, atol=1e-6)


def test_overlay_bits_above_the_sample_are_dropped(make_dicom, save, ramp12):
    dirty = ramp12 | np.uint16(0xA000)
    dataset = make_dicom(dirty, BitsStored=12, **FULL_WINDOW)
    np.testing.assert_allclose(read(dataset, save).pixels, ramp12 / 4095, atol=1e-6)


def test_high_bit_at_the_top(make_dicom, save, ramp12):
    dataset = make_dicom(ramp12 << 4, BitsStored=12, HighBit=15, **FULL_WINDOW)
    np.testing.assert_allclose(read(dataset, save).pixels, ramp12 / 4095, atol=1e-6)


def test_colour_and_palette_become_grey(make_dicom, save, ramp8):
    rgb = read(make_dicom(np.stack([ramp8] * 3, axis=2)), save)
    ramp = (np.arange(256, dtype="<u2") * 257).tobytes()
    tables = {f"{name}PaletteColorLookupTableData": ramp for name in ("Red", "Green", "Blue")}
    sizes = {f"{key}Descriptor": [256, 0, 16] for key in tables}
    dataset = make_dicom(ramp8, PhotometricInterpretation="PALETTE COLOR", **tables)
    for key, size in sizes.items():
        setattr(dataset, key.replace("DataDescriptor", "Descriptor"), size)
    for radiograph in (rgb, read(dataset, save)):
        np.testing.assert_allclose(radiograph.pixels, ramp8 / 255, atol=1e-5)
        assert radiograph.notes[0].code == "colour_made_grey"


def test_padding_is_black(make_dicom, save, ramp12):
    pixels = ramp12 // 2
    pixels[:10] = 4095
    radiograph = read(
        make_dicom(pixels, BitsStored=12, PixelPaddingValue=4095, **FULL_WINDOW), save
    )
    assert (radiograph.pixels[:10] == 0).all()
    np.testing.assert_allclose(radiograph.pixels[10:], pixels[10:] / 4095, atol=1e-6)


@pytest.mark.parametrize("window", ["nan", "not a number", ""])
def test_garbage_window_is_noted_not_fatal(make_dicom, save, ramp12, window):
    dataset = make_dicom(ramp12, BitsStored=12)
    dataset.add_new("WindowCenter", "LO", window)
    dataset.add_new("WindowWidth", "LO", "10")
    radiograph = read(dataset, save)
    assert any("window" in note.code for note in radiograph.notes)
    assert np.ptp(radiograph.pixels) == 1


@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("018M", 1.5),
        ("003W", 21 / 365.25),
        ("010D", 10 / 365.25),
        ("000D", 0),
        ("062Y", 62),
        ("62Y", 62),
        ("6M", 0.5),
    ],
)
def test_age_is_in_years(make_dicom, save, ramp8, age, years):
    assert read(make_dicom(ramp8, PatientAge=age), save).patient.age == pytest.approx(years)


@pytest.mark.parametrize(("age", "years"), [("62", 62), ("5", 5), ("101", 101)])
def test_bare_age_is_in_years_with_a_note(make_dicom, save, ramp8, age, years):
    radiograph = read(make_dicom(ramp8, PatientAge=age), save)
    assert radiograph.patient.age == years
    assert "age_unit_not_stated" in [note.code for note in radiograph.notes]


@pytest.mark.parametrize("stated", ["", "200Y"])
@pytest.mark.parametrize("which", ["StudyDate", "AcquisitionDate", "ContentDate"])
def test_age_by_dates_keeps_no_date(make_dicom, save, ramp8, stated, which):
    dataset = make_dicom(
        ramp8, PatientAge=stated, PatientBirthDate="19400305", **{which: "20040826"}
    )
    radiograph = read(dataset, save)
    assert radiograph.patient.age == 64
    assert "age_computed" in [note.code for note in radiograph.notes]
    assert not any(date in repr(radiograph) for date in ("19400305", "20040826"))


def test_stated_age_goes_before_the_dates(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8, PatientAge="045Y", StudyDate="20040826")
    assert read(dataset, save).patient.age == 45


@pytest.mark.parametrize(
    ("born", "taken"),
    [
        ("", "20040826"),
        ("19800102", ""),
        ("20100102", "20040826"),
        ("18500102", "20040826"),
        ("19801399", "20040826"),
        ("1980", "20040826"),
    ],
)
def test_dates_that_give_no_age(born, taken):
    dataset = Dataset()
    dataset.PatientBirthDate, dataset.StudyDate = born, taken
    assert patient_of(dataset) == (PatientContext(), ())


@given(st.dates(date(1900, 1, 1), date(1990, 1, 1)), st.integers(0, 365 * 100))
def test_age_by_dates_counts_birthdays(born, days):
    taken = born + timedelta(days)
    dataset = Dataset()
    dataset.PatientBirthDate = born.strftime("%Y%m%d")
    dataset.StudyDate = taken.strftime("%Y.%m.%d")
    birthdays = sum(
        (year, born.month, born.day) <= (taken.year, taken.month, taken.day)
        for year in range(born.year + 1, taken.year + 1)
    )
    age = patient_of(dataset)[0].age
    assert int(age) == birthdays
    assert age == birthdays or age < 2


@pytest.mark.parametrize("fields", [{"PatientAge": "200Y"}, {"PatientSex": "X"}])
def test_invalid_age_or_sex_is_ignored_with_a_note(make_dicom, save, ramp8, fields):
    radiograph = read(make_dicom(ramp8, **fields), save)
    assert None in (radiograph.patient.age, radiograph.patient.sex)
    assert any(note.code.endswith("_not_valid") for note in radiograph.notes)


def test_what_cannot_be_checked_is_noted(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8, Modality=None, BodyPartExamined=None, ViewPosition=None)
    codes = {note.code for note in read(dataset, save).notes}
    assert {"modality_not_stated", "body_part_not_stated", "view_not_stated"} <= codes


@pytest.mark.parametrize("body_part", ["UNKNOWN", "Other"])
def test_region_that_states_nothing_counts_as_absent(make_dicom, save, ramp8, body_part):
    radiograph = read(make_dicom(ramp8, BodyPartExamined=body_part), save)
    assert unsuitable(radiograph) is None
    assert "body_part_not_stated" in [note.code for note in radiograph.notes]


def test_modality_of_a_secondary_capture_is_noted_as_unchecked(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8, Modality="OT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    radiograph = read(dataset, save)
    assert unsuitable(radiograph) is None
    assert "modality_not_stated" in [note.code for note in radiograph.notes]


def coded(code, meaning=""):
    item = Dataset()
    item.CodeValue, item.CodeMeaning = code, meaning
    return Sequence([item])


@pytest.mark.parametrize(
    ("code", "frontal"),
    [(code, True) for code in ("399033003", "399348003", "272479007", "R-10202", "R-10206")]
    + [(code, False) for code in ("399067008", "399173006", "399198007", "399260004")]
    + [(code, False) for code in ("399352003", "R-10232", "R-10236", "260421001", "260434008")],
)
@pytest.mark.parametrize("view_position", [None, "PA"])
def test_view_codes_in_any_language(make_dicom, save, ramp8, code, frontal, view_position):
    dataset = make_dicom(
        ramp8, ViewPosition=view_position, ViewCodeSequence=coded(code, "Profilo sinistro")
    )
    abstention = unsuitable(read(dataset, save))
    assert (abstention is None) == frontal
    assert frontal or abstention.code == "lateral_view"


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("Frontal", "FRONTAL"),
        ("AnteroPosterior", "AP"),
        ("PosteroAnterior", "PA"),
        ("LateralProjection", "LATERAL"),
        ("LeftLateral", "LL"),
        ("RightLateral", "RL"),
        ("MedioLateralProjection", "MEDIO-LATERAL"),
        ("LateralMedial", "LATERO-MEDIAL"),
        ("LateralOblique", "LATERAL OBLIQUE"),
        ("Sagittal", "SAGITTAL"),
    ],
)
def test_view_codes_are_those_of_cid_4010(name, view):
    dataset = Dataset()
    dataset.ViewCodeSequence = coded(getattr(codes.cid4010, name).value)
    assert source_of(dataset, "").view_code == view


def test_orientation_of_a_lateral_view_is_read(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8, ViewPosition="", PatientOrientation=["P", "F"])
    radiograph = read(dataset, save)
    assert radiograph.dicom.patient_orientation == "P\\F"
    assert unsuitable(radiograph).code == "lateral_orientation"


@pytest.mark.parametrize("code", ["51185008", "816094009", "T-D3000"])
def test_region_code_goes_before_its_meaning(make_dicom, save, ramp8, code):
    dataset = make_dicom(
        ramp8, BodyPartExamined="UNKNOWN", AnatomicRegionSequence=coded(code, "Klatka piersiowa")
    )
    radiograph = read(dataset, save)
    assert radiograph.dicom.body_part == "CHEST"
    assert unsuitable(radiograph) is None


@pytest.mark.parametrize(("stated", "told"), [("YES", True), ("NO", False)])
def test_burned_in_text_is_noted(make_dicom, save, ramp8, stated, told):
    notes = read(make_dicom(ramp8, BurnedInAnnotation=stated), save).notes
    assert ("burned_in_text" in [note.code for note in notes]) == told


@pytest.mark.parametrize(("tail", "told"), [(0, False), (2, True), (80, True)])
def test_bytes_behind_the_last_pixel_are_left_out(make_dicom, save, ramp8, tail, told):
    plain = read(make_dicom(ramp8), save)
    radiograph = read(make_dicom(ramp8, PixelData=ramp8.tobytes() + bytes(tail)), save)
    np.testing.assert_array_equal(radiograph.pixels, plain.pixels)
    assert ("bytes_after_pixels" in [note.code for note in radiograph.notes]) == told


def test_padding_to_an_even_length_is_no_tail(make_dicom, save):
    odd = np.arange(33 * 35, dtype=np.uint16).astype(np.uint8).reshape(33, 35)
    radiograph = read(make_dicom(odd, PixelData=odd.tobytes() + b"\0"), save)
    np.testing.assert_array_equal(radiograph.pixels, odd / np.float32(255))
    assert "bytes_after_pixels" not in [note.code for note in radiograph.notes]


def test_full_colour_called_subsampled_is_refused(make_dicom, save, ramp8):
    dataset = make_dicom(np.stack([ramp8] * 3, axis=2), PhotometricInterpretation="YBR_FULL_422")
    with pytest.raises(ImageError, match="bytes where the header asks"):
        read(dataset, save)


@pytest.mark.parametrize(
    "keyword", ["WindowCenter", "RescaleSlope", "PatientAge", "PatientOrientation", "HighBit"]
)
def test_a_million_values_are_not_unpacked(make_dicom, save, ramp12, keyword):
    dataset = make_dicom(ramp12, BitsStored=12)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.add_new(keyword, "OB", b"1\\" * 10**6)  # implicit VR: the reader takes its own
    content = save(dataset).read_bytes()
    tracemalloc.start()
    decode_dicom(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * len(content)


def test_oversized_window_is_called_invalid(make_dicom, save, ramp12):
    dataset = make_dicom(ramp12, BitsStored=12, WindowWidth="4096")
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.add_new("WindowCenter", "OB", b"1\\" * 40_000)
    assert "window_not_valid" in [note.code for note in read(dataset, save).notes]


def test_largest_voi_lut_is_not_oversized(make_dicom, save, ramp16):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [0, 0, 16])
    item.add_new("LUTData", "OW", np.arange(2**16, dtype="<u2").tobytes())
    dataset = make_dicom(ramp16, VOILUTSequence=Sequence([item, copy.deepcopy(item)]))
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    radiograph = read(dataset, save)
    np.testing.assert_allclose(radiograph.pixels, ramp16 / 65535, atol=1e-6)
    assert not any("lut" in note.code for note in radiograph.notes)


def test_oversized_character_set_is_refused(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    content = save(dataset).read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    element = struct.pack("<HHI", 8, 5, 80_000) + b"\\" * 80_000
    with pytest.raises(ImageError, match="character set"):
        read_radiograph(save(content[:start] + element + content[start:]))


def test_oversized_transfer_syntax_is_refused(save):
    element = struct.pack("<HH2sHI", 2, 0x10, b"UC", 0, 80_000) + b"\\" * 80_000
    with pytest.raises(ImageError, match="transfer syntax"):
        read_radiograph(save(bytes(128) + b"DICM" + element))


def test_segmented_palette_is_refused(make_dicom, save, ramp8):
    with pytest.raises(ImageError, match="palette"):
        read(make_dicom(ramp8, PhotometricInterpretation="PALETTE COLOR"), save)


def test_view_and_region_from_code_sequences(make_dicom, save, ramp8):
    view, region = Dataset(), Dataset()
    view.CodeValue, region.CodeMeaning = "399173006", "Chest"
    dataset = make_dicom(
        ramp8,
        BodyPartExamined=None,
        ViewPosition=None,
        ViewCodeSequence=Sequence([view]),
        AnatomicRegionSequence=Sequence([region]),
    )
    source = read(dataset, save).dicom
    assert (source.view_position, source.body_part) == ("LL", "CHEST")


def test_header_text_is_cleaned_and_capped(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8, BodyPartExamined=None, StudyInstanceUID="1.2.x\x1b[0m")
    dataset.add_new("BodyPartExamined", "UT", "chest\x1b[31m\r\n\x00" + "A" * 5000)
    source = read(dataset, save).dicom
    assert source.body_part.startswith("CHEST [31M A")
    assert len(source.body_part) <= 64
    assert source.body_part.isprintable()
    assert source.study_instance_uid == ""


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"PixelData": None}, "no complete pixel data"),
        ({"NumberOfFrames": 2}, "2 frames"),
        ({"Rows": 1, "Columns": 1}, "1 x 1 pixels"),
        ({"Rows": 30_000}, "30,000 pixels"),
        ({"Rows": 20_000, "Columns": 20_000}, "million"),
        ({"Rows": None}, "lacks rows"),
        ({"Rows": 65}, "bytes where the header asks"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "samples of 32 bits"),
        ({"BitsAllocated": 1, "BitsStored": 1}, "samples of 1 bits"),
        ({"SamplesPerPixel": 4}, "4 samples"),
    ],
)
def test_impossible_headers_are_refused(make_dicom, save, ramp8, fields, message):
    with pytest.raises(ImageError, match=message):
        read(make_dicom(ramp8, **fields), save)


def test_blank_image_is_refused(make_dicom, save):
    with pytest.raises(ImageError, match="every pixel is equal"):
        read(make_dicom(np.full((64, 64), 7, np.uint8)), save)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (JPEGExtended12Bit, "JPEG Extended .* 12 bits"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
        ("1.2.826.0.1.999.7", "transfer syntax 1.2.826.0.1.999.7"),
    ],
)
def test_unreadable_syntax_is_named_with_the_way_out(make_dicom, save, ramp12, syntax, name):
    dataset = compressed(make_dicom(ramp12, BitsStored=12), syntax, b"\xff\xd8\xff\xd9")
    with pytest.raises(ImageError, match=f"(?i){name}.*cannot be decoded here; export it"):
        read(dataset, save)


def test_codestream_of_another_size_is_refused(make_dicom, save, ramp8):
    frame = jpeg2000(np.zeros((500, 500), np.uint8))
    with pytest.raises(ImageError, match="500 x 500 pixels where the header says 80 x 64"):
        read(compressed(make_dicom(ramp8), JPEG2000, frame), save)


def test_overlong_compressed_data_is_refused(make_dicom, save, ramp8):
    with pytest.raises(ImageError, match="larger than the image"):
        read(compressed(make_dicom(ramp8), RLELossless, bytes(300_000)), save)


def test_deflation_bomb_is_refused_without_inflating_it(make_dicom, save, ramp8, monkeypatch):
    monkeypatch.setattr("pneumoscope.imaging.dicom.MAX_FILE_BYTES", 100_000)
    dataset = make_dicom(ramp8)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(dataset)
    head = path.read_bytes()
    start = 144 + int.from_bytes(head[140:144], "little")
    path.write_bytes(head[:start] + zlib.compress(bytes(10**7), wbits=-15))
    with pytest.raises(ImageError, match="deflated"):
        read_radiograph(path)


def test_decoder_messages_do_not_reach_the_user(make_dicom, save, ramp8, capfd, recwarn, caplog):
    dataset = make_dicom(ramp8)
    dataset.add_new("WindowCenter", "LO", "Doe^Jane")
    dataset.add_new("WindowWidth", "LO", "Doe^Jane")
    read(dataset, save)
    out = capfd.readouterr()
    assert (out.out, out.err, len(recwarn), caplog.text) == ("", "", 0, "")
