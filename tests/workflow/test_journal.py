"""The journal of a run: what it keeps when the process is killed, and whom it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pneumoscope.errors import InputError
from pneumoscope.workflow.journal import Journal

FILES = ["a/x.png", "b/x.png", "ü.png", "d.png"]
HEADER = {"bundle": "tiny 0.1", "rule base": "guideline"}


def row(file: str, more: object = None) -> bytes:
    return json.dumps({"file": file, "more": more}, ensure_ascii=False).encode()


def fill(path: Path) -> list[bytes]:
    """Add what is missing, last first; gives the rows in the order of the input."""
    with Journal(path, HEADER, FILES) as journal:
        for index in reversed(journal.missing):
            journal.append(index, row(FILES[index]))
        return list(journal.rows())


def test_rows_come_in_the_order_of_the_input(tmp_path: Path) -> None:
    rows = fill(tmp_path / "j")
    assert [json.loads(line)["file"] for line in rows] == FILES
    lines = (tmp_path / "j").read_bytes().splitlines()
    assert [json.loads(line).get("file") for line in lines] == [None, *reversed(FILES)]


def test_a_file_cut_anywhere_is_completed_to_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "j"
    rows = fill(path)
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        with Journal(path, HEADER, FILES) as journal:
            complete = sum(end <= length for end in ends[1:])
            assert len(journal.missing) == len(FILES) - complete, length
        assert fill(path) == rows
        assert path.read_bytes() == whole


def test_what_a_power_cut_leaves_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    rows = fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30] + bytes(29) + b"\n")
    assert fill(path) == rows


def test_a_run_with_other_options_is_refused_by_their_name(tmp_path: Path) -> None:
    path = tmp_path / "j"
    fill(path)
    before = path.read_bytes()
    for name in HEADER:
        with pytest.raises(InputError, match=f"another {name}; .* delete the file"):
            Journal(path, HEADER | {name: "other"}, FILES)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"file,label\n",
        b"no newline",
        b'{"other": 1}\n',
        b"[]\n",
        b"\0\0\n",
        json.dumps(HEADER).encode() + b"\n" + row("not-listed.png") + b"\n",
        json.dumps(HEADER).encode() + b"\n" + (row(FILES[0]) + b"\n") * 2,
    ],
)
def test_a_file_of_another_kind_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"j: .*delete the file"):
        Journal(path, HEADER, FILES)
    assert path.read_bytes() == content


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "j"
    with Journal(path, HEADER, FILES), pytest.raises(InputError, match="another run is writing"):
        Journal(path, HEADER, FILES)
    with Journal(path, HEADER, FILES) as journal:
        assert journal.missing == [0, 1, 2, 3]


def test_a_place_that_cannot_be_written(tmp_path: Path, named_pipe: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path / "nowhere" / "j", HEADER, FILES)
    for place in (tmp_path, named_pipe):
        with pytest.raises(InputError, match="no plain file"):
            Journal(place, HEADER, FILES)


def test_a_full_disk_is_told_and_costs_no_whole_row(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "j"
    with Journal(path, HEADER, FILES) as journal:
        journal.append(0, row(FILES[0]))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        with Journal(path, HEADER, FILES) as journal, pytest.raises(InputError, match="make room"):
            journal.append(1, row(FILES[1], "x" * 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with Journal(path, HEADER, FILES) as journal:
        assert journal.missing == [1, 2, 3]


def test_a_disk_that_is_full_at_the_start_is_told(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, before[1]))
    try:
        with pytest.raises(InputError, match="make room"):
            Journal(tmp_path / "j", HEADER, FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with Journal(tmp_path / "j", HEADER, FILES) as journal:
        assert journal.missing == [0, 1, 2, 3]


@pytest.fixture
def named_pipe(tmp_path: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"
