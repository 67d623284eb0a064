"""A stored result, made again from its image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Cli = Callable[..., Any]
Options = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def stored(
    cli: Cli, picture: Path, bundle: str, all_symptoms: dict[str, float], options: Options
) -> Path:
    """A result of `picture`, written beside it."""
    path = picture.with_name("result.json")
    given = (*options(all_symptoms), "--age", 54, "--sex", "F")
    ended = cli("diagnose", picture, "--bundle", bundle, *given, "--json", path)
    assert ended.code == 0
    return path


def test_a_result_is_made_again_from_its_own_file_and_the_image(
    cli: Cli, stored: Path, picture: Path, bundle: str
) -> None:
    moved = picture.rename(picture.with_name("another name.png"))
    ended = cli("verify", stored, moved, "--bundle", bundle)
    assert ended.code == 0
    assert ended.out.startswith("The same: ")


@pytest.mark.parametrize("rule_base", ["guideline", "baral2025"])
def test_without_symptoms_or_by_another_rule_base_it_is_the_same(
    cli: Cli,
    dicom: Callable[..., Path],
    bundle: str,
    all_symptoms: dict[str, float],
    options: Options,
    tmp_path: Path,
    rule_base: str,
) -> None:
    """With the patient of the header, and named when the result names one."""
    image, place = dicom(), tmp_path / "r.json"
    given = (*options(all_symptoms), "--rule-base", rule_base, "--with-identity")
    for symptoms in (given, ()):
        cli("diagnose", image, "--bundle", bundle, *symptoms, "--json", place)
        assert cli("verify", place, image, "--bundle", bundle).code == 0


def test_another_image_is_told_by_its_checksums_and_its_numbers(
    cli: Cli, stored: Path, picture: Path, bundle: str
) -> None:
    Image.open(picture).transpose(Image.Transpose.ROTATE_180).save(picture)
    ended = cli("verify", stored, picture, "--bundle", bundle)
    assert ended.code == 3
    for place in ("provenance.file_sha256", "provenance.pixels_sha256", "probabilities."):
        assert place in ended.out
    assert ended.out.startswith("Not the same: ")


def test_a_stored_number_that_was_changed_is_found(
    cli: Cli, stored: Path, picture: Path, bundle: str
) -> None:
    document = json.loads(stored.read_text("utf-8"))
    document["probabilities"]["PNEUMONIA"] -= 0.01
    document["probabilities"]["NORMAL"] += 0.01
    stored.write_text(json.dumps(document), "utf-8")
    ended = cli("verify", stored, picture, "--bundle", bundle)
    assert ended.code == 3
    assert "probabilities.PNEUMONIA: stored " in ended.out
    assert cli("verify", stored, picture, "--bundle", bundle, "--tolerance", 0.02).code == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"bundle": 3, "image": {}}',
        '{"schema_version": 2}',
        '{"document": 3}',
        "[" * 100_000,
    ],
)
def test_what_is_no_result_is_refused_in_one_line(
    cli: Cli, picture: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "r.json").write_text(text, "utf-8")
    ended = cli("verify", tmp_path / "r.json", picture)
    assert ended.code == 2
    assert "give a file that --json wrote" in ended.err
    assert cli("verify", tmp_path / "none.json", picture).code == 2


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("provenance", "rule_base", 3),
        ("bundle", "name", 3),
        ("patient", "age", "x"),
        ("patient", "age", True),
        ("provenance", "engine", "onnxruntime"),
        ("provenance", "engine", {"name": "onnxruntime", "precision": 3}),
        ("bundle", "", ["name", "version", "sha256"]),
    ],
)
def test_a_field_of_another_type_is_refused(
    cli: Cli, stored: Path, picture: Path, part: str, name: str, value: object
) -> None:
    document = json.loads(stored.read_text("utf-8"))
    if name:
        document[part][name] = value
    else:
        document[part] = value
    stored.write_text(json.dumps(document), "utf-8")
    ended = cli("verify", stored, picture)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "is no diagnosis of this version" in ended.err


def test_a_severity_is_no_result_of_an_image(cli: Cli, picture: Path, tmp_path: Path) -> None:
    cli("severity", "--symptom", "oxygen_level=90", "--age", 50, "--json", tmp_path / "s.json")
    ended = cli("verify", tmp_path / "s.json", picture)
    assert ended.code == 2
    assert "is a severity; only a result of an image is verified" in ended.err


def test_what_ran_the_network_runs_it_again_or_it_is_said(
    cli: Cli, stored: Path, picture: Path, bundle: str
) -> None:
    document = json.loads(stored.read_text("utf-8"))
    ran = document["provenance"]["engine"]
    ran["threads"] += 1
    stored.write_text(json.dumps(document), "utf-8")
    assert cli("verify", stored, picture, "--bundle", bundle).code == 0
    for name, value in (("name", "abacus"), ("precision", "fp8")):
        document["provenance"]["engine"] = ran | {name: value}
        stored.write_text(json.dumps(document), "utf-8")
        ended = cli("verify", stored, picture, "--bundle", bundle)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert f"'{value}'" in ended.err


def test_a_result_with_a_history_is_refused(cli: Cli, stored: Path, picture: Path) -> None:
    document = json.loads(stored.read_text("utf-8"))
    document["severity"]["personal"] = {"level": "mild", "score": 1, "visits": 5, "most": "mild"}
    stored.write_text(json.dumps(document), "utf-8")
    ended = cli("verify", stored, picture)
    assert ended.code == 2
    assert "rests on the patient's earlier visits" in ended.err


def test_another_bundle_than_the_results_is_refused(cli: Cli, stored: Path, picture: Path) -> None:
    """The result's own is called as the packaged one may be."""
    ended = cli("verify", stored, picture, "--bundle", "chest")
    assert ended.code == 2
    assert "of another checksum" in ended.err
