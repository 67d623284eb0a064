"""`pneumoscope compare`: its document fits its schema, and its table shows the same numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pneumoscope.findings import NOTICE
from pneumoscope.metrics import NO_TEST

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "comparison.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
Cli = Callable[..., Any]


@pytest.fixture
def start(folder: Path, bundle: str) -> tuple[object, ...]:
    return ("compare", "--a", bundle, "--b", bundle, "--data", folder)


@pytest.mark.parametrize("more", [[], ["--positive", "PNEUMONIA"]])
def test_json_on_stdout_is_one_valid_document(
    cli: Cli, start: tuple[object, ...], more: list[str]
) -> None:
    ended = cli(*start, "--json", "-", *more)
    assert ended.code == 0
    document = ended.json()
    VALIDATOR.validate(document)
    assert document["notice"] == NOTICE
    assert (document["n"], document["a"]) == (6, document["b"])
    assert (document["tests"]["delong"] is not None) == bool(more)
    assert ("auroc" in document["differences"]) == bool(more)
    for name in document:
        missing = {key: value for key, value in document.items() if key != name}
        assert not VALIDATOR.is_valid(missing)
    wrong = copy.deepcopy(document)
    wrong["tests"]["mcnemar"]["p_value"] = 1.5
    assert not VALIDATOR.is_valid(wrong)


def test_json_in_a_file_and_a_table_for_people(
    cli: Cli, start: tuple[object, ...], tmp_path: Path
) -> None:
    target = tmp_path / "c.json"
    ended = cli(*start, "--json", target, "--positive", "PNEUMONIA")
    document = json.loads(target.read_text("utf-8"))
    VALIDATOR.validate(document)
    text = " ".join(ended.out.replace("│", " ").split())
    assert NOTICE in text
    assert NO_TEST in text
    assert f"{document['differences']['brier']['a']:.3f}" in text
    assert "DeLong 1988" in text
    assert "same bundle" in text


def test_patients_with_several_images_get_the_clustered_tests(
    cli: Cli, start: tuple[object, ...], folder: Path
) -> None:
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
    lines = [f"{file.as_posix()},{file.parent.name},p{i // 2}" for i, file in enumerate(files)]
    (folder / "labels.csv").write_text("\n".join(["file,label,patient_id", *lines]), "utf-8")
    document = cli(*start, "--json", "-", "--positive", "PNEUMONIA").json()
    VALIDATOR.validate(document)
    methods = {name: document["tests"][name]["method"] for name in ("delong", "mcnemar")}
    assert methods == {"delong": "Obuchowski 1997", "mcnemar": "Obuchowski 1998"}


def test_unreadable_images_are_named(cli: Cli, start: tuple[object, ...], folder: Path) -> None:
    (folder / "NORMAL" / "broken.png").write_bytes(b"not an image")
    assert cli(*start, "--json", "-").json()["data"]["unreadable"] == ["NORMAL/broken.png"]
    assert "NORMAL/broken.png" in cli(*start).out


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--positive", "TUMOUR"], "TUMOUR"),
        (["--negative", "COVID"], "positive"),
        (["--json", "no/such/folder.json"], "no/such"),
        (["--b", "no-such"], "no-such"),
    ],
)
def test_bad_input_is_one_line(
    cli: Cli, start: tuple[object, ...], more: list[str], word: str
) -> None:
    ended = cli("-q", *start, *more)
    assert (ended.code, ended.out) == (2, "")
    assert word in ended.err
    assert ended.err.count("\n") == 1


def test_both_bundles_must_be_named(cli: Cli, folder: Path, bundle: str) -> None:
    ended = cli("compare", "--a", bundle, "--data", folder)
    assert ended.code == 2
    assert "--b" in ended.err
