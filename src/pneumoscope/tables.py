"""CSV files that nobody vouches for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pneumoscope.errors import DataError
from pneumoscope.files import read_limited

MAX_TABLE_BYTES = 64 << 20


def read_rows(table: Path, columns: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a CSV file of at most 64 MiB that nobody vouches for.

    Parameters
    ----------
    table : Path
        UTF-8, with or without a byte order mark.
    columns : str
        What its first line must be, for the message of an error.

    Returns
    -------
    header : list of str
    rows : list of (int, list of str)
        Each row that is not blank with its line number, as many cells as the header; all stripped.

    Raises
    ------
    DataError
        It is no plain UTF-8 text, too large, malformed, empty, or has a row of another length.
    OSError
        It cannot be opened.
    """
    try:
        text = read_limited(table, MAX_TABLE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{table}: not UTF-8 text; save it as CSV (UTF-8)") from error
    if "\0" in text:
        raise DataError(f"{table}: not plain text; save it as CSV (UTF-8)")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise DataError(
            f"{table}, line {reader.line_num}: malformed CSV ({error}); check its quotes"
        ) from error
    lines = [(line, row) for line, row in lines if any(row)]
    if not lines:
        raise DataError(f"{table}: empty; its first line must be {columns}")
    header = lines[0][1]
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise DataError(
                f"{table}, line {line}: {len(row)} values for {len(header)} columns; "
                "quote values that hold a comma"
            )
    return header, lines[1:]
