from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.findings import DicomSource, Radiograph
from pneumoscope.imaging import unsuitable

CR = "1.2.840.10008.5.1.4.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


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
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"}, "modality", "CT Image Storage"),
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
        ({"patient_orientation": "P\\F"}, "lateral_view", "P\\F"),
        ({"patient_orientation": "A\\F"}, "lateral_view", "A\\F"),
        ({"patient_orientation": "AL"}, "lateral_view", "AL"),
        ({"view_position": "PA", "patient_orientation": "P\\F"}, "lateral_view", "P\\F"),
    ],
)
def test_what_the_header_rules_out(header, code, names):
    abstention = unsuitable(radiograph(**header))
    assert abstention is not None
    assert abstention.code == code
    assert names in abstention.reason
