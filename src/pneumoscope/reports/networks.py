"""The list of networks as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType

from pneumoscope.reports.elements import line, number_table


def networks_to_text(entries: Sequence[Mapping[str, Any]]) -> Group:
    """Show networks in a terminal: size, input, weights' source, options with defaults.

    Parameters
    ----------
    entries : sequence of mapping
        From ``NetworkEntry.as_dict``.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    table = number_table("Networks, as published", "Network", "Parameters", "Input", "Classes")
    table.add_column("Weights at the start")
    for entry in entries:
        side = entry["input_size"]
        table.add_row(
            line(entry["name"]),
            f"{entry['parameters']:,}",
            f"{side} x {side}",
            str(entry["classes"]),
            line(entry["weights_source"]),
        )
    parts: list[RenderableType] = [
        table,
        line("Parameters include the running statistics of the normalisations."),
    ]
    for entry in entries:
        options = ", ".join(f"{name}={value!r}" for name, value in entry["options"].items())
        parts += [line(""), line(f"{entry['name']}: {entry['summary']}", "bold")]
        parts.append(line(f"  options: {options or 'none'}"))
    return Group(*parts)
