"""`pneumoscope networks`: every registered network, and one line without the laboratory."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.mark.lab
def test_the_list_as_json_in_a_file_and_as_a_table(cli: Cli, tmp_path: Path) -> None:
    networks = pytest.importorskip("pneumoscope.lab.networks")
    target = tmp_path / "n.json"
    ended = cli("networks", "--json", target)
    entries = json.loads(target.read_text("utf-8"))["networks"]
    assert ended.code == 0
    assert [entry["name"] for entry in entries] == networks.names()
    assert cli("networks", "--json", "-").json() == {"networks": entries}
    for entry in entries:
        assert entry["name"] in ended.out
        assert f"{entry['parameters']:,}" in ended.out
        for option, value in entry["options"].items():
            assert f"{option}={value!r}" in " ".join(ended.out.split())


@pytest.mark.parametrize("command", [["networks"], ["networks", "--json", "-"]])
def test_without_the_laboratory_there_is_one_clear_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "lightning" else found(name)
    )
    ended = cli(*command)
    assert (ended.code, ended.out) == (2, "")
    assert "in the checkout, python -m pip install '.[lab]'" in ended.err
    # No index has a release: whoever registers the name there must not be installed.
    assert "pip install pneumoscope" not in ended.err.replace("'", "")
    assert ended.err.count("\n") == 1
