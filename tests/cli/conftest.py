"""The command line in this process, and small made-up inputs for it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from pneumoscope.bundles import Bundle
from pneumoscope.cli import main
from pneumoscope.synthetic import draw_phantom, write_dicom

IDENTITY = {
    "PatientName": "Quuxley^Zebedee",
    "PatientID": "MRN-9876543",
    "PatientBirthDate": "19510203",
    "OtherPatientNames": "Wombat^Alias",
    "PatientAddress": "7 Nowhere Lane",
}
SYMPTOMS = {
    "breathlessness": 0.5,
    "sputum_production": 0.2,
    "hemoptysis": 0.0,
    "fatigue": 0.4,
    "appetite_loss": 0.3,
    "confusion": 0.0,
    "chest_pain": 0.2,
    "cough_severity": 0.6,
    "fever_value": 38.5,
    "fever_duration": 3.0,
    "oxygen_level": 93.0,
}


@dataclass(frozen=True)
class Ended:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ended]
Dicom = Callable[..., Path]


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Leave the package's logger as it was: the command line sets it for its own process."""
    logger = logging.getLogger("pneumoscope")
    before = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture
def cli(
    own_logging: None, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Cli:
    """Run the command line here; what C libraries write to the terminal is caught as well."""

    def run(*arguments: object) -> Ended:
        capfdbinary.readouterr()
        monkeypatch.setattr(sys, "argv", ["pneumoscope", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, out.decode(), err.decode())

    return run


@pytest.fixture
def bundle(tiny_bundle: Bundle) -> str:
    """The tiny bundle as ``--bundle`` takes it."""
    return str(tiny_bundle.folder)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG that the tiny bundle calls PNEUMONIA: brightest at the lower right."""
    path = tmp_path / "picture.png"
    Image.fromarray(lower_right()).save(path)
    return path


def lower_right() -> np.ndarray:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 60, (96, 80), dtype=np.uint8)
    grey[24:, 40:] += 190
    return grey


@pytest.fixture(scope="session")
def phantom_dicom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phantom") / "phantom.dcm"
    write_dicom(draw_phantom(3, size=128, opacity=True), path)
    return path


@pytest.fixture
def dicom(phantom_dicom: Path, tmp_path: Path) -> Dicom:
    """A phantom's DICOM file with some header fields changed; None takes a field out."""

    def make(name: str = "image.dcm", **fields: Any) -> Path:
        dataset = dcmread(phantom_dicom)
        for keyword, value in (IDENTITY | fields).items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        dataset.save_as(tmp_path / name, enforce_file_format=True)
        return tmp_path / name

    return make


@pytest.fixture
def all_symptoms() -> dict[str, float]:
    return dict(SYMPTOMS)


@pytest.fixture
def options() -> Callable[[dict[str, Any]], list[str]]:
    """Turn symptoms into options of the command line."""
    return lambda values: [
        part for name, value in values.items() for part in ("--symptom", f"{name}={value}")
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six readable images in class folders, two per class."""
    rng = np.random.default_rng(1)
    root = tmp_path / "data"
    for index, label in enumerate(["NORMAL", "ABNORMAL", "PNEUMONIA"] * 2):
        (root / label).mkdir(parents=True, exist_ok=True)
        grey = rng.integers(0, 255, (64, 64), dtype=np.uint8)
        Image.fromarray(grey).save(root / label / f"{index}.png")
    return root


@pytest.fixture
def named_pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path
