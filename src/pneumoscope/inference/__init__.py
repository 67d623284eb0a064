"""Radiograph to Prediction: the engine and Grad-CAM."""

from pneumoscope.inference.engine import OnnxEngine
from pneumoscope.inference.gradcam import to_heatmap

__all__ = ["OnnxEngine", "to_heatmap"]
