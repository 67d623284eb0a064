"""Plain figures as inline SVG: axes, lines, bands, bars and intervals, coloured by the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from pneumoscope.reports import format_coordinate, plain

Point = tuple[float, float]

WIDTH = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 10, 44
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it shows, where it begins and ends, and its ticks with their text."""

    label: str
    low: float
    high: float
    ticks: Mapping[float, str]

    def share(self, value: float) -> float:
        """Where a value lies along the axis, 0 to 1 between its ends."""
        return (value - self.low) / (self.high - self.low)


def unit_axis(label: str) -> Axis:
    """Make an axis from 0 to 1."""
    return Axis(label, 0, 1, _texts((0, 0.2, 0.4, 0.6, 0.8, 1)))


def fitted_axis(label: str, low: float, high: float, ticks: int = 6) -> Axis:
    """Make an axis that holds `low` and `high`, with round ticks, about so many."""
    span = max(high - low, 0.01)
    step = next((size for size in _STEPS if span / size <= ticks), span / ticks)
    first, last = int(low // step), -int(-high // step)
    last = max(last, first + 1)
    marks = tuple(round(index * step, 6) for index in range(first, last + 1))
    return Axis(label, marks[0], marks[-1], _texts(marks))


def mirrored_axis(label: str, most: int) -> Axis:
    """Make an axis of counts up to `most`, above 0, in both directions."""
    return Axis(label, -most, most, {-most: str(most), 0: "0", most: str(most)})


def _texts(marks: Iterable[float]) -> dict[float, str]:
    return {mark: f"{mark:g}" for mark in marks}


@dataclass(slots=True)
class Chart:
    """One figure; what is added later lies on top.

    Attributes
    ----------
    alt : str
        What the figure says, for who cannot see it.
    x, y : Axis
    height : int
        In user units; the width is `WIDTH`.
    cut : bool
        Whether what lies outside the axes is cut off.
    """

    alt: str
    x: Axis
    y: Axis
    height: int = 330
    cut: bool = False
    _marks: list[Markup] = field(default_factory=list)

    def line(self, points: Iterable[Point], style: str) -> None:
        """Draw a line through the points; `style` is one or more classes of the page's CSS."""
        self._marks.append(
            Markup('<polyline class="line {}" points="{}"/>').format(style, self._path(points))
        )

    def steps(self, points: Sequence[Point], style: str) -> None:
        """Draw a line that holds each point's y back to the x of the point before it, or to 0."""
        before = [0.0, *(x for x, _ in points)]
        self.line(
            [
                at
                for last, (x, y) in zip(before, points, strict=False)
                for at in ((last, y), (x, y))
            ],
            style,
        )

    def band(
        self,
        xs: Sequence[float],
        lows: Sequence[float | None],
        highs: Sequence[float | None],
        style: str,
    ) -> None:
        """Fill what lies between two lines; places where one of them is None are left out."""
        both = [
            (x, low, high)
            for x, low, high in zip(xs, lows, highs, strict=True)
            if low is not None and high is not None
        ]
        outline = [(x, high) for x, _, high in both] + [(x, low) for x, low, _ in reversed(both)]
        if outline:
            self._marks.append(
                Markup('<polygon class="band {}" points="{}"/>').format(style, self._path(outline))
            )

    def dot(self, point: Point, low: float, high: float, style: str) -> None:
        """Mark a point with its interval along y."""
        (x, y), (_, bottom), (_, top) = map(self._place, (point, (point[0], low), (point[0], high)))
        self._marks.append(
            Markup(
                '<line class="whisker {0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>'
                '<circle class="dot {0}" cx="{1}" cy="{4}" r="4"/>'
            ).format(
                style,
                format_coordinate(x),
                format_coordinate(bottom),
                format_coordinate(top),
                format_coordinate(y),
            )
        )

    def bar(self, start: float, end: float, low: float, high: float, style: str) -> None:
        """Draw a bar from `start` to `end` along x and from `low` to `high` along y."""
        if high <= low:
            return
        (left, top), (right, bottom) = self._place((start, high)), self._place((end, low))
        self._marks.append(
            Markup('<rect class="bar {}" x="{}" y="{}" width="{}" height="{}"/>').format(
                style,
                format_coordinate(left + 0.5),
                format_coordinate(top),
                format_coordinate(right - left - 1),
                format_coordinate(bottom - top),
            )
        )

    def svg(self) -> Markup:
        """Give the figure as one element."""
        inside = Markup('<svg x="{}" y="{}" width="{}" height="{}" overflow="{}">{}</svg>').format(
            _LEFT,
            _TOP,
            self._across,
            self._down,
            "hidden" if self.cut else "visible",
            Markup().join(self._marks),
        )
        return Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>'
        ).format(WIDTH, self.height, plain(self.alt), self._grid(), inside, self._labels())

    @property
    def _across(self) -> int:
        return WIDTH - _LEFT - _RIGHT

    @property
    def _down(self) -> int:
        return self.height - _TOP - _BOTTOM

    def _place(self, point: Point) -> Point:
        """Where a point lies inside the axes, in user units from their upper left corner."""
        x, y = point
        return self.x.share(x) * self._across, (1 - self.y.share(y)) * self._down

    def _path(self, points: Iterable[Point]) -> str:
        places = map(self._place, points)
        return " ".join(f"{format_coordinate(x)},{format_coordinate(y)}" for x, y in places)

    def _grid(self) -> Markup:
        line = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
        text = Markup('<text class="tick {}" x="{}" y="{}">{}</text>')
        right, bottom = _LEFT + self._across, _TOP + self._down
        parts = []
        for tick, name in self.x.ticks.items():
            x = format_coordinate(_LEFT + self.x.share(tick) * self._across)
            parts += [
                line.format("grid", x, _TOP, x, bottom),
                text.format("middle", x, bottom + 16, name),
            ]
        for tick, name in self.y.ticks.items():
            y = _TOP + (1 - self.y.share(tick)) * self._down
            parts += [
                line.format("grid", _LEFT, format_coordinate(y), right, format_coordinate(y)),
                text.format("end", _LEFT - 6, format_coordinate(y + 4), name),
            ]
        parts += [
            line.format("axis", _LEFT, bottom, right, bottom),
            line.format("axis", _LEFT, _TOP, _LEFT, bottom),
        ]
        return Markup().join(parts)

    def _labels(self) -> Markup:
        x, y = _LEFT + self._across / 2, _TOP + self._down / 2
        return Markup(
            '<text class="label middle" x="{}" y="{}">{}</text>'
            '<text class="label middle" transform="translate(14 {}) rotate(-90)">{}</text>'
        ).format(x, self.height - 8, plain(self.x.label), y, plain(self.y.label))


def interval_bar(
    value: float | None, interval: Sequence[float] | None, axis: Axis, reference: float | None
) -> Markup:
    """Draw one row of a forest plot: a dot with its interval, and a line at the reference."""
    width, height = 150, 20

    def at(place: float) -> str:
        return format_coordinate(8 + axis.share(place) * (width - 16))

    parts = [
        Markup('<line class="grid" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(at(tick), height)
        for tick in axis.ticks
    ]
    if reference is not None:
        parts.append(
            Markup('<line class="reference" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(
                at(reference), height
            )
        )
    if interval is not None:
        parts.append(
            Markup('<line class="whisker s0" x1="{}" x2="{}" y1="10" y2="10"/>').format(
                at(interval[0]), at(interval[1])
            )
        )
    if value is not None:
        parts.append(Markup('<circle class="dot s0" cx="{}" cy="10" r="4"/>').format(at(value)))
    return Markup('<svg class="forest" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
        width, height, Markup().join(parts)
    )
