"""Radiograph to Prediction: the engine and Grad-CAM."""

from pneumoscope.inference.engine import OnnxEngine, available_cores
from pneumoscope.inference.gradcam import to_heatmap

__all__ = ["OnnxEngine", "available_cores", "to_heatmap"]
