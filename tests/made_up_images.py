"""Images with a known answer, and variants of the tiny bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumoscope.bundles import CARD, GRAPH, LICENCE, TRAINING_IMAGES, Bundle, write_bundle
from pneumoscope.synthetic import draw_phantom, write_dicom


@pytest.fixture
def save(tmp_path: Path) -> Callable[[np.ndarray, str], Path]:
    def write(grey: np.ndarray, name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def phantom_dicom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phantom") / "phantom.dcm"
    write_dicom(draw_phantom(3, size=128), path)
    return path


@pytest.fixture
def variant(tiny_bundle: Bundle, tmp_path: Path) -> Callable[..., str]:
    """The tiny bundle with other training sets, training images or description; its folder."""

    def make(
        training_sets: list[dict[str, Any]] | None = None, fingerprints: str = "", **changes: Any
    ) -> str:
        described = json.loads((tiny_bundle.folder / "bundle.json").read_text("utf-8")) | changes
        del described["files"]
        described["training_sets"] = training_sets or described["training_sets"]
        names = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)
        contents = {name: (tiny_bundle.folder / name).read_bytes() for name in names}
        contents[TRAINING_IMAGES] = fingerprints.encode()
        return str(write_bundle(tmp_path / "variant", described, contents).folder)

    return make
