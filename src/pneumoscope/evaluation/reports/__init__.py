"""What was measured on a labelled folder: JSON, terminal, HTML page."""

from pneumoscope.evaluation.reports.comparison import comparison_to_text
from pneumoscope.evaluation.reports.data_fingerprint import fingerprint_to_text
from pneumoscope.evaluation.reports.documents import (
    EvaluationData,
    Overlap,
    to_comparison_document,
    to_evaluation_document,
    to_fingerprint_document,
)
from pneumoscope.evaluation.reports.page import evaluation_to_html
from pneumoscope.evaluation.reports.terminal import evaluation_to_text

__all__ = [
    "EvaluationData",
    "Overlap",
    "comparison_to_text",
    "evaluation_to_html",
    "evaluation_to_text",
    "fingerprint_to_text",
    "to_comparison_document",
    "to_evaluation_document",
    "to_fingerprint_document",
]
