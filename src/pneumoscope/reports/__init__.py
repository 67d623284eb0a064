"""A result for people: terminal, HTML page, picture."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pneumoscope.reports.rows import RowCounts, check_rows_file, to_row, write_rows
from pneumoscope.reports.svg import format_coordinate
from pneumoscope.reports.verification import Difference, Verification, verify_document
from pneumoscope.reports.wording import format_probability, format_threshold, plain

if TYPE_CHECKING:
    from pneumoscope.reports.course import course_to_text, replay_to_text
    from pneumoscope.reports.elements import line, notice_panel, number_table, warning_lines
    from pneumoscope.reports.networks import networks_to_text
    from pneumoscope.reports.overlay import overlay_png
    from pneumoscope.reports.page import to_html
    from pneumoscope.reports.severity_text import severity_to_text
    from pneumoscope.reports.templating import template_environment
    from pneumoscope.reports.terminal import to_text

__all__ = [
    "Difference",
    "RowCounts",
    "Verification",
    "check_rows_file",
    "course_to_text",
    "format_coordinate",
    "format_probability",
    "format_threshold",
    "line",
    "networks_to_text",
    "notice_panel",
    "number_table",
    "overlay_png",
    "plain",
    "replay_to_text",
    "severity_to_text",
    "template_environment",
    "to_html",
    "to_row",
    "to_text",
    "verify_document",
    "warning_lines",
    "write_rows",
]

# Pictures, templates and terminal tables cost import time that a JSON answer need not pay.
_LATER = {
    "course_to_text": "course",
    "line": "elements",
    "networks_to_text": "networks",
    "notice_panel": "elements",
    "number_table": "elements",
    "overlay_png": "overlay",
    "replay_to_text": "course",
    "severity_to_text": "severity_text",
    "template_environment": "templating",
    "to_html": "page",
    "to_text": "terminal",
    "warning_lines": "elements",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first used (PEP 562)."""
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
