"""Made images and DICOM objects; no picture of a person is kept here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CR = "1.2.840.10008.5.1.4.1.1.1"


def _dataset(pixels: np.ndarray, **fields: Any) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CR
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    bits = pixels.dtype.itemsize * 8
    values: dict[str, Any] = {
        "SOPClassUID": CR,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CR",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PatientName": "Doe^Jane",
        "PatientID": "4711",
        "PatientBirthDate": "19800102",
        "PatientAge": "045Y",
        "PatientSex": "F",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1 if pixels.ndim == 2 else pixels.shape[2],
        "PhotometricInterpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": fields.get("BitsStored", bits) - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    if pixels.ndim == 3:
        values["PlanarConfiguration"] = 0
    values.update(fields)
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


@pytest.fixture
def make_dicom() -> Callable[..., FileDataset]:
    """Build a valid CR object round `pixels`; a field given as None is left out."""
    return _dataset


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset or bytes to a new file."""

    def write(content: FileDataset | bytes, name: str = "image.dcm") -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def ramp8() -> np.ndarray:
    """All 256 values, 64 x 80."""
    return (np.arange(64 * 80) % 256).astype(np.uint8).reshape(64, 80)


@pytest.fixture
def ramp12() -> np.ndarray:
    """All 4,096 values of 12 bits, 64 x 80."""
    return (np.arange(64 * 80) % 4096).astype(np.uint16).reshape(64, 80)


@pytest.fixture
def ramp16() -> np.ndarray:
    """Values over the whole of 16 bits, 64 x 80."""
    return np.linspace(0, 65535, 64 * 80).astype(np.uint16).reshape(64, 80)
