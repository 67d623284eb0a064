"""`pneumoscope train-picture-check`: what is wrong is told in one line, before any work."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.cli.train_picture_check import _figures_to_text
from pneumoscope.inference import packaged_picture_check

Cli = Callable[..., Any]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("out", "word"),
    [("check.bin", ".onnx"), ("nowhere/check.onnx", "nowhere"), ("c.onnx", "guangzhou")],
)
def test_what_cannot_be_done_is_told(cli: Cli, tmp_path: Path, out: str, word: str) -> None:
    pytest.importorskip("torch")
    ended = cli("train-picture-check", "--data", tmp_path, "--out", tmp_path / out)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert word in ended.err


def test_without_the_laboratory_there_is_one_clear_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "lightning" else found(name)
    )
    ended = cli("train-picture-check", "--data", tmp_path, "--out", tmp_path / "check.onnx")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ".[lab]" in ended.err


def test_the_packaged_figures_can_be_told() -> None:
    figures = packaged_picture_check().record.figures
    lines = [line.strip() for line in _figures_to_text(figures).splitlines()]
    for part in ("ordinary", "damaged", "not_chest"):
        assert figures[part]
        for name in figures[part]:
            assert any(line.startswith(f"{name}: ") and " of " in line for line in lines)
