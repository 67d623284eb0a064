"""The radiograph with the heatmap, and a caption that travels with the picture."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pneumoscope.documents import DiagnosisDocument, MapFacts, to_document
from pneumoscope.findings import Diagnosis, Heatmap
from pneumoscope.reports.answer import headline, map_title, map_words, result_words
from pneumoscope.reports.wording import plain

LARGEST, SMALLEST = 1600, 512
"""Pixels between which the longest side of the radiograph is brought."""

_UInt8 = NDArray[np.uint8]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_BACKGROUND = (14, 16, 20)
_WHITE = (245, 245, 245)
_GREY = (190, 195, 203)
_AMBER = (255, 196, 77)
_LINE = (0, 229, 255)  # cyan does not occur in the colour map

_OPACITY = 0.5
# Where the colours set in and where they are full: of a map scaled to its peak, and of one whose
# values are probabilities, of which a low one can matter.
_RAMPS = {"grad_cam": (0.25, 0.75), "evidence": (0.05, 0.5)}
_ENDS = {"grad_cam": ("low", "high"), "evidence": ("0", "1")}
_LINE_WORDS = "border of the region (Otsu's threshold)"


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


def draw_overlay(diagnosis: Diagnosis, *, alone: bool = True) -> Image.Image:
    """Draw the picture of `overlay_png`, as an RGB image.

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result.
    alone : bool
        Whether the caption must say everything; False where the same words stand beside it.
    """
    radiograph = diagnosis.radiograph
    size = _display_size(radiograph.width, radiograph.height)
    picture = _grey(radiograph.pixels, size)
    if diagnosis.heatmap is not None:
        picture = _colour(picture, diagnosis.heatmap)
        _outline(picture, diagnosis.heatmap)
    width = max(size[0], SMALLEST)
    strip = _strip(to_document(diagnosis), width, alone=alone)
    canvas = Image.new("RGB", (width, size[1] + strip.height), _BACKGROUND)
    canvas.paste(Image.fromarray(picture), ((width - size[0]) // 2, 0))
    canvas.paste(strip, (0, size[1]))
    return canvas


def draw_grad_cam(diagnosis: Diagnosis) -> Image.Image | None:
    """Draw the Grad-CAM that stands beside another map, as an RGB image without a caption.

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result.

    Returns
    -------
    PIL.Image.Image or None
        Its longest side is 512 pixels. Without an outline: its place was not checked. None where
        there is no Grad-CAM beside the map.
    """
    if diagnosis.grad_cam is None:
        return None
    radiograph = diagnosis.radiograph
    size = _display_size(radiograph.width, radiograph.height, SMALLEST)
    return Image.fromarray(_colour(_grey(radiograph.pixels, size), diagnosis.grad_cam))


def _display_size(width: int, height: int, largest: int = LARGEST) -> tuple[int, int]:
    longest = max(width, height)
    scale = min(max(longest, SMALLEST), largest) / longest
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    shrinks = values.shape[1] > size[0]
    resized = cv2.resize(values, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)


def _grey(pixels: NDArray[np.float32], size: tuple[int, int]) -> _UInt8:
    grey = np.rint(255 * _resize(pixels, size)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _colour(picture: _UInt8, heatmap: Heatmap) -> _UInt8:
    """Lay a map over the picture, in its size."""
    height, width = picture.shape[:2]
    return _blend(picture, _resize(heatmap.values, (width, height)), _RAMPS[heatmap.method])


def _blend(picture: _UInt8, values: NDArray[np.float32], ramp: tuple[float, float]) -> _UInt8:
    """Lay the colours of values of 0..1 over the picture, the thinner the lower they are."""
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)
    colours = np.asarray(table, dtype=np.float32)[:, 0, ::-1][np.rint(255 * values).astype(int)]
    onset, full = ramp
    alpha = _OPACITY * np.clip((values - onset) / (full - onset), 0, 1)[:, :, None]
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


def _paragraphs(document: DiagnosisDocument, *, alone: bool = True) -> list[_Paragraph]:
    bundle = document.bundle
    texts = [_Paragraph(headline(document).line, _WHITE, 1.35)]
    if alone:
        texts += [_Paragraph(f"{name}: {told}", _WHITE) for name, told in result_words(document)]
        texts += [_Paragraph(words) for words in [" ".join(map_words(document))] if words]
    texts.append(_Paragraph(f"File: {document.image.file}"))
    texts.append(_Paragraph(f"Model: {bundle.name} {bundle.version}"))
    texts.append(_Paragraph(document.notice, _AMBER))
    return texts


def _strip(document: DiagnosisDocument, width: int, *, alone: bool) -> Image.Image:
    """Draw the caption: the legend where there is a heatmap, then the text, wrapped."""
    base = min(max(width / 42, 14), 28)
    margin, gap = round(base), round(0.45 * base)
    heatmap = document.heatmap
    lines: list[tuple[str, _Font, tuple[int, int, int], int]] = []
    top = margin + (0 if heatmap is None else _legend_height(heatmap, base))
    for paragraph in _paragraphs(document, alone=alone):
        font = ImageFont.load_default(size=base * paragraph.scale)
        for text in _wrap(_drawable(paragraph.text), font, width - 2 * margin):
            lines.append((text, font, paragraph.colour, top))
            top += round(1.3 * base * paragraph.scale)
        top += gap
    strip = Image.new("RGB", (width, top - gap + margin), _BACKGROUND)
    draw = ImageDraw.Draw(strip)
    if heatmap is not None:
        _legend(strip, draw, heatmap, base, margin)
    for text, font, colour, y in lines:
        draw.text((margin, y), text, font=font, fill=colour)
    return strip


def _legend_height(heatmap: MapFacts, base: float) -> int:
    return round((5 if heatmap.contours else 3.4) * base)


def _legend(
    strip: Image.Image, draw: ImageDraw.ImageDraw, heatmap: MapFacts, base: float, margin: int
) -> None:
    """Draw what the map shows, its colour bar as it looks over mid-grey, a sample of the line."""
    font = ImageFont.load_default(size=base)
    low, high = _ENDS[heatmap.method]
    step, bar, gap = round(1.6 * base), round(8 * base), round(0.6 * base)
    title = _wrap(_drawable(f"{map_title(heatmap)}:"), font, strip.width - 2 * margin)[0]
    draw.text((margin, margin), title, font=font, fill=_GREY)
    top, left = margin + step, margin + round(font.getlength(low)) + gap
    ramp = np.repeat(np.linspace(0, 1, bar, dtype=np.float32)[None], round(base), axis=0)
    grey = np.full((*ramp.shape, 3), 128, dtype=np.uint8)
    draw.text((margin, top), low, font=font, fill=_GREY)
    strip.paste(Image.fromarray(_blend(grey, ramp, _RAMPS[heatmap.method])), (left, top))
    draw.text((left + bar + gap, top), high, font=font, fill=_GREY)
    if not heatmap.contours:
        return
    top += step
    end = margin + round(2.5 * base)
    draw.line((margin, top + gap, end, top + gap), fill=_LINE, width=max(2, round(base / 7)))
    draw.text((end + gap, top), _LINE_WORDS, font=font, fill=_GREY)


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
