"""Pneumoscope: chest radiographs and bedside symptoms read for pneumonia, explained."""

__version__ = "0.1.0"
