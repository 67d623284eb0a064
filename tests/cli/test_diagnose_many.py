"""`pneumoscope diagnose --out`: the rows of many images, and what is refused."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pneumoscope.documents import schema

SCHEMA = schema("diagnosis")
Cli = Callable[..., Any]


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    """Without the time, and without the cores, of which every worker has one."""
    document["provenance"].pop("created")
    document["provenance"]["engine"].pop("threads")
    return document


def test_each_row_of_a_folder_is_the_answer_for_that_image(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    (folder / "NORMAL" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (folder / "notes.txt").write_text("no image")
    out = tmp_path / "r.jsonl"
    ended = cli("diagnose", folder, "--bundle", bundle, "--out", out, "--workers", 2)
    assert ended.code == 3
    assert "7 images: 6 answered, 0 without an answer (abstained), 1 with an error." in ended.out
    assert "1 file is no image and was left out (first: notes.txt)." in ended.out
    found = {row.pop("file"): row for row in rows(out)}
    assert list(found) == sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))
    broken = found.pop("NORMAL/broken.png")
    assert broken["error"]["code"] == "image_unreadable"
    assert "broken.png" in broken["error"]["text"]
    for file, row in found.items():
        jsonschema.validate(row, SCHEMA, jsonschema.Draft202012Validator)
        alone = cli("diagnose", folder / file, "--bundle", bundle, "--json", "-").json()
        assert timeless(row) == timeless(alone)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "r.jsonl"]


def test_a_manifest_gives_each_patient_a_severity_and_every_form_the_same(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    table = folder / "list.csv"
    table.write_text(
        "file,age,sex,oxygen_level,fever_value\n"
        "NORMAL/0.png,54,F,88,39\n"
        "gone.png,30,,,\n"
        "PNEUMONIA/2.png,3,M,97,\n"
    )
    forms = {ending: tmp_path / f"r.{ending}" for ending in ("jsonl", "csv", "parquet")}
    for out in forms.values():
        assert cli("diagnose", table, "--bundle", bundle, "--out", out).code == 3
    first, gone, third = rows(forms["jsonl"])
    options = ("--age", 54, "--sex", "F", "--symptom", "oxygen_level=88")
    alone = cli(
        *("diagnose", folder / "NORMAL/0.png", "--bundle", bundle, "--json", "-"),
        *(*options, "--symptom", "fever_value=39"),
    ).json()
    assert timeless({k: v for k, v in first.items() if k != "file"}) == timeless(alone)
    assert "no such file" in gone["error"]["text"]
    assert third["patient"] == {"age": 3, "sex": "M"}
    with forms["csv"].open(newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert [row["file"] for row in cells] == ["NORMAL/0.png", "gone.png", "PNEUMONIA/2.png"]
    assert cells[0]["severity_level"] == alone["severity"]["level"]
    assert float(cells[0]["probability_PNEUMONIA"]) == alone["probabilities"]["PNEUMONIA"]
    assert cells[1]["error"] == "image_unreadable"

    from pyarrow.parquet import read_table

    assert [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in read_table(forms["parquet"]).to_pylist()
    ] == cells


def test_one_file_and_several_files_are_rows_too(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    places = [folder / "NORMAL/0.png", folder / "NORMAL/3.png"]
    for number in (1, 2):
        out = tmp_path / f"{number}.jsonl"
        assert cli("diagnose", *places[:number], "--bundle", bundle, "--out", out).code == 0
        assert [row["file"] for row in rows(out)] == [str(place) for place in places[:number]]


def test_identity_is_named_on_request_and_never_in_a_table(
    cli: Cli, dicom: Callable[..., Path], bundle: str, tmp_path: Path
) -> None:
    image, out = dicom(), tmp_path / "r.jsonl"
    assert cli("diagnose", image, "--bundle", bundle, "--out", out).code == 0
    assert "Quuxley" not in out.read_text("utf-8")
    cli("diagnose", image, "--bundle", bundle, "--out", out, "--with-identity")
    assert rows(out)[0]["image"]["identity"]["name"] == "Quuxley^Zebedee"
    refused = cli(
        *("diagnose", image, "--bundle", bundle, "--with-identity", "--out", tmp_path / "r.csv")
    )
    assert refused.code == 2
    assert "names no patient" in refused.err


def test_a_mistyped_place_is_no_row_but_a_refusal(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    there, gone = folder / "NORMAL/0.png", folder / "gone.png"
    for places in ((gone,), (there, gone)):
        ended = cli("diagnose", *places, "--bundle", bundle, "--out", tmp_path / "r.csv")
        assert ended.code == 2
        assert "gone.png: no such file or folder" in ended.err
    assert not list(tmp_path.glob("r.csv*"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "for many images give --out"),
        (["--out", "r.txt"], "ends in .jsonl, .csv, .parquet"),
        (["--out", "nowhere/r.csv"], "does not exist"),
        (["--out", "r.csv", "--age", 5], "--age is for one image"),
        (["--out", "r.csv", "--symptom", "fever_value=39"], "--symptom is for one image"),
        (["--out", "r.csv", "--json", "-"], "--json is for one image"),
        (["--out", "r.csv", "--threads", 2], "--threads: each of the --workers has one thread"),
        (["--out", "r.csv", "--precision", "int8"], "int8"),
        (["--out", "r.csv", "--rule-base", "none"], "is not one of 'guideline'"),
        (["--out", "r.csv", "--bundle", "none"], "'none': not found"),
        (["--out", "r.csv", "--workers", 0], "--workers"),
    ],
)
def test_what_is_refused_before_any_work(
    cli: Cli,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[object],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("diagnose", folder, *options)
    assert ended.code == 2
    assert told in ended.err
    assert ended.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_workers_are_for_many_images(cli: Cli, picture: Path) -> None:
    ended = cli("diagnose", picture, "--workers", 2)
    assert ended.code == 2
    assert "--workers" in ended.err


def test_an_empty_folder_and_a_wrong_symptom(cli: Cli, bundle: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.csv").write_text("file,oxygen_level\na.png,91\nb.png,19\n")
    for place, told in (("empty", "no image in it"), ("list.csv", "line 3: symptom oxygen_level")):
        ended = cli(
            *("diagnose", tmp_path / place, "--bundle", bundle, "--out", tmp_path / "r.csv")
        )
        assert ended.code == 2
        assert told in ended.err
    assert not (tmp_path / "r.csv.part").exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_is_read_only(cli: Cli, folder: Path, bundle: str, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ended = cli("diagnose", folder, "--bundle", bundle, "--out", closed / "r.csv")
    assert ended.code == 2
    assert "cannot be written" in ended.err
