"""Sparklines: one bar per value, as wide as there is room, in ASCII where need be."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pneumoscope.reports.sparkline import Sparkline


def drawn(line: Sparkline, *, width: int = 80, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding)
    Console(file=stream, width=width).print(line)
    stream.flush()
    return buffer.getvalue().decode(encoding).rstrip("\n")


def test_bars_rise_with_the_values_and_stay_at_the_ends() -> None:
    line = Sparkline([-5.0, 0.0, 0.5, 1.0, 9.0], 0.0, 1.0)
    text = drawn(line)
    assert len(text) == 5
    assert list(text) == sorted(text)
    assert text[0] == text[1]
    assert text[3] == text[4]


def test_a_gap_stays_a_gap() -> None:
    assert drawn(Sparkline([1.0, None, 1.0], 0.0, 1.0))[1] == " "


def test_the_latest_values_are_shown_where_not_all_fit() -> None:
    values = [0.0] * 90 + [1.0] * 10
    text = drawn(Sparkline(values, 0.0, 1.0), width=10)
    assert len(text) == 10
    assert len(set(text)) == 1
    assert text[0] == drawn(Sparkline([1.0], 0.0, 1.0))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_blocks_gets_plain_characters(encoding: str) -> None:
    assert drawn(Sparkline([n / 7 for n in range(8)], 0.0, 1.0), encoding=encoding).isascii()
