"""`pneumoscope train-lungs`: what is wrong is told in one line, before any work."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.cli.train_lungs import _figures_to_text

Cli = Callable[..., Any]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("out", "word"),
    [("lungs.bin", ".onnx"), ("nowhere/lungs.onnx", "nowhere"), ("l.onnx", "rsna-lungs")],
)
def test_what_cannot_be_done_is_told(cli: Cli, tmp_path: Path, out: str, word: str) -> None:
    pytest.importorskip("torch")
    ended = cli("train-lungs", "--data", tmp_path, "--out", tmp_path / out)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert word in ended.err


def test_without_the_laboratory_there_is_one_clear_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "lightning" else found(name)
    )
    ended = cli("train-lungs", "--data", tmp_path, "--out", tmp_path / "lungs.onnx")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ".[lab]" in ended.err


def test_the_packaged_figures_can_be_told() -> None:
    from pneumoscope.inference import packaged_lung_fields

    figures = packaged_lung_fields().record.figures
    lines = _figures_to_text(figures).splitlines()
    for name in figures["agreement"]:
        assert any(line.strip().startswith(f"{name}: 0.") for line in lines)
    assert any(line.strip().startswith("not-chest KNEE: ") for line in lines)
