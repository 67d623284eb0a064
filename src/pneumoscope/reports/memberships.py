"""A figure of memberships: where each of the patient's values lies among the rules' terms."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from pneumoscope.findings import GradedInput
from pneumoscope.reports.svg import format_coordinate

_WIDTH, _HEIGHT = 250, 104
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 34, 18


def membership_figures(inputs: Sequence[GradedInput]) -> list[Markup]:
    """Draw one small figure per input: its terms as lines, the patient's value as a mark.

    Parameters
    ----------
    inputs : sequence of GradedInput
        From an `Assessment`.

    Returns
    -------
    list of Markup
        One SVG element each, coloured by the page's style sheet.
    """
    return [_figure(graded) for graded in inputs]


def _figure(graded: GradedInput) -> Markup:
    knots = [end for ends in graded.slopes.values() for end in ends]
    spare = 0.15 * (max(knots) - min(knots))
    low, high = min(knots) - spare, max(knots) + spare
    if low < 0 <= min(knots):
        low = 0.0

    def across(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    at = format_coordinate(across(graded.value))
    bottom = _HEIGHT - _BOTTOM
    parts = [
        Markup('<text class="name" x="{}" y="12">{}</text>').format(_LEFT, _title(graded)),
        Markup('<text class="tick" x="{}" y="26">{}</text>').format(_LEFT, _shares(graded)),
        Markup('<line class="axis" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(
            _LEFT, _WIDTH - _RIGHT, bottom
        ),
    ]
    for index, points in enumerate(_curves(graded, low, high)):
        path = " ".join(
            f"{format_coordinate(across(x))},{format_coordinate(_down(y))}" for x, y in points
        )
        parts.append(Markup('<polyline class="line s{}" points="{}"/>').format(index % 6, path))
    parts.append(
        Markup('<line class="value" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(at, _TOP, bottom)
    )
    parts += [
        Markup('<text class="tick {}" x="{}" y="{}">{}</text>').format(
            anchor, format_coordinate(across(end)), _HEIGHT - 5, f"{end:g}"
        )
        for end, anchor in ((min(knots), "middle"), (max(knots), "middle"))
    ]
    return Markup(
        '<svg class="membership" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, f"{_title(graded)}: {_shares(graded)}", Markup().join(parts))


def _title(graded: GradedInput) -> str:
    name = graded.name.replace("_", " ")
    unit = graded.unit if len(graded.unit) <= len("mmol/L") else ""
    return f"{name} {graded.value:.4g} {unit}".strip()


def _shares(graded: GradedInput) -> str:
    """Name the terms that the value belongs to, such as "0.50 low, 0.50 very low"."""
    return ", ".join(
        f"{share:.2f} {term.replace('_', ' ')}"
        for term, share in graded.memberships.items()
        if share >= 0.005
    )


def _curves(graded: GradedInput, low: float, high: float) -> list[list[tuple[float, float]]]:
    """Give each term's membership, "normal" first: its own slope less that of the next term."""
    falls = next(iter(graded.slopes.values()))
    rising = falls[1] > falls[0]
    ends = [low, high] if rising else [high, low]
    slopes = list(graded.slopes.values())
    curves = []
    for index in range(len(slopes) + 1):
        points = [(ends[0], 1.0 if index == 0 else 0.0)]
        if index > 0:
            points += [(slopes[index - 1][0], 0.0), (slopes[index - 1][1], 1.0)]
        if index < len(slopes):
            points += [(slopes[index][0], 1.0), (slopes[index][1], 0.0)]
        points.append((ends[1], points[-1][1]))
        curves.append(points)
    return curves


def _down(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)
