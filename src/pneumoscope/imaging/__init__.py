"""Bytes to `Radiograph`, what is not to be read, the network's input, and hashes of images."""

from pneumoscope.imaging.appearance import likely_kind
from pneumoscope.imaging.files import read_radiograph
from pneumoscope.imaging.formats import IMAGE_SUFFIXES, is_dicom
from pneumoscope.imaging.network_input import equalise, fingerprint, reduce_by_area, to_input
from pneumoscope.imaging.perceptual import (
    NEAR_HASH_BITS,
    fewest_bits,
    pack_hashes,
    perceptual_hash,
    perceptual_hashes,
)
from pneumoscope.imaging.polarity import polarity_note
from pneumoscope.imaging.suitability import unsuitable

__all__ = [
    "IMAGE_SUFFIXES",
    "NEAR_HASH_BITS",
    "equalise",
    "fewest_bits",
    "fingerprint",
    "is_dicom",
    "likely_kind",
    "pack_hashes",
    "perceptual_hash",
    "perceptual_hashes",
    "polarity_note",
    "read_radiograph",
    "reduce_by_area",
    "to_input",
    "unsuitable",
]
