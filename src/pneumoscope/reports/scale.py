"""A figure of the result: the probability on a line from 0 to 1, among the operating points."""

from __future__ import annotations

from markupsafe import Markup

from pneumoscope.findings import Decision, Purpose, Zone
from pneumoscope.reports.answer import POINT_NAMES, ZONE_NAMES, probability_beside
from pneumoscope.reports.svg import format_coordinate
from pneumoscope.reports.wording import format_threshold, plain

_WIDTH, _SIDE = 640, 8
_TOP, _BOTTOM = 24, 42
_ROW, _LETTER = 14, 7.5  # pixels of a line of text, and of a letter at the most


def zone_scale(decision: Decision) -> Markup | None:
    """Draw where the positive class's probability lies; the words stand in the figure.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    Markup or None
        An SVG element, coloured by the page's style sheet; None without operating points.
    """
    label = decision.positive_label
    if label is None:
        return None
    value = decision.probabilities[label]
    points = {point.purpose: point.threshold for point in decision.operating_points}
    low, high = points.get(Purpose.RULE_OUT, 0.0), points.get(Purpose.RULE_IN, 1.0)
    parts = [
        _zone(Zone.NEGATIVE, 0, low),
        _zone(Zone.INDETERMINATE, low, high),
        _zone(Zone.POSITIVE, high, 1),
    ]
    rows = [purpose for purpose in Purpose if purpose in points]
    for row, purpose in enumerate(rows):
        parts.append(
            _point(
                f"{POINT_NAMES[purpose]} {format_threshold(points[purpose])}",
                points[purpose],
                row,
            )
        )
    shown = probability_beside(value, list(points.values()))
    parts.append(_mark(value, shown))
    height = _BOTTOM + _ROW * len(rows) + 8
    ends = ", ".join(f"{POINT_NAMES[p]} {format_threshold(points[p])}" for p in rows)
    told = f"Probability of {label} {shown} on a line from 0 to 1; {ends}"
    return Markup(
        '<svg class="scale" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, height, plain(told), Markup().join(parts))


def _across(share: float) -> float:
    return _SIDE + share * (_WIDTH - 2 * _SIDE)


def _zone(zone: Zone, low: float, high: float) -> Markup:
    left, width = _across(low), _across(high) - _across(low)
    name = ZONE_NAMES[zone]
    if width <= 0:
        return Markup()
    bar = Markup('<rect class="zone {}" x="{}" y="{}" width="{}" height="{}"/>').format(
        zone.value, format_coordinate(left), _TOP, format_coordinate(width), _BOTTOM - _TOP
    )
    if len(name) * _LETTER > width:
        return bar
    return bar + Markup('<text class="middle {}" x="{}" y="{}">{}</text>').format(
        zone.value, format_coordinate(left + width / 2), _BOTTOM - 5, name
    )


def _point(words: str, threshold: float, row: int) -> Markup:
    x, bottom = _across(threshold), _BOTTOM + _ROW * (row + 1)
    side, gap = ("start", 4) if threshold < 0.5 else ("end", -4)
    return Markup(
        '<line class="point" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
        '<text class="{3}" x="{4}" y="{2}">{5}</text>'
    ).format(format_coordinate(x), _TOP - 3, bottom, side, format_coordinate(x + gap), words)


def _mark(value: float, shown: str) -> Markup:
    x = _across(value)
    words = f"this image {shown}"
    half = len(words) * _LETTER / 2
    middle = min(max(x, half), _WIDTH - half)
    return Markup(
        '<path class="mark" d="M{0} {2} l-6 -9 h12 z"/>'
        '<text class="middle name" x="{1}" y="{3}">{4}</text>'
    ).format(format_coordinate(x), format_coordinate(middle), _TOP + 1, _TOP - 11, words)
