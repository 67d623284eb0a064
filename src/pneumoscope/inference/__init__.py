"""Radiograph to Prediction: the engines, their maps; where the lungs are; is it a chest at all."""

from pneumoscope.inference.cores import available_cores
from pneumoscope.inference.engines import DEFAULT_ENGINE, ENGINES, Engine, LoadedGraph, open_engine
from pneumoscope.inference.heatmap import to_evidence_heatmap, to_heatmap
from pneumoscope.inference.lung_fields import (
    LUNG_INPUT,
    LUNG_OUTPUT,
    LungFields,
    LungFieldsRecord,
    lungs_warning,
    packaged_lung_fields,
    share_inside,
)
from pneumoscope.inference.packaged import PackagedTrainingSet
from pneumoscope.inference.picture_check import (
    CHECK_INPUT,
    CHECK_OUTPUT,
    LEARNT_CODES,
    PictureChecker,
    PictureCheckRecord,
    packaged_picture_check,
)

__all__ = [
    "CHECK_INPUT",
    "CHECK_OUTPUT",
    "DEFAULT_ENGINE",
    "ENGINES",
    "LEARNT_CODES",
    "LUNG_INPUT",
    "LUNG_OUTPUT",
    "Engine",
    "LoadedGraph",
    "LungFields",
    "LungFieldsRecord",
    "PackagedTrainingSet",
    "PictureCheckRecord",
    "PictureChecker",
    "available_cores",
    "lungs_warning",
    "open_engine",
    "packaged_lung_fields",
    "packaged_picture_check",
    "share_inside",
    "to_evidence_heatmap",
    "to_heatmap",
]
