"""The picture: its size, its colours where the map is high, and a caption that is never cut."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from pneumoscope.findings import Abstention, BundleIdentity, Heatmap
from pneumoscope.reports import overlay_png
from pneumoscope.reports.overlay import _drawable, _paragraphs, _wrap
from pneumoscope.reports.wording import heatmap_words

NOTICE_COLOUR = (255, 196, 77)


def picture(diagnosis) -> np.ndarray:
    image = Image.open(BytesIO(overlay_png(diagnosis)))
    assert image.format == "PNG"
    return np.asarray(image)


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (320, 240, (512, 384)),
        (600, 800, (600, 800)),
        (1500, 3000, (800, 1600)),
        (32, 2000, (26, 1600)),
        (3200, 320, (1600, 160)),
    ],
)
def test_the_radiograph_is_brought_to_a_size_that_can_be_read(make, width, height, shown):
    pixels = picture(make(width=width, height=height, abstained=True))
    assert pixels.shape[1] == max(shown[0], 512)
    left = (pixels.shape[1] - shown[0]) // 2
    body = pixels[: shown[1], left : left + shown[0]]
    assert (body[..., 0] == body[..., 2]).all()  # grey everywhere: no heatmap on an abstention
    assert pixels.shape[0] > shown[1]


def test_grey_is_as_displayed_where_the_map_is_low(make):
    diagnosis = make(width=512, height=512)
    body = picture(diagnosis)[:512]
    expected = np.rint(255 * diagnosis.radiograph.pixels)
    low = diagnosis.heatmap.values < 0.2
    # The line is drawn along the mask's border, where the map is near 0.4.
    np.testing.assert_array_equal(body[low], np.repeat(expected[low][:, None], 3, axis=1))


def test_colour_follows_the_map_and_the_outline_follows_the_mask(make):
    diagnosis = make(width=512, height=512)
    body = picture(diagnosis)[:512].astype(int)
    y, x = np.unravel_index(diagnosis.heatmap.values.argmax(), (512, 512))
    assert body[y, x, 0] > body[y, x, 2] + 30  # warm where the map is highest
    for px, py in diagnosis.heatmap.contours[0]:
        near = body[round(py * 511), round(px * 511)]
        assert near[2] - near[0] > 100  # cyan


def test_an_empty_map_leaves_the_radiograph_alone_and_says_so(make):
    empty = Heatmap(np.zeros((512, 512), np.float32), np.zeros((512, 512), bool), 0.0, ())
    diagnosis = make(width=512, height=512, heatmap=empty)
    body = picture(diagnosis)[:512]
    assert (np.ptp(body, axis=2) == 0).all()
    assert any("map is empty" in part.text for part in _paragraphs(diagnosis))


def test_the_caption_names_everything(diagnosis):
    texts = [part.text for part in _paragraphs(diagnosis)]
    assert diagnosis.notice in texts
    assert any(diagnosis.radiograph.name in text for text in texts)
    assert any(f"{diagnosis.bundle.name} {diagnosis.bundle.version}" in text for text in texts)
    if diagnosis.abstained is not None:
        assert diagnosis.abstained.reason in texts
    else:
        assert "PNEUMONIA, probability 0.873" in texts
        assert heatmap_words(diagnosis.heatmap) in texts
        assert "PNEUMONIA: opacity that suggests pneumonia" in texts


def test_the_notice_is_burned_in_below_the_picture_and_changes_it(diagnosis):
    with_notice = picture(diagnosis)
    without = picture(replace(diagnosis, notice=""))
    strip = with_notice[-60:].reshape(-1, 3)
    assert (abs(strip.astype(int) - NOTICE_COLOUR).sum(axis=1) < 10).sum() > 50
    assert without.shape[0] < with_notice.shape[0]


@pytest.mark.parametrize("width", [64, 900, 2000])
def test_no_text_touches_the_border(make, width):
    diagnosis = make(
        width=width,
        height=500,
        name="long_name_" * 30,
        bundle=BundleIdentity("bundle " * 40, "1", "0" * 64),
    )
    pixels = picture(diagnosis)
    strip = pixels[500 * min(1600, max(width, 500, 512)) // max(width, 500) + 1 :].astype(int)
    bright = strip.sum(axis=2) > 150
    assert bright.any()
    assert not bright[:, :8].any()
    assert not bright[:, -8:].any()
    assert not bright[-8:].any()


def test_names_that_the_font_lacks_are_escaped(make):
    assert _drawable("中\x1b°") == r"\u4e2d\x1b\xb0"
    picture(make(name="中文\x1b\udc80.png", abstained=True))


@settings(max_examples=40)
@given(st.text("ab iW_", max_size=80), st.integers(60, 300))
def test_wrapped_lines_fit_and_lose_nothing(text, width):
    font = ImageFont.load_default(size=16)
    lines = _wrap(text, font, width)
    assert all(font.getlength(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(text.split())


def test_a_long_reason_stays_in_the_picture(make):
    short = make(abstained=True)
    long = replace(short, abstained=Abstention("x", "The image cannot be judged. " * 20))
    assert picture(long).shape[0] > picture(short).shape[0] + 100
