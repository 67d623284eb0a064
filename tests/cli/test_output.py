"""Files whole or not at all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pneumoscope.cli.output import check_targets
from pneumoscope.errors import InputError
from pneumoscope.files import write_files

SIZE = 8_000_000


def test_files_are_written_with_the_users_rights(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_files({tmp_path / "a": b"one", tmp_path / "b": b"two"})
    finally:
        os.umask(before)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"one",
        "b": b"two",
    }
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_nothing_gets_its_name_where_one_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(InputError, match="cannot be written"):
        write_files({tmp_path / "a": b"new", tmp_path / "absent" / "b": b"x"})
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    write_files({tmp_path / "link": b"x"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"x"


def test_nothing_in_a_folder_that_is_read_is_replaced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "a").mkdir(parents=True)
    (data / "a" / "0001.png").write_bytes(b"image")
    (tmp_path / "link").symlink_to(data / "a" / "0001.png")
    for path in (data / "a" / "0001.png", tmp_path / "link"):
        with pytest.raises(InputError, match="would overwrite a file in the input folder"):
            check_targets({"--json": path}, sources=[data])
    check_targets({"--json": data / "new.json"}, sources=[data])


def test_a_name_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    check_targets({"--json": path})
    write_files({path: b"x"})
    assert path.read_bytes() == b"x"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"):
            check_targets({"--json": tmp_path / "a"})
        with pytest.raises(InputError, match="cannot be written"):
            write_files({tmp_path / "a": b"x"})
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_process_leaves_no_half_file(tmp_path: Path) -> None:
    target = tmp_path / "out"
    program = (
        "import sys\nfrom pathlib import Path\nfrom pneumoscope.files import write_files\n"
        f"while True:\n    for fill in b'ab':\n"
        f"        write_files({{Path(sys.argv[1]): bytes([fill]) * {SIZE}}})\n"
    )
    for delay in (0.0, 0.013, 0.029):
        target.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", program, str(target)])
        try:
            deadline = time.monotonic() + 20
            while not target.exists() and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(delay)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        content = target.read_bytes()
        assert len(content) == SIZE
        assert content.count(content[:1]) == SIZE


def test_a_replaced_file_keeps_its_rights(tmp_path: Path) -> None:
    private = tmp_path / "report.html"
    private.write_bytes(b"old")
    private.chmod(0o600)
    write_files({private: b"new"})
    assert private.read_bytes() == b"new"
    assert private.stat().st_mode & 0o777 == 0o600
