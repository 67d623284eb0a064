"""The segmenter of the lung fields: its examples, its training, what it is worth."""

from pneumoscope.lab.lungs.run import LungsResult, train_lungs

__all__ = ["LungsResult", "train_lungs"]
