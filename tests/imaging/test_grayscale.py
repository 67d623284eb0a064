from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pneumoscope.imaging.grayscale import displayed, window

finite = st.floats(-1e5, 1e5)


def standard_window(value: float, center: float, width: float, function: str) -> float:
    """PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, word for word, with output 0 to 1."""
    if function == "LINEAR":
        if value <= center - 0.5 - (width - 1) / 2:
            return 0.0
        if value > center - 0.5 + (width - 1) / 2:
            return 1.0
        return (value - (center - 0.5)) / (width - 1) + 0.5
    if function == "LINEAR_EXACT":
        if value <= center - width / 2:
            return 0.0
        if value > center + width / 2:
            return 1.0
        return (value - center) / width + 0.5
    exponent = -4 * (value - center) / width
    return 0.0 if exponent > 700 else 1 / (1 + math.exp(exponent))


@given(
    st.integers(-(2**15), 2**16),
    finite,
    st.floats(1, 1e5),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_window_is_the_formula_of_the_standard(value, center, width, function):
    got = window(np.array([float(value)]), center, width, function)[0]
    assert got == pytest.approx(standard_window(value, center, width, function), abs=1e-9)


@pytest.mark.parametrize("width", [0.0, -5.0])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_without_width_is_an_error(width, function):
    with pytest.raises(ValueError, match="width"):
        window(np.zeros(2), 0, width, function)


def header(**fields: object) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 12, 0
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    return dataset


def lut(descriptor: list[int], data: object) -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", "OW" if isinstance(data, bytes) else "US", data)
    item["LUTData"].value = data
    return Sequence([item])


def test_rescale_comes_before_the_window(ramp12):
    grey, notes = displayed(
        ramp12,
        header(RescaleSlope="2", RescaleIntercept="-1000", WindowCenter="500", WindowWidth="3000"),
    )
    expected = [standard_window(v * 2.0 - 1000, 500, 3000, "LINEAR") for v in ramp12.ravel()]
    np.testing.assert_allclose(grey.ravel(), expected, atol=1e-6)
    assert notes == ()


def test_monochrome1_of_the_negative_is_the_same_image(ramp12):
    fields = {"WindowWidth": "3000", "VOILUTFunction": "LINEAR_EXACT"}
    positive, _ = displayed(ramp12, header(WindowCenter="2000", **fields))
    negative, _ = displayed(
        4095 - ramp12,
        header(WindowCenter="2095", PhotometricInterpretation="MONOCHROME1", **fields),
    )
    np.testing.assert_allclose(positive, negative, atol=1e-6)


def test_inverse_with_monochrome1_is_one_inversion(ramp12):
    fields = {"WindowCenter": "2000", "WindowWidth": "3000"}
    plain, _ = displayed(ramp12, header(PhotometricInterpretation="MONOCHROME1", **fields))
    both, _ = displayed(
        ramp12,
        header(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE", **fields),
    )
    shape, notes = displayed(ramp12, header(PresentationLUTShape="INVERSE", **fields))
    np.testing.assert_array_equal(plain, both)
    np.testing.assert_array_equal(plain, shape)
    assert notes[0].code == "inverse_presentation"


@pytest.mark.parametrize("packed", [True, False])
def test_voi_lut_is_looked_up_by_hand(packed):
    table = np.array([5, 50, 100, 250], np.uint8)
    data = table.tobytes() if packed else table.astype("<u2").tobytes()
    stored = np.array([[0, 9, 10, 11], [12, 13, 14, 4095]], np.uint16)
    dataset = header(VOILUTSequence=lut([4, 10, 8], data), WindowCenter="1", WindowWidth="2")
    dataset.set_original_encoding(False, True)
    grey, notes = displayed(stored, dataset)
    np.testing.assert_allclose(grey * 255, [[5, 5, 5, 50], [100, 250, 250, 250]], atol=1e-4)
    assert notes == ()


def test_voi_lut_that_fills_fewer_bits_than_declared_is_scaled_by_those(ramp12):
    entries = np.arange(4096)
    full, _ = displayed(ramp12, header(VOILUTSequence=lut([4096, 0, 12], entries.tolist())))
    entries[[0, 7]] = 65535
    grey, notes = displayed(ramp12, header(VOILUTSequence=lut([4096, 0, 16], entries.tolist())))
    same = ~np.isin(ramp12, [0, 7])
    np.testing.assert_allclose(grey[same], full[same], atol=1e-6)
    assert (notes[0].code, notes[0].values) == ("voi_lut_depth", {"declared": 16, "bits": 12})


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("center", "width", "poor"),
    [
        ("2048", "4096", False),
        ("1500", "2000", False),
        ("100", "10", True),
        ("3900", "100", True),
        ("30000", "60000", True),
        ("2048", "40960", True),
    ],
)
def test_window_that_shows_little_is_noted(ramp12, photometric, center, width, poor):
    dataset = header(WindowCenter=center, WindowWidth=width, PhotometricInterpretation=photometric)
    _, notes = displayed(ramp12, dataset)
    shows_little = {"window_shows_one_end", "window_shows_few_greys"}
    assert [note.code in shows_little for note in notes] == [True] * poor


def test_padding_does_not_count_as_shown_at_one_end(ramp12):
    stored = np.concatenate([ramp12] + [np.zeros_like(ramp12)] * 4)
    dataset = header(WindowCenter="2048", WindowWidth="4096")
    valid = np.arange(len(stored))[:, None] < len(ramp12)
    assert displayed(stored, dataset)[1] != ()
    assert displayed(stored, dataset, np.broadcast_to(valid, stored.shape))[1] == ()


def test_modality_lut_feeds_the_window():
    stored = np.array([[0, 1, 2, 3]], np.uint16)
    dataset = header(
        ModalityLUTSequence=lut([4, 0, 16], [1000, 800, 400, 0]),
        WindowCenter="500",
        WindowWidth="1000",
        VOILUTFunction="LINEAR_EXACT",
    )
    grey, _ = displayed(stored, dataset)
    np.testing.assert_allclose(grey, [[1, 0.8, 0.4, 0]], atol=1e-6)


@pytest.mark.parametrize(
    "fields",
    [
        {"WindowCenter": "100", "WindowWidth": "0"},
        {"WindowCenter": "100", "WindowWidth": "-4"},
        {"WindowWidth": "100"},
        {"WindowCenter": "90000", "WindowWidth": "10"},
        {"VOILUTSequence": lut([9, 0, 16], [1, 2])},
        {"VOILUTSequence": lut([2, 0, 40], [1, 2])},
        {},
    ],
)
def test_unusable_window_falls_back_to_the_range_with_a_note(ramp12, fields):
    grey, notes = displayed(ramp12, header(**fields))
    assert grey.min() == 0
    assert grey.max() == 1
    assert (np.diff(grey.ravel()[:4096]) >= 0).all()
    assert "no_window" in [note.code for note in notes]
    assert len(notes) == (2 if fields else 1)


def test_unknown_voi_function_is_taken_as_linear(ramp12):
    fields = {"WindowCenter": "2000", "WindowWidth": "3000"}
    linear, _ = displayed(ramp12, header(**fields))
    grey, notes = displayed(ramp12, header(VOILUTFunction="CUBIC", **fields))
    np.testing.assert_array_equal(grey, linear)
    assert notes[0].code == "voi_lut_function_unknown"


def test_zero_slope_is_ignored_with_a_note(ramp12):
    grey, notes = displayed(ramp12, header(RescaleSlope="0", RescaleIntercept="7"))
    assert np.ptp(grey) > 0
    assert notes[0].code == "rescale_not_valid"


def test_eight_bits_without_window_equal_an_image_file(ramp8):
    grey, notes = displayed(ramp8[:, :40], header(BitsStored=8))
    np.testing.assert_allclose(grey, ramp8[:, :40] / 255, atol=1e-6)
    assert notes == ()


def test_outliers_do_not_darken_an_image_without_window(ramp12):
    stored = ramp12 // 8
    plain, _ = displayed(stored, header())
    stored[0, 0] = 4095
    grey, _ = displayed(stored, header())
    np.testing.assert_allclose(grey.ravel()[1:], plain.ravel()[1:], atol=0.01)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_set_the_range(ramp12, photometric):
    stored = ramp12 // 4 + 100
    valid = np.ones(stored.shape, bool)
    valid[:20] = False
    plain, _ = displayed(stored[20:], header(PhotometricInterpretation=photometric))
    for padding in (0, 4000):
        stored[:20] = padding
        grey, _ = displayed(stored, header(PhotometricInterpretation=photometric), valid)
        assert (grey[:20] == 0).all()
        np.testing.assert_allclose(grey[20:], plain, atol=1e-6)
