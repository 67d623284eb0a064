"""`pneumoscope data fingerprint`: its document fits its schema, and its table shows the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pneumoscope.evaluation import fingerprint_folder
from pneumoscope.evaluation.reports import to_fingerprint_document
from pneumoscope.findings import NOTICE
from pneumoscope.synthetic import make_phantoms

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "data-fingerprint.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four phantoms of four patients; the first is there again as a fifth patient's."""
    out = tmp_path_factory.mktemp("phantoms") / "set"
    first = make_phantoms(out, 4, dicom=False)[0]
    (out / "again.png").write_bytes(first.read_bytes())
    with (out / "labels.csv").open("a") as table:
        table.write("again.png,NORMAL,another\n")
    return out


def test_json_on_stdout_is_one_valid_document(cli: Cli, phantoms: Path) -> None:
    document = cli("data", "fingerprint", phantoms, "--json", "-").json()
    VALIDATOR.validate(document)
    VALIDATOR.check_schema(VALIDATOR.schema)
    assert list(document) == list(VALIDATOR.schema["properties"])
    assert (document["n"], document["labels"]) == (5, {"NORMAL": 3, "PNEUMONIA": 2})
    (group,) = document["exact_duplicates"]["groups"]
    assert (sorted(group["files"]), group["patients"]) == (["again.png", "phantom-000000.png"], 2)
    assert document["near_duplicates"]["groups"] == []
    for name in document:
        missing = {key: value for key, value in document.items() if key != name}
        assert not VALIDATOR.is_valid(missing)


def test_json_in_a_file_and_a_table_for_people(cli: Cli, phantoms: Path, tmp_path: Path) -> None:
    target = tmp_path / "f.json"
    ended = cli("data", "fingerprint", phantoms, "--json", target)
    VALIDATOR.validate(json.loads(target.read_text("utf-8")))
    text = " ".join(ended.out.replace("│", " ").split())
    assert NOTICE in text
    assert "5 patients" in text
    assert "Groups of identical images: 1 (2 images); 1 across patients" in text
    assert "1024 x 1024" in text


def test_class_folders_have_no_patients_and_unreadable_files_are_named(
    cli: Cli, folder: Path
) -> None:
    (folder / "NORMAL" / "broken.png").write_bytes(b"not an image")
    ended = cli("data", "fingerprint", folder, "--json", "-")
    document = ended.json()
    VALIDATOR.validate(document)
    assert (document["n"], document["data"]["images"], document["patients"]) == (6, 7, None)
    assert document["data"]["unreadable"] == ["NORMAL/broken.png"]
    assert document["near_duplicates"]["across_patients"] is None
    assert "NORMAL/broken.png" in cli("data", "fingerprint", folder).out


def test_foreign_text_is_harmless(folder: Path, cli: Cli) -> None:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    lines = [f"{file},[red]\x1b[2J,p,x\x1b[1m" for file in files]
    (folder / "labels.csv").write_text("\n".join(["file,label,patient_id,c", *lines]), "utf-8")
    assert "\x1b" not in cli("data", "fingerprint", folder).out
    result = fingerprint_folder(folder)
    data = {
        "folder": "\udc80",
        "images": 6,
        "unreadable": [],
        "has_patients": True,
        "patient_column": "\udc80",
        "where": {"\udc80": "\udc80"},
    }
    measured = result.measured.as_dict() | {"labels": {"\udc80": 6}, "columns_left_out": ["\udc80"]}
    json.dumps(to_fingerprint_document(measured, data=data), ensure_ascii=False).encode()


@pytest.mark.parametrize(("content", "word"), [(b"no image", "can be read"), (None, "no labelled")])
def test_a_folder_without_an_image_is_one_line(
    cli: Cli, tmp_path: Path, content: bytes | None, word: str
) -> None:
    (tmp_path / "set" / "A").mkdir(parents=True)
    if content is not None:
        (tmp_path / "set" / "A" / "a.png").write_bytes(content)
    ended = cli("-q", "data", "fingerprint", tmp_path / "set", "--json", "-")
    assert (ended.code, ended.out) == (2, "")
    assert word in ended.err
    assert ended.err.count("\n") == 1


def test_a_target_that_is_read_or_missing_is_refused(cli: Cli, phantoms: Path) -> None:
    assert cli("data", "fingerprint", phantoms, "--json", phantoms / "labels.csv").code == 2
    assert cli("data", "fingerprint", phantoms, "--json", "no/such/f.json").code == 2
    assert cli("data", "fingerprint", phantoms / "no-such").code == 2


def test_progress_counts_every_image(phantoms: Path) -> None:
    seen: list[tuple[int, int]] = []
    fingerprint_folder(phantoms, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]


def test_every_command_on_a_folder_tells_of_files_that_it_does_not_read(
    cli: Cli, folder: Path, bundle: str
) -> None:
    (folder / "PNEUMONIA" / "IM0001").write_bytes(b"DICOM, as CDs name it")
    told = "1 files have no image ending and are not read (first: 'PNEUMONIA/IM0001')"
    for command in (
        ("data", "fingerprint", folder),
        ("evaluate", "--data", folder, "--bundle", bundle),
        ("compare", "--data", folder, "--a", bundle, "--b", bundle),
    ):
        warnings = cli(*command, "--json", "-").json()["warnings"]
        assert sum(told in warning["text"] for warning in warnings) == 1
        assert told in " ".join(cli(*command).out.split())
