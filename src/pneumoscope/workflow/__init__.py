"""The one way through the rooms; command line and Python callers use it, nobody strings its own."""

from pneumoscope.workflow.diagnose import Reader, diagnose
from pneumoscope.workflow.evaluate import FolderEvaluation, evaluate_folder

__all__ = ["FolderEvaluation", "Reader", "diagnose", "evaluate_folder"]
