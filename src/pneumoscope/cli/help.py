"""How help looks: commands in groups, and the list of the severity's inputs."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

_SHORT = 45
_NAME = 20


class GroupedCommands(TyperGroup):
    """A program whose help lists its commands in groups, by their `rich_help_panel`.

    Written without Rich: its panels cut off long names of options on a narrow terminal.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each group of commands."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                group = getattr(command, "rich_help_panel", None) or "Commands"
                groups.setdefault(group, []).append((name, command.get_short_help_str(_SHORT)))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)


class InputsCommand(TyperCommand):
    """A command whose help ends with the list of the severity's inputs."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the list, made only now because `severity` is slow to import."""
        for title, rows in input_groups().items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_NAME)
        formatter.write_paragraph()
        formatter.write_text(
            "A temperature in Fahrenheit is written with its unit: fever_value=98.6F. The rule "
            "base baral2025 and its other readings accept narrower ranges."
        )


def input_groups() -> dict[str, list[tuple[str, str]]]:
    """Return all inputs of the severity, in groups by how they are written.

    Returns
    -------
    dict of str to list of (str, str)
        Title to rows of name and meaning; the rows of measurements end with range and unit.
    """
    from pneumoscope.severity import INPUTS, SEVERITY_SCALE, YES_NO

    rated, measured, yes_no = [], [], []
    for each in INPUTS.values():
        if each.unit == SEVERITY_SCALE:
            rated.append((each.name, each.meaning))
        elif each.unit == YES_NO:
            yes_no.append((each.name, each.meaning))
        else:
            measured.append((each.name, f"{each.meaning}; {each.range_text}"))
    return {
        "Symptoms, rated from 0 (none) to 1 (worst imaginable)": rated,
        "Measurements": measured,
        "Yes (1) or no (0)": yes_no,
    }
