"""`pneumoscope tune-dropout`: a search of phantoms end to end, and one line for what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from pneumoscope.cli.tune_dropout import Method, Objective, Scaling
from pneumoscope.synthetic import draw_phantom, write_png

Cli = Callable[..., Any]
pytestmark = pytest.mark.lab


@pytest.fixture
def phantoms(tmp_path: Path) -> None:
    """Radiographs of 24 made-up patients, and of 4 further ones, where the recipe looks."""
    for number in range(28):
        label = ("NORMAL", "PNEUMONIA")[number % 2]
        folder = tmp_path / ("phantoms" if number < 24 else "further") / label
        folder.mkdir(parents=True, exist_ok=True)
        phantom = draw_phantom(number, size=128, opacity=label == "PNEUMONIA")
        write_png(phantom, folder / f"{number}.png")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("lightning")
    pytest.importorskip("deap")
    monkeypatch.delenv("PNEUMOSCOPE_DATA", raising=False)
    described = {"population": "made up", "licence": "CC0"}
    contents = {
        "name": "phantoms",
        "classes": ["NORMAL", "PNEUMONIA"],
        "positive_class": "PNEUMONIA",
        "sources": [{"name": "phantoms", "folder": "phantoms"} | described],
        "also_measured": [{"name": "further", "folder": "further"} | described],
        "split": {"train": 0.4, "stop": 0.2, "calibrate": 0.2, "report": 0.2},
        "input": {"size": 32, "clahe_tiles": 2},
        "network": {"name": "li_cnn"},
        "training": {"epochs": 2, "batch_size": 4, "threads": 1},
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
    assert told == result
    assert f"after a warm-up of {result['warm_up_seconds']:.1f} s" in ended.out
    again = cli("tune-dropout", "--recipe", recipe, "--out", tmp_path / "out", *SMALL)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "already holds a search" in again.err


def test_the_printed_next_command_works(
    cli: Cli, phantoms: None, recipe: Path, tmp_path: Path
) -> None:
    out, run = tmp_path / "deep/out", tmp_path / "RUN"
    ended = cli("tune-dropout", "--recipe", recipe, "--out", out, *SMALL)
    (following,) = re.findall(r"Next: pneumoscope (train --recipe .* --out RUN),", ended.out)
    *arguments, _ = following.split(" ")
    trained = cli(*arguments, run)
    assert trained.code == 0, trained.err
    # The run's copy of the recipe leads to every set, too.
    recipe_of_run = yaml.safe_load((run / "recipe.yaml").read_text())
    for source in recipe_of_run["sources"] + recipe_of_run["also_measured"]:
        assert (run / source["folder"]).samefile(tmp_path / source["name"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "annealing"], "'annealing' is not one of"),
        (["--rate", "1"], "rate: 1 is impossible"),
        (["--population", "1"], "population: 1 is impossible"),
        (["--fold", "2"], "--fold needs --split"),
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


def test_the_choices_are_those_that_exist() -> None:
    pytest.importorskip("deap")
    from pneumoscope.lab.tuning import METHODS, OBJECTIVES, SCALINGS

    assert get_args(Method) == METHODS
    assert get_args(Scaling) == SCALINGS
    assert get_args(Objective) == OBJECTIVES
