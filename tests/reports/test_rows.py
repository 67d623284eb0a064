"""Rows of many images: the same answers as JSON lines, CSV and Parquet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pneumoscope.documents import to_document
from pneumoscope.errors import InputError
from pneumoscope.findings import About, Diagnosis, Message
from pneumoscope.reports import RowCounts, check_rows_file, to_row, write_rows

BROKEN = Message("image_unreadable", About.IMAGE, {"reason": 'a.png: "empty", export it again'})


@pytest.fixture
def results(make: Callable[..., Diagnosis]) -> dict[str, Diagnosis | Message]:
    return {
        "a/1.png": make(ill=True, fits=("PNEUMONIA", "ABNORMAL")),
        "b/1.png": make(abstained=True),
        "b/=2, ü.png": BROKEN,
        "c.dcm": make(),
    }


@pytest.fixture
def lines(results: dict[str, Diagnosis | Message]) -> list[bytes]:
    return [json.dumps(to_row(*item), ensure_ascii=False).encode() for item in results.items()]


@pytest.fixture
def classes(results: dict[str, Diagnosis | Message]) -> list[str]:
    first = results["a/1.png"]
    assert isinstance(first, Diagnosis)
    assert first.decision is not None
    return list(first.decision.probabilities)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_is_the_diagnosis_document_and_its_file(
    results: dict[str, Diagnosis | Message],
) -> None:
    diagnosis = results["a/1.png"]
    assert isinstance(diagnosis, Diagnosis)
    assert (
        to_row("a/1.png", diagnosis) == {"file": "a/1.png"} | to_document(diagnosis).json_values()
    )
    row = to_row("x", BROKEN)
    assert row.keys() == {"file", "error"}
    assert row["error"] == {
        "code": "image_unreadable",
        "about": "image",
        "values": {"reason": 'a.png: "empty", export it again'},
        "text": 'a.png: "empty", export it again.',
    }


def test_json_lines_are_the_rows(tmp_path: Path, lines: list[bytes], classes: list[str]) -> None:
    counts = write_rows(tmp_path / "r.jsonl", lines, classes=classes)
    assert (tmp_path / "r.jsonl").read_bytes() == b"".join(line + b"\n" for line in lines)
    assert counts == RowCounts(answered=2, abstained=1, failed=1)


def test_csv_has_the_values_of_the_rows(
    tmp_path: Path, lines: list[bytes], classes: list[str]
) -> None:
    counts = write_rows(tmp_path / "r.csv", lines, classes=classes)
    assert counts == RowCounts(answered=2, abstained=1, failed=1)
    answered, abstained, failed, alone = read_csv(tmp_path / "r.csv")
    row = json.loads(lines[0])
    assert answered["file"] == "a/1.png"
    assert answered["error"] == answered["abstained"] == ""
    assert {name: float(answered[f"probability_{name}"]) for name in classes} == row[
        "probabilities"
    ]
    for name, value in row["confidence"].items():
        assert float(answered[name]) == value
    assert answered["predicted"] == row["predicted"]
    assert answered["zone"] == (row["zone"] or "")
    assert answered["severity_level"] == row["severity"]["level"]
    assert float(answered["severity_score"]) == row["severity"]["score"]
    assert answered["prediction_set"] == "PNEUMONIA;ABNORMAL"
    assert answered["warnings"].split(";") == [each["code"] for each in row["warnings"]]
    assert abstained["abstained"] == json.loads(lines[1])["abstained"]["code"]
    assert abstained["predicted"] == abstained[f"probability_{classes[0]}"] == ""
    assert failed["file"] == "b/=2, ü.png"
    assert (failed["error"], failed["error_text"]) == (
        "image_unreadable",
        'a.png: "empty", export it again.',
    )
    assert alone["severity_level"] == alone["severity_most"] == ""


def test_what_missing_symptoms_leave_open_is_in_the_table(
    tmp_path: Path, make: Callable[..., Diagnosis]
) -> None:
    diagnosis = make(ill=True, rule_base="guideline", missing=("oxygen_level", "confusion"))
    row = to_row("a", diagnosis)
    assert diagnosis.severity is not None
    interval = diagnosis.severity.interval
    assert interval is not None
    assert interval.is_open
    write_rows(
        tmp_path / "r.csv", [json.dumps(row).encode()], classes=["NORMAL", "ABNORMAL", "PNEUMONIA"]
    )
    (cells,) = read_csv(tmp_path / "r.csv")
    assert (cells["severity_least"], cells["severity_most"]) == (interval.least, interval.most)


def test_parquet_is_the_same_table_as_csv(
    tmp_path: Path, lines: list[bytes], classes: list[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    many = lines * 300  # more than one chunk
    for name in ("r.csv", "r.parquet"):
        counts = write_rows(tmp_path / name, many, classes=classes)
        assert counts == RowCounts(answered=600, abstained=300, failed=300)
    table = parquet.read_table(tmp_path / "r.parquet")
    assert table.num_rows == 1200
    cells = [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in table.to_pylist()
    ]
    assert cells == read_csv(tmp_path / "r.csv")


def test_no_row_makes_an_empty_table(tmp_path: Path) -> None:
    for name in ("r.csv", "r.parquet"):
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow")
        assert write_rows(tmp_path / name, [], classes=["A"]) == RowCounts(0, 0, 0)
        assert (tmp_path / name).stat().st_size > 0


def test_a_failure_on_the_way_leaves_the_old_file(
    tmp_path: Path, lines: list[bytes], classes: list[str]
) -> None:
    def broken() -> Iterator[bytes]:
        yield lines[0]
        raise InputError("the journal is gone")

    for name in ("r.jsonl", "r.csv", "r.parquet"):
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow")
        (tmp_path / name).write_text("old")
        with pytest.raises(InputError, match="the journal is gone"):
            write_rows(tmp_path / name, broken(), classes=classes)
        assert (tmp_path / name).read_text() == "old"
    assert not list(tmp_path.glob(".pneumoscope-*"))


def test_other_endings_are_refused(tmp_path: Path) -> None:
    for name in ("r.json", "r", "r.xlsx"):
        with pytest.raises(InputError, match=r"ends in \.jsonl, \.csv, \.parquet"):
            check_rows_file(tmp_path / name)
    check_rows_file(tmp_path / "r.CSV")


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not installed
    with pytest.raises(InputError, match=r"needs pyarrow, .*\.\[tables\]"):
        check_rows_file(tmp_path / "r.parquet")
    check_rows_file(tmp_path / "r.csv")
