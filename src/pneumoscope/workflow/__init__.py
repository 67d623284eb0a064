"""The one way through the rooms: every caller goes through these functions."""

from pneumoscope.workflow.diagnose import Reader, diagnose
from pneumoscope.workflow.examination import Examination, examine
from pneumoscope.workflow.leaks import leak_warnings
from pneumoscope.workflow.track import advance, track_visits

__all__ = [
    "Examination",
    "Reader",
    "advance",
    "diagnose",
    "examine",
    "leak_warnings",
    "track_visits",
]
