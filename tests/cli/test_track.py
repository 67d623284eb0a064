"""`pneumoscope track`: a course from a file, shown, replayed, as JSON, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pneumoscope.documents import schema
from pneumoscope.findings import NOTICE

ROOT = Path(__file__).parents[2]
SCHEMA = schema("course")
EXAMPLE = ROOT / "examples" / "visits.json"
Cli = Callable[..., Any]


@pytest.fixture
def rewritten(tmp_path: Path) -> Callable[..., Path]:
    """The example with something changed."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        document = json.loads(EXAMPLE.read_text("utf-8"))
        change(document)
        path = tmp_path / "visits.json"
        path.write_text(json.dumps(document), "utf-8")
        return path

    return write


def test_json_is_one_valid_document_on_stdout_and_in_a_file(cli: Cli, tmp_path: Path) -> None:
    ended = cli("track", EXAMPLE, "--rule-base", "baral2025", "--json", "-")
    assert ended.code == 0
    document = ended.json()
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
    assert document["notice"] == NOTICE
    assert document["warnings"]
    target = tmp_path / "course.json"
    shown = cli("track", EXAMPLE, "--rule-base", "baral2025", "--json", target)
    written = json.loads(target.read_text("utf-8"))
    assert written | {"provenance": None} == document | {"provenance": None}
    assert written["provenance"]["rule_base"] == written["rule_base"]
    assert "Written:" in shown.out


def test_a_shorter_history_gives_the_same_bounds_and_levels(
    cli: Cli, rewritten: Callable[..., Path]
) -> None:
    whole = cli("track", EXAMPLE, "--json", "-").json()
    part = cli("track", rewritten(lambda d: d["visits"].pop()), "--json", "-").json()
    assert part["visits"] == whole["visits"][:-1]
    assert part["bounds"] == whole["visits"][-1]["bounds"]


def test_a_document_names_the_rule_base_that_a_history_may_ask_for(
    cli: Cli, rewritten: Callable[..., Path]
) -> None:
    identity = cli("track", EXAMPLE, "--json", "-").json()["rule_base"]
    same = cli("track", rewritten(lambda d: d.update(rule_base=identity)), "--json", "-")
    assert same.code == 0
    other = rewritten(lambda d: d.update(rule_base="baral2025@000000000000"))
    refused = cli("track", other)
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "scored with rule base baral2025@000000000000" in refused.err
    again = cli("track", other, "--rule-base", "baral2025", "--json", "-")
    assert again.json()["rule_base"].startswith("baral2025@")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("view", ["--show", "--replay"])
def test_a_terminals_width_is_kept(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, width: int, view: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    ended = cli("track", EXAMPLE, view)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= width


def test_missing_symptoms_leave_the_level_open_in_every_view(
    cli: Cli, rewritten: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    few = {"cough_severity": 0.4, "respiratory_rate": 18}
    path = rewritten(lambda d: d["visits"][-1].update(symptoms=few))
    document = cli("track", path, "--json", "-").json()
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
    population = document["visits"][-1]["population"]
    assert population["interval"]["least"] == population["level"] == "negligible"
    assert population["interval"]["most"] == "severe"
    assert "confusion" in population["interval"]["missing"]
    for view in ("--show", "--replay"):
        text = " ".join(cli("track", path, view).out.split())
        assert f"last visit: {document['visits'][-1]['level']} to severe" in text
        assert "Open because not given at the last visit: breathlessness," in text


def test_what_has_no_range_of_its_own_is_shown_too(
    cli: Cli, rewritten: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    more = {"respiratory_rate": 22, "hypercapnic_target": 1}
    text = cli("track", rewritten(lambda d: d["visits"][-1]["symptoms"].update(more))).out
    assert (
        "Also given at the last visit: respiratory rate 22 /min, hypercapnic target: yes." in text
    )
    assert "Oldest to latest" in text
    alone = cli(
        "track", rewritten(lambda d: d.update(visits=[d["visits"][0] | {"symptoms": more}]))
    )
    assert "Also given at the last visit: respiratory rate 22 /min" in alone.out
    assert "Oldest to latest" not in alone.out


def test_both_views_carry_the_notice_the_verdict_and_every_visit(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    document = cli("track", EXAMPLE, "--json", "-").json()
    for view in ((), ("--replay",)):
        text = cli("track", EXAMPLE, *view).out
        assert NOTICE in " ".join(text.replace("│", " ").split())
        assert document["change"]["direction"].upper() in text
        for visit in document["visits"]:
            assert visit["time"][:16].replace("T", " ") in text


@pytest.mark.parametrize("arguments", [["--show", "--replay"], ["--json"], ["extra"]])
def test_wrong_usage_is_one_line(cli: Cli, arguments: list[str]) -> None:
    ended = cli("track", EXAMPLE, *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1


def test_bad_visits_are_one_line_and_nothing_is_written(
    cli: Cli, rewritten: Callable[..., Path], tmp_path: Path
) -> None:
    path = rewritten(lambda d: d["visits"].reverse())
    ended = cli("track", path, "--json", tmp_path / "course.json")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert "visit 2 is before visit 1" in ended.err
    assert not (tmp_path / "course.json").exists()


def test_the_file_that_is_read_is_no_target(cli: Cli, rewritten: Callable[..., Path]) -> None:
    path = rewritten(lambda d: None)
    before = path.read_bytes()
    assert cli("track", path, "--json", path).code == 2
    assert path.read_bytes() == before


def test_the_file_that_the_help_shows_can_be_tracked_and_stays_as_it_is(
    cli: Cli, tmp_path: Path
) -> None:
    told = " ".join(cli("track", "--help").out.split())
    path = tmp_path / "visits.json"
    path.write_text(told[told.index('{"schema') : told.rindex("}]}") + 3], "utf-8")
    before = path.read_bytes()
    course = cli("track", path, "--json", "-").json()
    assert course["visits"][0]["symptoms"] == {"fever_value": 38.5, "oxygen_level": 91}
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_that_the_guide_shows_can_be_tracked(cli: Cli, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "how-to" / "follow-a-patient.md").read_text("utf-8")
    path = tmp_path / "visits.json"
    path.write_text(guide.split("```json\n")[1].split("```")[0], "utf-8")
    course = cli("track", path, "--json", "-").json()
    assert [visit["symptoms"]["fever_value"] for visit in course["visits"]] == [38.5, 38.0]
