"""Radiograph to Prediction: the engine; its maps to heatmaps; where the lungs are."""

from pneumoscope.inference.engine import OnnxEngine, available_cores
from pneumoscope.inference.heatmap import to_evidence_heatmap, to_heatmap
from pneumoscope.inference.lung_fields import (
    LUNG_INPUT,
    LUNG_OUTPUT,
    LungFields,
    LungFieldsRecord,
    LungTrainingSet,
    lungs_warning,
    packaged_lung_fields,
    share_inside,
)

__all__ = [
    "LUNG_INPUT",
    "LUNG_OUTPUT",
    "LungFields",
    "LungFieldsRecord",
    "LungTrainingSet",
    "OnnxEngine",
    "available_cores",
    "lungs_warning",
    "packaged_lung_fields",
    "share_inside",
    "to_evidence_heatmap",
    "to_heatmap",
]
