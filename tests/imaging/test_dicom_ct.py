"""What a CT slice's header tells beside a radiograph's."""

import pytest

from pneumoscope.imaging import read_radiograph


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        (["ORIGINAL", "PRIMARY", "LOCALIZER"], "LOCALIZER"),
        (["ORIGINAL", "PRIMARY"], ""),
        ("ORIGINAL", ""),
        (None, ""),
    ],
)
def test_the_image_type_tells_a_localizer(make_dicom, save, ramp8, stated, kept):
    radiograph = read_radiograph(save(make_dicom(ramp8, ImageType=stated)))
    assert radiograph.dicom.image_type == kept


def test_a_ct_slice_has_no_view_to_check(make_dicom, save, ramp8):
    dataset = make_dicom(ramp8, Modality="CT", ViewPosition=None)
    assert read_radiograph(save(dataset)).notes == ()
