"""`pneumoscope bundle`: the models that there are, and their terms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.bundles import CARD, GRAPH, LICENCE, TRAINING_IMAGES, Bundle, write_bundle

Cli = Callable[..., Any]


@pytest.fixture
def home(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the tiny bundle and a spoiled one."""
    bundles = tmp_path / "home" / "bundles"
    shutil.copytree(tiny_bundle.folder, bundles / "tiny")
    shutil.copytree(tiny_bundle.folder, bundles / "spoiled")
    (bundles / "spoiled" / "model.onnx").write_bytes(b"other")
    monkeypatch.setenv("PNEUMOSCOPE_HOME", str(tmp_path / "home"))
    return bundles


def test_list_names_every_bundle_and_says_which_cannot_be_used(cli: Cli, home: Path) -> None:
    ended = cli("bundle", "list")
    assert ended.code == 0
    lines = {line.split("\t")[0]: line for line in ended.out.splitlines()}
    assert "not usable" in lines["spoiled"]
    assert str(home / "tiny") in lines["tiny"]
    assert "made up" in lines["tiny"]


def test_info_shows_terms_and_card(cli: Cli, home: Path, tiny_bundle: Bundle) -> None:
    ended = cli("bundle", "info", "tiny")
    assert ended.code == 0
    assert tiny_bundle.sha256 in ended.out
    for text in (tiny_bundle.licence, tiny_bundle.card):
        assert text.strip() in ended.out


def test_texts_of_a_bundle_do_not_command_the_terminal(
    cli: Cli, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    contents = {
        name: (tiny_bundle.folder / name).read_bytes()
        for name in (GRAPH, CARD, LICENCE, TRAINING_IMAGES)
    }
    contents[CARD] = b"# Card\n\x1b]0;owned\x07\x1b[2J\nSecond line\n"
    described = json.loads((tiny_bundle.folder / "bundle.json").read_text("utf-8"))
    del described["files"]
    folder = write_bundle(tmp_path / "odd", described, contents).folder
    out = cli("bundle", "info", folder).out
    assert "\x1b" not in out
    assert "\nSecond line\n" in out
