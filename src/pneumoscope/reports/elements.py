"""The pieces that every result in a terminal is made of; foreign text is harmless in all."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pneumoscope.reports.wording import plain


def line(text: str, style: str = "") -> Text:
    """Give text as it is: never as markup, its control characters as escapes."""
    return Text(plain(text), style=style)


def notice_panel(notice: str) -> Panel:
    """Frame the notice that stands above every result."""
    return Panel(line(notice, "bold yellow"), border_style="yellow", box=box.SQUARE)


def number_table(title: str, *columns: str) -> Table:
    """Make a table whose first column is text and whose others are numbers."""
    table = Table(title=line(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(line(column), justify="right" if index else "left")
    return table


def warning_line(warning: str) -> Text:
    """Mark a sentence as a warning."""
    return line(f"Warning: {warning}", "yellow")


def warning_lines(warnings: Iterable[str]) -> list[RenderableType]:
    """Give the warnings below a blank line; nothing where there are none."""
    lines: list[RenderableType] = [warning_line(warning) for warning in warnings]
    return [Text(), *lines] if lines else []
