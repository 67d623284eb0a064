"""The picture: its size, its colours where the map is high, and a caption that is never cut."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from pneumoscope.documents import to_document
from pneumoscope.findings import About, BundleIdentity, Heatmap, Message
from pneumoscope.reports import overlay_png
from pneumoscope.reports.answer import headline, map_words, result_words
from pneumoscope.reports.overlay import _drawable, _paragraphs, _wrap, draw_grad_cam, draw_overlay

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
    zeros = np.zeros((512, 512), np.float32)
    empty = Heatmap(zeros, zeros > 0, 0.0, (), "PNEUMONIA")
    diagnosis = make(width=512, height=512, heatmap=empty)
    body = picture(diagnosis)[:512]
    assert (np.ptp(body, axis=2) == 0).all()
    assert any("It is empty" in part.text for part in _paragraphs(to_document(diagnosis)))


def test_the_caption_names_everything(diagnosis):
    texts = [part.text for part in _paragraphs(to_document(diagnosis))]
    assert diagnosis.notice in texts
    assert any(diagnosis.radiograph.name in text for text in texts)
    assert any(f"{diagnosis.bundle.name} {diagnosis.bundle.version}" in text for text in texts)
    assert texts[0] == headline(to_document(diagnosis)).line
    for name, words in result_words(to_document(diagnosis)):
        assert f"{name}: {words}" in texts
    if diagnosis.abstained is None:
        assert " ".join(map_words(to_document(diagnosis))) in texts


def test_a_picture_beside_the_words_keeps_result_and_notice_and_drops_what_they_say(make):
    diagnosis = make(evidence=0.8)
    texts = [part.text for part in _paragraphs(to_document(diagnosis), alone=False)]
    assert texts[0] == headline(to_document(diagnosis)).line
    assert diagnosis.notice in texts
    assert len(texts) < len(_paragraphs(to_document(diagnosis)))
    assert draw_overlay(diagnosis, alone=False).height < draw_overlay(diagnosis).height


def colourful(image) -> np.ndarray:
    return np.ptp(np.asarray(image).astype(int), axis=2)


def test_probabilities_are_not_scaled_to_their_peak(make):
    """A weak map looks weak; a published heatmap of the same shape is as bright as ever."""
    strong, weak, none = (
        colourful(draw_overlay(make(width=512, height=512, evidence=peak)))[:512, :512]
        for peak in (0.9, 0.25, 0.04)
    )
    at = make(width=512, height=512).heatmap.values > 0.9  # inside the outline
    assert strong[at].min() > weak[at].max() > 0
    assert none[at].max() == 0


def test_a_map_that_is_not_outlined_has_no_line_in_picture_and_legend(make):
    size = {"width": 512, "height": 512, "evidence": 0.9}

    def cyan(diagnosis) -> int:
        pixels = np.asarray(draw_overlay(diagnosis)).reshape(-1, 3)
        return int((np.abs(pixels.astype(int) - (0, 229, 255)).sum(axis=1) < 10).sum())

    assert cyan(make(**size)) > 100
    assert cyan(make(**size, why_not="no boxes were at hand")) == 0


def test_the_grad_cam_beside_has_no_outline(make):
    diagnosis = make(width=512, height=512, evidence=0.9)
    beside = draw_grad_cam(diagnosis)
    assert max(beside.size) == 512
    heat, pixels = diagnosis.grad_cam, np.asarray(beside)
    assert colourful(beside)[heat.values > 0.9].min() > 30
    assert not (np.abs(pixels.astype(int) - (0, 229, 255)).sum(axis=2) < 60).any()
    assert draw_grad_cam(make()) is None


def test_the_notice_is_burned_in_below_the_picture_and_changes_it(diagnosis):
    with_notice = picture(diagnosis)
    without = picture(replace(diagnosis, notice="Short."))
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
    named = Message("body_part", About.IMAGE, {"body_part": "HAND OR FOOT " * 60})
    long = replace(short, abstained=named)
    assert picture(long).shape[0] > picture(short).shape[0] + 100
