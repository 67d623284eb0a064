"""Bytes to `Radiograph`, what its header rules out, and the network's input."""

from pneumoscope.imaging.network_input import equalise, fingerprint, reduce_by_area, to_input
from pneumoscope.imaging.reader import read_radiograph
from pneumoscope.imaging.suitability import unsuitable

__all__ = [
    "equalise",
    "fingerprint",
    "read_radiograph",
    "reduce_by_area",
    "to_input",
    "unsuitable",
]
