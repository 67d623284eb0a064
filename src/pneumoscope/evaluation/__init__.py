"""Labelled folders: read, described, and a bundle measured or two compared on them."""

from pneumoscope.evaluation.boxes import read_boxes
from pneumoscope.evaluation.columns import age_band, check_columns, group_names
from pneumoscope.evaluation.compare import FolderComparison, compare_folder
from pneumoscope.evaluation.decisions import (
    DecisionFigures,
    MeasuredDecisions,
    PointFigures,
    ProfileFigures,
    SetFigures,
    measure_decisions,
)
from pneumoscope.evaluation.evaluate import FolderEvaluation, evaluate_folder
from pneumoscope.evaluation.fingerprint import (
    CopyGroup,
    DataFingerprint,
    ImageFacts,
    image_facts,
    measure_fingerprint,
    near_pairs,
)
from pneumoscope.evaluation.fingerprint_folder import FolderFingerprint, fingerprint_folder
from pneumoscope.evaluation.manifest import PATIENT_COLUMN, LabelledImage, Manifest, read_manifest
from pneumoscope.evaluation.overlap import TrainingOverlap
from pneumoscope.evaluation.saliency import FolderSaliency, saliency_folder

__all__ = [
    "PATIENT_COLUMN",
    "CopyGroup",
    "DataFingerprint",
    "DecisionFigures",
    "FolderComparison",
    "FolderEvaluation",
    "FolderFingerprint",
    "FolderSaliency",
    "ImageFacts",
    "LabelledImage",
    "Manifest",
    "MeasuredDecisions",
    "PointFigures",
    "ProfileFigures",
    "SetFigures",
    "TrainingOverlap",
    "age_band",
    "check_columns",
    "compare_folder",
    "evaluate_folder",
    "fingerprint_folder",
    "group_names",
    "image_facts",
    "measure_decisions",
    "measure_fingerprint",
    "near_pairs",
    "read_boxes",
    "read_manifest",
    "saliency_folder",
]
