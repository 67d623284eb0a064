"""`pneumoscope evaluate`: its document, its table, and what it says of which images it scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pneumoscope.findings import NOTICE

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "evaluation.schema.json"
Cli = Callable[..., Any]


def check_schema(document: object) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("more", [[], ["--positive", "PNEUMONIA"], ["--positive", "NORMAL"]])
def test_json_on_stdout_is_one_valid_document(
    cli: Cli, folder: Path, bundle: str, more: list[str]
) -> None:
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--json", "-", *more)
    assert ended.code == 0
    document = ended.json()
    check_schema(document)
    assert document["notice"] == NOTICE
    assert document["n"] == 6
    assert sum(sum(row.values()) for row in document["confusion"].values()) == 6
    # The tiny bundle's operating point is for PNEUMONIA: elsewhere it means nothing.
    assert (document["operating_point"] is not None) == ("PNEUMONIA" in more)


def test_json_in_a_file_and_a_table_for_people(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    target = tmp_path / "a.json"
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--json", target)
    document = json.loads(target.read_text("utf-8"))
    check_schema(document)
    assert NOTICE in " ".join(ended.out.replace("│", " ").split())
    assert f"{document['brier']['value']:.3f}" in ended.out


def test_stderr_holds_no_progress_when_it_is_no_terminal(
    cli: Cli, folder: Path, bundle: str
) -> None:
    ended = cli("-q", "evaluate", "--data", folder, "--bundle", bundle, "--json", "-")
    assert ended.err == ""


def test_images_left_out_are_named(cli: Cli, folder: Path, bundle: str) -> None:
    (folder / "NORMAL" / "broken.png").write_bytes(b"not an image")
    start = ("evaluate", "--data", folder, "--bundle", bundle)
    document = cli(*start, "--json", "-").json()
    check_schema(document)
    assert document["n"] == 6
    assert document["data"]["images"] == 7
    assert document["data"]["unreadable"] == ["NORMAL/broken.png"]
    assert "NORMAL/broken.png" in cli(*start).out


def test_images_that_diagnose_refuses_are_scored(
    cli: Cli, folder: Path, bundle: str, dicom: Callable[..., Path]
) -> None:
    lateral = dicom("lateral.dcm", ViewPosition="LL")
    assert cli("diagnose", lateral, "--bundle", bundle, "--json", "-").json()["abstained"]
    lateral.rename(folder / "NORMAL" / "lateral.dcm")
    start = ("evaluate", "--data", folder, "--bundle", bundle)
    document = cli(*start, "--json", "-").json()
    check_schema(document)
    assert (document["n"], document["abstained"]) == (7, 1)
    assert sum(sum(row.values()) for row in document["confusion"].values()) == 7
    assert "refused by diagnose" in " ".join(cli(*start).out.split())


def test_a_label_without_a_class_is_a_negative_where_it_is_named(
    cli: Cli, folder: Path, bundle: str
) -> None:
    (folder / "ABNORMAL").rename(folder / "COVID")
    start = ("evaluate", "--data", folder, "--bundle", bundle, "--json", "-")
    document = cli(*start, "--positive", "PNEUMONIA", "--negative", "COVID").json()
    check_schema(document)
    assert sum(document["confusion"]["COVID"].values()) == 2
