from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.catalogue import to_sentence
from pneumoscope.findings import DicomSource, ImageKind, Radiograph
from pneumoscope.imaging import unsuitable
from pneumoscope.synthetic import draw_ct_slice, draw_phantom

CR = "1.2.840.10008.5.1.4.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


CT = "1.2.840.10008.5.1.4.1.1.2"


def radiograph(**header: str) -> Radiograph:
    return Radiograph(np.eye(40, dtype=np.float32), "x.dcm", "DICOM", dicom=DicomSource(**header))


def test_image_file_is_not_refused():
    assert unsuitable(Radiograph(np.eye(40, dtype=np.float32), "x.png", "PNG")) is None


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"modality": "CR", "body_part": "CHEST", "view_position": "PA"},
        {"modality": "DX", "body_part": "CHEST PA/LAT", "view_position": "AP"},
        {"modality": "RG", "body_part": "TÓRAX"},
        {"body_part": "LUNGS", "view_position": "LATERAL DECUBITUS"},
        {"view_position": "LLD"},
        {"view_position": "POSTERO-ANTERIOR"},
        {"sop_class_uid": SECONDARY_CAPTURE},
        {"sop_class_uid": SECONDARY_CAPTURE, "modality": "OT"},
        {"sop_class_uid": SECONDARY_CAPTURE, "modality": "SC"},
        {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.1", "modality": "DR"},
        {"body_part": "CXR"},
        {"body_part": "THX"},
        {"body_part": "CHESTPA"},
        {"body_part": "POITRINE"},
        {"body_part": "THORACIC STRUCTURE"},
        {"view_position": "PA", "view_code": "PA", "patient_orientation": "L\\F"},
        {"patient_orientation": "L"},
        {"patient_orientation": "A\\P"},
    ],
)
def test_frontal_chest_or_unknown_is_not_refused(header):
    assert unsuitable(radiograph(**header)) is None


@pytest.mark.parametrize(
    ("header", "code", "names"),
    [
        ({"modality": "CT", "body_part": "CHEST"}, "modality", "CT"),
        ({"modality": "MG"}, "modality", "MG"),
        ({"modality": "XA"}, "modality", "XA"),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"}, "object_kind", "CT Image Storage"),
        ({"modality": "CR", "body_part": "EXTREMITY"}, "body_part", "EXTREMITY"),
        ({"body_part": "TSPINE"}, "body_part", "TSPINE"),
        ({"body_part": "THORACIC SPINE"}, "body_part", "THORACIC SPINE"),
        ({"body_part": "THORACOLUMBAR SPINE"}, "body_part", "THORACOLUMBAR"),
        ({"body_part": "COLUMNA TORÁCICA"}, "body_part", "COLUMNA"),
        ({"modality": "OT", "sop_class_uid": CR}, "modality", "OT"),
        ({"modality": "OT"}, "modality", "OT"),
        ({"body_part": "RIB"}, "body_part", "RIB"),
        ({"body_part": "???"}, "body_part", "???"),
        ({"body_part": "CHEST", "view_position": "LL"}, "lateral_view", "LL"),
        ({"view_position": "LATERAL"}, "lateral_view", "LATERAL"),
        ({"view_position": "LEFT LATERAL"}, "lateral_view", "LEFT LATERAL"),
        ({"view_position": "L-LAT"}, "lateral_view", "L-LAT"),
        ({"view_position": "PA", "view_code": "LATERAL"}, "lateral_view", "LATERAL"),
        ({"view_position": "RL", "view_code": "PA"}, "lateral_view", "RL"),
        ({"patient_orientation": "P\\F"}, "lateral_orientation", "P\\F"),
        ({"patient_orientation": "A\\F"}, "lateral_orientation", "A\\F"),
        ({"patient_orientation": "AL"}, "lateral_orientation", "AL"),
        ({"view_position": "PA", "patient_orientation": "P\\F"}, "lateral_orientation", "P\\F"),
    ],
)
def test_what_the_header_rules_out(header, code, names):
    abstention = unsuitable(radiograph(**header))
    assert abstention is not None
    assert abstention.code == code
    assert names in to_sentence(abstention)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"modality": "CT", "body_part": "CHEST", "sop_class_uid": CT},
        {"modality": "CT", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2.1"},
        {"modality": "CT", "sop_class_uid": SECONDARY_CAPTURE},
        {"modality": "OT", "sop_class_uid": SECONDARY_CAPTURE},
        {"modality": "CT", "image_type": "AXIAL", "body_part": "THORAX"},
        {"modality": "CT", "patient_orientation": "L\\P"},
    ],
)
def test_a_chest_ct_or_unknown_is_not_refused_as_a_slice(header):
    assert unsuitable(radiograph(**header), ImageKind.CHEST_CT) is None


@pytest.mark.parametrize(
    ("header", "code", "names"),
    [
        ({"modality": "CR", "body_part": "CHEST", "view_position": "PA"}, "modality", "CR"),
        ({"modality": "DX"}, "modality", "DX"),
        ({"modality": "MR"}, "modality", "MR"),
        ({"modality": "OT", "sop_class_uid": CT}, "modality", "OT"),
        ({"sop_class_uid": CR}, "object_kind", "Computed Radiography"),
        ({"modality": "CT", "body_part": "HEAD"}, "body_part", "HEAD"),
        ({"modality": "CT", "image_type": "LOCALIZER"}, "localizer", "LOCALIZER"),
    ],
)
def test_what_the_header_rules_out_as_a_ct_slice(header, code, names):
    abstention = unsuitable(radiograph(**header), ImageKind.CHEST_CT)
    assert abstention is not None
    assert abstention.code == code
    assert names in to_sentence(abstention)


def picture(pixels, **header):
    source = DicomSource(**header) if header else None
    return Radiograph(pixels, "x", "DICOM" if header else "PNG", dicom=source)


# What files say nothing of: no header, a capture of something, an empty header.
SILENT = [{}, {"sop_class_uid": SECONDARY_CAPTURE, "modality": "SC"}, {"body_part": "CHEST"}]


@pytest.mark.parametrize("header", SILENT)
def test_without_a_modality_the_picture_decides(header):
    chest, ct = draw_phantom(1, size=256).pixels, draw_ct_slice(1, size=256)
    kinds = ImageKind.CHEST_RADIOGRAPH, ImageKind.CHEST_CT
    for pixels, mine, other, code in (
        (chest, *kinds, "not_a_ct_slice"),
        (ct, *kinds[::-1], "not_a_radiograph"),
    ):
        assert unsuitable(picture(pixels, **header), mine) is None
        refused = unsuitable(picture(pixels, **header), other)
        assert refused is not None
        assert refused.code == code
        # What it seems to be, what is read, and the way out.
        assert mine in to_sentence(refused)
        assert other in to_sentence(refused)
        assert "pneumoscope bundle list" in to_sentence(refused)


def test_a_header_that_names_the_modality_goes_before_the_look():
    ct = draw_ct_slice(1, size=256)
    assert unsuitable(picture(ct, modality="CR", body_part="CHEST")) is None
    assert unsuitable(picture(ct, sop_class_uid=CR)) is None
    chest = draw_phantom(1, size=256).pixels
    assert unsuitable(picture(chest, modality="CT"), ImageKind.CHEST_CT) is None
