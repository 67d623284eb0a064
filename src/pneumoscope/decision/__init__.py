"""Calibration, certainty, operating point: Prediction to Decision."""

from pneumoscope.decision.confidence import CLINICAL_RELEVANCE, ContributionReading, confidence
from pneumoscope.decision.decide import calibrated, decide

__all__ = ["CLINICAL_RELEVANCE", "ContributionReading", "calibrated", "confidence", "decide"]
