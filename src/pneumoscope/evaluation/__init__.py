"""Labelled folders: their images, boxes and columns, what they hold, what a bundle answers."""

from pneumoscope.evaluation.boxes import read_boxes
from pneumoscope.evaluation.columns import age_band, check_columns, group_names
from pneumoscope.evaluation.decisions import (
    DecisionFigures,
    MeasuredDecisions,
    PointFigures,
    ProfileFigures,
    SetFigures,
    measure_decisions,
)
from pneumoscope.evaluation.fingerprint import (
    CopyGroup,
    DataFingerprint,
    ImageFacts,
    image_facts,
    measure_fingerprint,
    near_pairs,
)
from pneumoscope.evaluation.manifest import PATIENT_COLUMN, LabelledImage, Manifest, read_manifest

__all__ = [
    "PATIENT_COLUMN",
    "CopyGroup",
    "DataFingerprint",
    "DecisionFigures",
    "ImageFacts",
    "LabelledImage",
    "Manifest",
    "MeasuredDecisions",
    "PointFigures",
    "ProfileFigures",
    "SetFigures",
    "age_band",
    "check_columns",
    "group_names",
    "image_facts",
    "measure_decisions",
    "measure_fingerprint",
    "near_pairs",
    "read_boxes",
    "read_manifest",
]
