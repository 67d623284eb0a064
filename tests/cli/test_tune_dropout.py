"""`pneumoscope tune-dropout`: a search of phantoms end to end, and one line for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pneumoscope.cli.app import app
from pneumoscope.synthetic import draw_phantom, write_png

Cli = Callable[..., Any]
pytestmark = pytest.mark.lab


@pytest.fixture
def phantoms(tmp_path: Path) -> None:
    """Radiographs of 24 made-up patients, where the recipe looks for them."""
    for number in range(24):
        label = ("NORMAL", "PNEUMONIA")[number % 2]
        folder = tmp_path / "phantoms" / label
        folder.mkdir(parents=True, exist_ok=True)
        phantom = draw_phantom(number, size=128, opacity=label == "PNEUMONIA")
        write_png(phantom, folder / f"{number}.png")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("lightning")
    pytest.importorskip("deap")
    monkeypatch.delenv("PNEUMOSCOPE_DATA", raising=False)
    contents = {
        "name": "phantoms",
        "classes": ["NORMAL", "PNEUMONIA"],
        "positive_class": "PNEUMONIA",
        "sources": [
            {"name": "phantoms", "folder": "phantoms", "population": "made up", "licence": "CC0"}
        ],
        "split": {"train": 0.4, "stop": 0.2, "calibrate": 0.2, "report": 0.2},
        "input": {"size": 32, "clahe_tiles": 2},
        "network": {"name": "li_cnn"},
        "training": {"batch_size": 4, "threads": 1},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(contents))
    return path


SMALL = ("--warm-up-epochs", 1, "--population", 6, "--generations", 3, "--batches", 2)


def test_a_search_from_end_to_end(cli: Cli, phantoms: None, recipe: Path, tmp_path: Path) -> None:
    ended = cli("tune-dropout", "--recipe", recipe, "--out", tmp_path / "out", *SMALL)
    assert ended.code == 0, ended.err
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert f"p* = {result['rate']:.3f} by ga" in ended.out
    assert [f"generation {n}: best" in ended.err for n in range(5)] == [True] * 4 + [False]
    for words in ("mean", "spread", "drops"):
        assert words in ended.err
    told = cli(
        "tune-dropout", "--recipe", recipe, "--out", tmp_path / "out", *SMALL, "--resume",
        "--json", "-",
    ).json()  # fmt: skip
    assert {**told, "seconds": 0} == {**result, "seconds": 0}
    again = cli("tune-dropout", "--recipe", recipe, "--out", tmp_path / "out", *SMALL)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "already holds a search" in again.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "annealing"], "method: 'annealing' does not exist"),
        (["--rate", "1"], "rate: 1 is impossible"),
        (["--population", "1"], "population: 1 is impossible"),
        (["--fold", "2"], "--fold: is of a split file"),
        (["--resume"], "holds no search to resume"),
        (["--from", "nowhere"], "nowhere: holds no run"),
        (["--json", "no/such/folder/r.json"], "does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_any_work(
    cli: Cli, recipe: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    out = tmp_path / "out"  # There are no images yet: nothing was read.
    ended = cli("tune-dropout", "--recipe", recipe, "--out", out, *options)
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not (out / "journal.jsonl").exists()


def test_a_recipe_that_does_not_exist_is_refused(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    ended = cli("tune-dropout", "--recipe", missing, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "none.yaml: cannot be read" in ended.err


def test_the_methods_of_the_help_are_those_that_exist() -> None:
    pytest.importorskip("deap")
    from pneumoscope.lab.tuning import METHODS, SCALINGS

    command = next(c for c in app.registered_commands if c.name == "tune-dropout")
    assert command.callback is not None
    hints = str(command.callback.__annotations__)
    assert all(name in hints for name in (*METHODS, *SCALINGS))
