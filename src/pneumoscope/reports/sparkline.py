"""A row of small bars for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#@"
_GAP = " "


@dataclass(frozen=True, slots=True)
class Sparkline:
    """One bar per value, the latest ones where not all fit.

    Attributes
    ----------
    values : sequence of float or None
        Oldest first; None where there is none, shown as a gap.
    low, high : float
        Values of the lowest and of the highest bar; beyond them a bar stays at the end.
    """

    values: Sequence[float | None]
    low: float
    high: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw with blocks, or with plain characters where the terminal has only ASCII."""
        bars = _ASCII if options.ascii_only else _BLOCKS
        shown = self.values[-max(options.max_width, 1) :]
        yield Text("".join(self._bar(value, bars) for value in shown), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Ask for one column per value, and be content with one."""
        return Measurement(1, max(len(self.values), 1))

    def _bar(self, value: float | None, bars: str) -> str:
        if value is None:
            return _GAP
        share = (value - self.low) / (self.high - self.low)
        return bars[round(min(max(share, 0.0), 1.0) * (len(bars) - 1))]
