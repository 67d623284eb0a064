"""A patient's own bounds over the visits, and whether things change (Baral 2025, 3.4)."""

from pneumoscope.tracking.change import (
    ALPHA,
    LEAST_VISITS,
    RECENT_VISITS,
    burden,
    detect_change,
    worsening_p,
)
from pneumoscope.tracking.leap import Leap, find_leap
from pneumoscope.tracking.options import PUBLISHED, TrackingOptions
from pneumoscope.tracking.personal import bounds_of, replay
from pneumoscope.tracking.steps import adjusted_range, widen
from pneumoscope.tracking.visits_file import History, read_visits

__all__ = [
    "ALPHA",
    "LEAST_VISITS",
    "PUBLISHED",
    "RECENT_VISITS",
    "History",
    "Leap",
    "TrackingOptions",
    "adjusted_range",
    "bounds_of",
    "burden",
    "detect_change",
    "find_leap",
    "read_visits",
    "replay",
    "widen",
    "worsening_p",
]
