"""`pneumoscope phantom`: a folder that `diagnose` and `evaluate` can use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_phantoms_can_be_evaluated(cli: Cli, bundle: str, tmp_path: Path) -> None:
    drawn = cli("phantom", "--out", tmp_path / "p", "--count", 2, "--dicom", "--seed", 7)
    assert drawn.code == 0
    assert "no patient" in drawn.out
    start = ("evaluate", "--data", tmp_path / "p", "--bundle", bundle, "--json", "-")
    document = cli(*start).json()
    assert (document["n"], document["abstained"]) == (2, 0)
    assert document["data"]["unreadable"] == []
    assert document["data"]["has_patients"] is True
