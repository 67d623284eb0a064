"""Age group, calibration, certainty, thresholds: Prediction to Decision."""

from pneumoscope.decision.choose import choose_age_group, choose_profile
from pneumoscope.decision.confidence import CLINICAL_RELEVANCE, ContributionReading, confidence
from pneumoscope.decision.decide import calibrated, decide

__all__ = [
    "CLINICAL_RELEVANCE",
    "ContributionReading",
    "calibrated",
    "choose_age_group",
    "choose_profile",
    "confidence",
    "decide",
]
