"""A stored result, shown again, and the schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from pneumoscope.cli.show import SchemaName
from pneumoscope.documents import DOCUMENTS, SCHEMAS

EXAMPLE = Path(__file__).parents[2] / "examples" / "visits.json"
Cli = Callable[..., Any]
Options = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def stored(
    cli: Cli, picture: Path, bundle: str, all_symptoms: dict[str, float], options: Options
) -> Callable[[str], tuple[Path, str]]:
    """A stored result of each document, with the text that was shown when it was made."""
    commands = {
        "diagnosis": ("diagnose", picture, "--bundle", bundle, *options(all_symptoms), "--age", 54),
        "severity": ("severity", *options(all_symptoms), "--age", 54),
        "course": ("track", EXAMPLE),
    }

    def make(name: str) -> tuple[Path, str]:
        path = picture.with_name("stored.json")
        return path, cli(*commands[name], "--json", path).out.replace(f"Written: {path}\n", "")

    return make


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_stored_result_is_shown_as_when_it_was_made(
    cli: Cli, stored: Callable[[str], tuple[Path, str]], name: str
) -> None:
    path, text = stored(name)
    assert len(text) > 500
    assert cli("show", path).out == text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_that_of_the_document(
    cli: Cli, stored: Callable[[str], tuple[Path, str]], name: str
) -> None:
    path, _ = stored(name)
    jsonschema.validate(json.loads(path.read_text("utf-8")), cli("schema", name).json())


def test_every_schema_can_be_asked_for(cli: Cli) -> None:
    assert set(get_args(SchemaName)) == set(SCHEMAS)
    for name in SCHEMAS:
        jsonschema.Draft202012Validator.check_schema(cli("schema", name).json())


def test_the_page_of_a_stored_diagnosis_says_that_it_has_no_pictures(
    cli: Cli, stored: Callable[[str], tuple[Path, str]], tmp_path: Path
) -> None:
    path, _ = stored("diagnosis")
    ended = cli("show", path, "--report", tmp_path / "page.html")
    assert ended.code == 0
    assert "Written:" in ended.out
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "The pictures are not part of a stored result" in page
    assert "<img" not in page


def test_what_cannot_be_shown_is_one_line(
    cli: Cli, stored: Callable[[str], tuple[Path, str]], tmp_path: Path
) -> None:
    path, _ = stored("severity")
    ended = cli("show", path, "--report", tmp_path / "page.html")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "is a severity; --report needs a diagnosis" in ended.err
    assert not (tmp_path / "page.html").exists()
    assert cli("show", EXAMPLE).code == 2
    assert cli("show", path, "--report", path).code == 2
    assert cli("schema", "fax").code == 2
