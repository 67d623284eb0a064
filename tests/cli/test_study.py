"""`pneumoscope study`: what a study needs is listed, and asked for before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from pneumoscope.cli.study import Scale

pytest.importorskip("torch")

Cli = Callable[..., Any]
pytestmark = pytest.mark.lab


def test_the_list_says_what_each_study_needs(cli: Cli) -> None:
    from pneumoscope.lab.studies import studies

    told = cli("study").out
    for known in studies().values():
        entry = told[told.index(f"{known.name}: ") :].split("\n")[:3]
        others = "".join(f"; or --set {other}" for other in known.sets)
        needs = f"; needs {', '.join(known.needs) or 'no data set'}{others}"
        assert entry[2].endswith(needs)
    assert "needs guangzhou\n" in told


def test_the_choices_of_the_scale_are_those_that_exist() -> None:
    from pneumoscope.lab.studies.study import SCALES

    assert get_args(Scale) == SCALES


@pytest.mark.parametrize("variable", [True, False])
def test_without_its_data_a_study_names_the_way_and_leaves_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    monkeypatch.delenv("PNEUMOSCOPE_DATA", raising=False)
    (tmp_path / "sets" / "guangzhou").mkdir(parents=True)
    if variable:
        monkeypatch.setenv("PNEUMOSCOPE_DATA", str(tmp_path / "sets"))
    start = ("study", "baral2025-clahe", "--work", tmp_path / "w", "--out", tmp_path / "o")
    ended = cli(*start, *(() if variable else ("--data", tmp_path / "sets")))
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    for words in ("needs the data sets guangzhou, rsna", "no folder rsna in", "PNEUMOSCOPE_DATA"):
        assert words in ended.err
    assert "--data" in ended.err
    assert {path.name for path in tmp_path.iterdir()} == {"sets"}


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("baral2025-cv", "--set 'nowhere': study 'baral2025-cv' has baral2025; or leave --set out"),
        ("li2025", "--set 'nowhere': study 'li2025' has no other set; or leave --set out"),
    ],
)
def test_a_set_that_a_study_does_not_run_on_is_refused(
    cli: Cli, tmp_path: Path, study: str, message: str
) -> None:
    ended = cli("study", study, "--set", "nowhere", "--work", tmp_path / "w")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert message in ended.err
    assert not (tmp_path / "w").exists()
