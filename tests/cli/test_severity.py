"""`pneumoscope severity`: symptoms in, a level with its reasons out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from pneumoscope.cli.options import RuleBaseName
from pneumoscope.documents import schema
from pneumoscope.severity import INPUTS, YES_NO, rule_bases

SCHEMA = schema("severity")
Cli = Callable[..., Any]
Options = Callable[[dict[str, Any]], list[str]]


def test_text_and_json_say_the_same(
    cli: Cli, all_symptoms: dict[str, float], options: Options, tmp_path: Path
) -> None:
    start = ("severity", *options(all_symptoms), "--age", 50, "--sex", "F")
    document = cli(*start, "--json", "-").json()
    jsonschema.validate(document, SCHEMA)
    assert document["symptoms"] == all_symptoms
    assert document["patient"] == {"age": 50, "sex": "F"}
    shown = cli(*start)
    text = " ".join(shown.out.split())
    assert f"Severity: {document['severity']['level'].upper()}" in text
    assert document["severity"]["trace"][-1]["text"] in text
    assert all(warning["text"] in text for warning in document["warnings"])
    assert cli(*start, "--json", tmp_path / "a.json").code == 0
    written = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert written | {"provenance": None} == document | {"provenance": None}
    assert written["provenance"]["rule_base"].startswith("guideline@")


@pytest.mark.parametrize("name", rule_bases()[1:])
def test_each_published_rule_base_can_be_asked_for(
    cli: Cli, all_symptoms: dict[str, float], options: Options, name: str
) -> None:
    start = ("severity", *options(all_symptoms), "--json", "-")
    document = cli(*start, "--rule-base", name).json()
    jsonschema.validate(document, SCHEMA)
    assert document["severity"]["rule_base"] == name
    assert document["severity"]["interval"] is None


@pytest.mark.parametrize("text", ["98.6F", "98.6 °F", "37C", "37.0 C", "37"])
def test_a_temperature_is_read_in_its_stated_unit(cli: Cli, text: str) -> None:
    ended = cli("severity", "--symptom", f"fever_value={text}", "--age", 40, "--json", "-")
    assert ended.json()["symptoms"] == {"fever_value": 37}


def test_a_temperature_in_a_file_may_have_its_unit(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "symptoms.json"
    file.write_text(json.dumps({"fever_value": "101.3F"}), "utf-8")
    document = cli("severity", "--symptoms", file, "--age", 40, "--json", "-").json()
    assert document["symptoms"]["fever_value"] == pytest.approx(38.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["no symptom"]),
        (["--symptom", "fatigue=1"], ["age"]),
        (["--symptom", "fatigue=1", "--age", "9"], ["5 to 17"]),
        (["--symptom", "fatigue=1", "--age", "0.1"], ["2 months"]),
        (["--symptom", "fatigue=1", "--age", "200"], ["200"]),
        (["--symptom", "fatigue=1F", "--age", "40"], ["not a number"]),
        (["--symptom", "fever_value=98.6", "--age", "40"], ["Fahrenheit"]),
        (["--symptom", "fever_value=37F", "--age", "40"], ["outside"]),
        (["--symptom", "fever_value=37C", "--symptom", "fever_value=98.6F"], ["twice"]),
        (["--symptom", "fatigue=1", "--rule-base", "baral2025"], ["missing"]),
        (["--symptom", "fatigue=1", "--rule-base", "x"], ["one of"]),
    ],
)
def test_bad_input_is_one_line(cli: Cli, arguments: list[str], words: list[str]) -> None:
    ended = cli("severity", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert all(word in ended.err for word in words)


def test_the_help_names_every_input(cli: Cli) -> None:
    words = set(re.findall(r"[a-z_0-9]+", cli("severity", "--help").out))
    assert set(INPUTS) <= words


def test_the_choices_of_the_rule_base_are_those_that_exist() -> None:
    assert set(get_args(RuleBaseName)) == set(rule_bases())


@pytest.mark.parametrize("name", ["chest_indrawing", "urea", "fever_value"])
def test_the_help_says_what_an_input_means_and_its_range(cli: Cli, name: str) -> None:
    told = " ".join(cli("severity", "--help").out.split())
    symptom = INPUTS[name]
    assert symptom.meaning in told
    if symptom.unit != YES_NO:
        assert f"{symptom.meaning}; {symptom.range_text}" in told
