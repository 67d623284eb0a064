"""The one way through the rooms: every caller goes through these functions."""

from pneumoscope.workflow.case import Case
from pneumoscope.workflow.cases import Cases, list_cases
from pneumoscope.workflow.diagnose import Reader, diagnose
from pneumoscope.workflow.examination import Examination, examine
from pneumoscope.workflow.leaks import leak_warnings
from pneumoscope.workflow.many import Rows, diagnose_many
from pneumoscope.workflow.track import advance, track_visits

__all__ = [
    "Case",
    "Cases",
    "Examination",
    "Reader",
    "Rows",
    "advance",
    "diagnose",
    "diagnose_many",
    "examine",
    "leak_warnings",
    "list_cases",
    "track_visits",
]
