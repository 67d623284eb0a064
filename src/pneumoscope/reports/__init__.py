"""A result for people (terminal, HTML page, picture) and for programs (JSON with its schema)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pneumoscope.reports.catalogue import message_values, to_sentence, to_sentences
from pneumoscope.reports.course_document import to_course_document
from pneumoscope.reports.document import (
    SCHEMA_VERSION,
    EvaluationData,
    Overlap,
    dump,
    to_comparison_document,
    to_document,
    to_evaluation_document,
    to_fingerprint_document,
)
from pneumoscope.reports.rows import RowCounts, check_rows_file, to_row, write_rows
from pneumoscope.reports.severity_document import to_severity_document
from pneumoscope.reports.verification import Difference, Verification, verify_document
from pneumoscope.reports.wording import format_probability, format_threshold, plain

if TYPE_CHECKING:
    from pneumoscope.reports.comparison import comparison_to_text
    from pneumoscope.reports.course import course_to_text, replay_to_text
    from pneumoscope.reports.data_fingerprint import fingerprint_to_text
    from pneumoscope.reports.evaluation_page import evaluation_to_html
    from pneumoscope.reports.networks import networks_to_text
    from pneumoscope.reports.overlay import overlay_png
    from pneumoscope.reports.page import to_html
    from pneumoscope.reports.severity_text import severity_to_text
    from pneumoscope.reports.terminal import evaluation_to_text, to_text

__all__ = [
    "SCHEMA_VERSION",
    "Difference",
    "EvaluationData",
    "Overlap",
    "RowCounts",
    "Verification",
    "check_rows_file",
    "comparison_to_text",
    "course_to_text",
    "dump",
    "evaluation_to_html",
    "evaluation_to_text",
    "fingerprint_to_text",
    "format_probability",
    "format_threshold",
    "message_values",
    "networks_to_text",
    "overlay_png",
    "plain",
    "replay_to_text",
    "severity_to_text",
    "to_comparison_document",
    "to_course_document",
    "to_document",
    "to_evaluation_document",
    "to_fingerprint_document",
    "to_html",
    "to_row",
    "to_sentence",
    "to_sentences",
    "to_severity_document",
    "to_text",
    "verify_document",
    "write_rows",
]

# Pictures, templates and terminal tables cost import time that a JSON answer need not pay.
_LATER = {
    "comparison_to_text": "comparison",
    "course_to_text": "course",
    "evaluation_to_html": "evaluation_page",
    "evaluation_to_text": "terminal",
    "fingerprint_to_text": "data_fingerprint",
    "networks_to_text": "networks",
    "overlay_png": "overlay",
    "replay_to_text": "course",
    "severity_to_text": "severity_text",
    "to_html": "page",
    "to_text": "terminal",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first used (PEP 562)."""
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
