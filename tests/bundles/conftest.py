"""The tiny bundle in parts, and copies of it that a test may spoil."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.bundles import CARD, GRAPH, LICENCE, TRAINING_IMAGES, Bundle

Describe = Callable[[Callable[[dict[str, Any]], object]], Path]


@pytest.fixture
def description(tiny_bundle: Bundle) -> dict[str, Any]:
    """What `write_bundle` is given: ``bundle.json`` without its files."""
    whole: dict[str, Any] = json.loads((tiny_bundle.folder / "bundle.json").read_text("utf-8"))
    del whole["files"]
    return whole


@pytest.fixture
def contents(tiny_bundle: Bundle) -> dict[str, bytes]:
    """The four files that a bundle has."""
    names = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)
    return {name: (tiny_bundle.folder / name).read_bytes() for name in names}


@pytest.fixture
def spoiled(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the tiny bundle."""
    return Path(shutil.copytree(tiny_bundle.folder, tmp_path / "spoiled"))


@pytest.fixture(scope="session")
def restate() -> Callable[[Path], object]:
    """Make the checksum in a bundle's folder that of its ``bundle.json``."""

    def write(folder: Path) -> None:
        digest = hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
        (folder / "bundle.json.sha256").write_text(f"{digest}  bundle.json\n", encoding="ascii")

    return write


@pytest.fixture
def redescribed(spoiled: Path, restate: Callable[[Path], object]) -> Describe:
    """Change a copy's ``bundle.json`` by a function of its content."""

    def apply(change: Callable[[dict[str, Any]], object]) -> Path:
        path = spoiled / "bundle.json"
        whole = json.loads(path.read_text("utf-8"))
        change(whole)
        path.write_text(json.dumps(whole), encoding="utf-8")
        restate(spoiled)
        return spoiled

    return apply
