"""The radiograph with the heatmap, and a caption that travels with the picture."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pneumoscope.findings import Diagnosis, Heatmap
from pneumoscope.reports.wording import (
    CLASS_MEANINGS,
    answer,
    heatmap_words,
    operating_call,
    plain,
)

LARGEST, SMALLEST = 1600, 512
"""Pixels between which the longest side of the radiograph is brought."""

_UInt8 = NDArray[np.uint8]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_BACKGROUND = (14, 16, 20)
_WHITE = (245, 245, 245)
_GREY = (190, 195, 203)
_AMBER = (255, 196, 77)
_LINE = (0, 229, 255)  # cyan does not occur in the colour map

_ONSET, _FULL, _OPACITY = 0.25, 0.75, 0.5
_LEGEND = ("Influence on the answer: low", "high", "border of the region (Otsu's threshold)")


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """Text of the caption with its colour and its size relative to the caption's font."""

    text: str
    colour: tuple[int, int, int] = _GREY
    scale: float = 1.0


def overlay_png(diagnosis: Diagnosis) -> bytes:
    """Draw the radiograph with the heatmap and a caption (Baral 2025, 4.5).

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result.

    Returns
    -------
    bytes
        A PNG. The radiograph's longest side is 512 to 1600 pixels; below it a strip names file,
        answer, bundle and notice. An abstention shows the plain image and the reason.
    """
    buffer = BytesIO()
    draw_overlay(diagnosis).save(buffer, format="PNG")
    return buffer.getvalue()


def draw_overlay(diagnosis: Diagnosis) -> Image.Image:
    """Draw the picture of `overlay_png`, as an RGB image."""
    radiograph = diagnosis.radiograph
    size = _display_size(radiograph.width, radiograph.height)
    picture = _grey(radiograph.pixels, size)
    if diagnosis.heatmap is not None:
        picture = _colour(picture, _resize(diagnosis.heatmap.values, size))
        _outline(picture, diagnosis.heatmap)
    width = max(size[0], SMALLEST)
    strip = _strip(diagnosis, width)
    canvas = Image.new("RGB", (width, size[1] + strip.height), _BACKGROUND)
    canvas.paste(Image.fromarray(picture), ((width - size[0]) // 2, 0))
    canvas.paste(strip, (0, size[1]))
    return canvas


def _display_size(width: int, height: int) -> tuple[int, int]:
    longest = max(width, height)
    scale = min(max(longest, SMALLEST), LARGEST) / longest
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    shrinks = values.shape[1] > size[0]
    resized = cv2.resize(values, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)


def _grey(pixels: NDArray[np.float32], size: tuple[int, int]) -> _UInt8:
    grey = np.rint(255 * _resize(pixels, size)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _colour(picture: _UInt8, values: NDArray[np.float32]) -> _UInt8:
    """Lay the colours of a map over the picture, the thinner the lower the map is."""
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)
    colours = np.asarray(table, dtype=np.float32)[:, 0, ::-1][np.rint(255 * values).astype(int)]
    alpha = _OPACITY * np.clip((values - _ONSET) / (_FULL - _ONSET), 0, 1)[:, :, None]
    blended: _UInt8 = np.rint((1 - alpha) * picture + alpha * colours).astype(np.uint8)
    return blended


def _outline(picture: _UInt8, heatmap: Heatmap) -> None:
    """Draw the mask's borders into the picture: a bright line with a dark rim."""
    height, width = picture.shape[:2]
    lines = [
        np.rint(np.asarray(contour) * (width - 1, height - 1)).astype(np.int32)
        for contour in heatmap.contours
        if contour
    ]
    thin = max(2, round(max(width, height) / 500))
    cv2.polylines(picture, lines, True, (0, 0, 0), thin + 2, cv2.LINE_AA)
    cv2.polylines(picture, lines, True, _LINE, thin, cv2.LINE_AA)


def _paragraphs(diagnosis: Diagnosis) -> list[_Paragraph]:
    bundle, decision = diagnosis.bundle, diagnosis.decision
    texts = [_Paragraph(answer(diagnosis), _WHITE, 1.35)]
    if diagnosis.abstained is not None:
        texts.append(_Paragraph(diagnosis.abstained.reason, _WHITE))
    if decision is not None and (meaning := CLASS_MEANINGS.get(decision.predicted)) is not None:
        texts.append(_Paragraph(f"{decision.predicted}: {meaning}", _WHITE))
    if decision is not None and (call := operating_call(decision)) is not None:
        texts.append(_Paragraph(call, _WHITE))
    if diagnosis.heatmap is not None:
        texts.append(_Paragraph(heatmap_words(diagnosis.heatmap)))
    texts.append(_Paragraph(f"File: {diagnosis.radiograph.name}"))
    texts.append(_Paragraph(f"Model: {bundle.name} {bundle.version}"))
    texts.append(_Paragraph(diagnosis.notice, _AMBER))
    return texts


def _strip(diagnosis: Diagnosis, width: int) -> Image.Image:
    """Draw the caption: the legend where there is a heatmap, then the text, wrapped."""
    base = min(max(width / 42, 14), 28)
    margin, gap = round(base), round(0.45 * base)
    lines: list[tuple[str, _Font, tuple[int, int, int], int]] = []
    top = margin + (round(3.4 * base) if diagnosis.heatmap is not None else 0)
    for paragraph in _paragraphs(diagnosis):
        font = ImageFont.load_default(size=base * paragraph.scale)
        for text in _wrap(_drawable(paragraph.text), font, width - 2 * margin):
            lines.append((text, font, paragraph.colour, top))
            top += round(1.3 * base * paragraph.scale)
        top += gap
    strip = Image.new("RGB", (width, top - gap + margin), _BACKGROUND)
    draw = ImageDraw.Draw(strip)
    if diagnosis.heatmap is not None:
        _legend(strip, draw, base, margin)
    for text, font, colour, y in lines:
        draw.text((margin, y), text, font=font, fill=colour)
    return strip


def _legend(strip: Image.Image, draw: ImageDraw.ImageDraw, base: float, margin: int) -> None:
    """Draw the colour bar as it looks over mid-grey, and a sample of the line."""
    font = ImageFont.load_default(size=base)
    low, high, line = _LEGEND
    step, bar = round(1.6 * base), round(8 * base)
    left = margin + round(font.getlength(low) + 0.6 * base)
    ramp = np.repeat(np.linspace(0, 1, bar, dtype=np.float32)[None], round(base), axis=0)
    colours = _colour(np.full((*ramp.shape, 3), 128, dtype=np.uint8), ramp)
    draw.text((margin, margin), low, font=font, fill=_GREY)
    strip.paste(Image.fromarray(colours), (left, margin))
    draw.text((left + bar + round(0.6 * base), margin), high, font=font, fill=_GREY)
    middle = margin + step + round(0.6 * base)
    end = margin + round(2.5 * base)
    draw.line((margin, middle, end, middle), fill=_LINE, width=max(2, round(base / 7)))
    draw.text((end + round(0.6 * base), margin + step), line, font=font, fill=_GREY)


def _drawable(text: str) -> str:
    """Escape what the font cannot draw: it holds little beyond ASCII."""
    return plain(text).encode("ascii", "backslashreplace").decode("ascii")


def _wrap(text: str, font: _Font, width: float) -> list[str]:
    """Break text into lines no wider than `width` pixels, inside a word where it must be."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".lstrip()
        if font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if font.getlength(lines[-1] + char) > width:
                lines.append("")
            lines[-1] += char
    return lines
