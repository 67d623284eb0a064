"""The one way through the rooms: every caller goes through these functions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pneumoscope.workflow.diagnose import Reader, diagnose

if TYPE_CHECKING:
    from pneumoscope.workflow.case import Case
    from pneumoscope.workflow.cases import Cases, list_cases
    from pneumoscope.workflow.compare import FolderComparison, compare_folder
    from pneumoscope.workflow.evaluate import FolderEvaluation, evaluate_folder
    from pneumoscope.workflow.fingerprint import FolderFingerprint, fingerprint_folder
    from pneumoscope.workflow.many import Rows, diagnose_many
    from pneumoscope.workflow.overlap import TrainingOverlap
    from pneumoscope.workflow.saliency import FolderSaliency, saliency_folder
    from pneumoscope.workflow.track import advance, track_visits

__all__ = [
    "Case",
    "Cases",
    "FolderComparison",
    "FolderEvaluation",
    "FolderFingerprint",
    "FolderSaliency",
    "Reader",
    "Rows",
    "TrainingOverlap",
    "advance",
    "compare_folder",
    "diagnose",
    "diagnose_many",
    "evaluate_folder",
    "fingerprint_folder",
    "list_cases",
    "saliency_folder",
    "track_visits",
]

# Statistics cost import time that a single diagnosis need not pay.
_LATER = {
    "Case": "case",
    "Cases": "cases",
    "FolderComparison": "compare",
    "FolderEvaluation": "evaluate",
    "FolderFingerprint": "fingerprint",
    "Rows": "many",
    "TrainingOverlap": "overlap",
    "FolderSaliency": "saliency",
    "advance": "track",
    "compare_folder": "compare",
    "diagnose_many": "many",
    "evaluate_folder": "evaluate",
    "fingerprint_folder": "fingerprint",
    "list_cases": "cases",
    "saliency_folder": "saliency",
    "track_visits": "track",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first used (PEP 562)."""
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
