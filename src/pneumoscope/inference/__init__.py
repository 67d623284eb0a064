"""Radiograph to Prediction: the engine; its maps to heatmaps."""

from pneumoscope.inference.engine import OnnxEngine, available_cores
from pneumoscope.inference.heatmap import to_evidence_heatmap, to_heatmap

__all__ = ["OnnxEngine", "available_cores", "to_evidence_heatmap", "to_heatmap"]
