"""The one way through the rooms; command line and Python callers use it, nobody strings its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pneumoscope.workflow.diagnose import Reader, diagnose

if TYPE_CHECKING:
    from pneumoscope.workflow.evaluate import FolderEvaluation, evaluate_folder

__all__ = ["FolderEvaluation", "Reader", "diagnose", "evaluate_folder"]


def __getattr__(name: str) -> Any:
    # Statistics cost import time that a single diagnosis need not pay.
    if name in ("FolderEvaluation", "evaluate_folder"):
        from pneumoscope.workflow import evaluate

        return getattr(evaluate, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
