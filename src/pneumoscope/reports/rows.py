"""The results of many images: JSON lines, or a flat table as CSV or Parquet."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pneumoscope.documents import clean_text, message_values, to_document
from pneumoscope.errors import InputError
from pneumoscope.files import write_stream
from pneumoscope.findings import Diagnosis, Message

Write = Callable[[bytes, Mapping[str, Any]], object]

_BETWEEN = ";"  # between the classes or codes of one cell; no class and no code has one
_CHUNK = 1000  # rows of a Parquet file that are held in memory
_TEXTS = ("file", "error", "error_text", "abstained", "bundle", "file_sha256", "sex")
_GROUP = ("age_group", "age_group_chosen_by", "view", "predicted")
_CONFIDENCE = ("top1", "margin", "entropy", "certainty_index", "contribution")
_SEVERITY = ("severity_level", "severity_least", "severity_most")


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many images got an answer, were refused (`abstained`), or have an error instead."""

    answered: int
    abstained: int
    failed: int


def to_row(file: str, result: Diagnosis | Message) -> dict[str, object]:
    """Give the result for one of many images as plain JSON values.

    Parameters
    ----------
    file : str
        What tells the image from the others.
    result : Diagnosis or Message
        The diagnosis, or why there is none.

    Returns
    -------
    dict of str to object
        `file`, and then either the diagnosis document (`to_document`) or `error`: `code`, `about`,
        `values` and `text`.
    """
    if isinstance(result, Message):
        return {"file": clean_text(file), "error": message_values([result])[0]}
    return {"file": clean_text(file), **to_document(result).json_values()}


def check_rows_file(path: Path) -> None:
    """Refuse a file that `write_rows` could not write, by its name.

    Raises
    ------
    InputError
        Its name ends in none of .jsonl, .csv and .parquet, or is Parquet and pyarrow is missing.
    """
    ending = path.suffix.lower()
    if ending not in _FORMS:
        raise InputError(f"{path}: give a name that ends in {', '.join(_FORMS)}")
    if ending == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise InputError(
            f"{path}: Parquet needs pyarrow, which is not installed: in the checkout, "
            "python -m pip install '.[tables]'; or give a name that ends in .csv"
        )


def write_rows(path: Path, rows: Iterable[bytes], *, classes: Sequence[str]) -> RowCounts:
    """Write the results of many images; the file is there whole or not at all.

    Few rows are in memory at a time.

    Parameters
    ----------
    path : Path
        Its ending says the form: .jsonl (the rows as they are), .csv or .parquet (a table with one
        column per value; classes and codes of one cell have semicolons between them).
    rows : iterable of bytes
        One JSON object each, from `to_row`.
    classes : sequence of str
        Those that get a column of probabilities.

    Raises
    ------
    InputError
        See `check_rows_file`, or the file cannot be written.
    """
    check_rows_file(path)
    counts: Counter[str] = Counter()
    with write_stream(path) as stream, _FORMS[path.suffix.lower()](stream, classes) as write:
        for line in rows:
            row = json.loads(line)
            counts[_kind(row)] += 1
            write(line, row)
    return RowCounts(counts["answered"], counts["abstained"], counts["failed"])


def _kind(row: Mapping[str, Any]) -> str:
    if "error" in row:
        return "failed"
    return "answered" if row["abstained"] is None else "abstained"


@contextmanager
def _json_lines(stream: BinaryIO, _: Sequence[str]) -> Iterator[Write]:
    yield lambda line, _row: stream.write(line + b"\n")


@contextmanager
def _csv_table(stream: BinaryIO, classes: Sequence[str]) -> Iterator[Write]:
    text = io.TextIOWrapper(stream, "utf-8", newline="")
    table = csv.DictWriter(text, list(_columns(classes)), lineterminator="\n")
    table.writeheader()
    yield lambda _, row: table.writerow(_cells(row))
    text.detach()


@contextmanager
def _parquet_table(stream: BinaryIO, classes: Sequence[str]) -> Iterator[Write]:
    import pyarrow
    import pyarrow.parquet

    types = {str: pyarrow.string(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in _columns(classes).items()])
    held: list[dict[str, object]] = []
    with pyarrow.parquet.ParquetWriter(stream, schema) as table:

        def flush() -> None:
            table.write_table(pyarrow.Table.from_pylist(held, schema=schema))
            held.clear()

        def write(_: bytes, row: Mapping[str, Any]) -> None:
            held.append(_cells(row))
            if len(held) == _CHUNK:
                flush()

        yield write
        flush()


_FORMS = {".jsonl": _json_lines, ".csv": _csv_table, ".parquet": _parquet_table}


def _columns(classes: Sequence[str]) -> dict[str, type]:
    """Name the columns of a table, with what is in them."""
    return {
        **dict.fromkeys(_TEXTS, str),
        "age": float,
        **dict.fromkeys(_GROUP, str),
        **dict.fromkeys(map(_probability, classes), float),
        "zone": str,
        "prediction_set": str,
        "coverage": float,
        **dict.fromkeys(_CONFIDENCE, float),
        **dict.fromkeys(_SEVERITY, str),
        "severity_score": float,
        "warnings": str,
    }


def _probability(name: str) -> str:
    return f"probability_{name}"


def _cells(row: Mapping[str, Any]) -> dict[str, object]:
    """Flatten a row; what it lacks stays empty."""
    if "error" in row:
        error = row["error"]
        return {"file": row["file"], "error": error["code"], "error_text": error["text"]}
    abstained = row["abstained"]
    return {
        "file": row["file"],
        "abstained": None if abstained is None else abstained["code"],
        "bundle": f"{row['bundle']['name']} {row['bundle']['version']}",
        "file_sha256": row["provenance"]["file_sha256"],
        **{name: row["patient"][name] for name in ("age", "sex")},
        **({} if abstained is not None else _answer_cells(row)),
        **({} if row["severity"] is None else _severity_cells(row["severity"])),
        "warnings": _BETWEEN.join(warning["code"] for warning in row["warnings"]),
    }


def _answer_cells(row: Mapping[str, Any]) -> dict[str, object]:
    kept = row["prediction_set"] or {"classes": [], "coverage": None}
    return {
        "age_group": row["age_group"]["name"],
        "age_group_chosen_by": row["age_group"]["chosen_by"],
        "view": row["view"],
        "predicted": row["predicted"],
        **{_probability(name): value for name, value in row["probabilities"].items()},
        "zone": row["zone"],
        "prediction_set": _BETWEEN.join(kept["classes"]),
        "coverage": kept["coverage"],
        **{name: row["confidence"][name] for name in _CONFIDENCE},
    }


def _severity_cells(severity: Mapping[str, Any]) -> dict[str, object]:
    interval = severity["interval"] or {"least": severity["level"], "most": severity["level"]}
    return {
        "severity_level": severity["level"],
        "severity_least": interval["least"],
        "severity_most": interval["most"],
        "severity_score": severity["score"],
    }
