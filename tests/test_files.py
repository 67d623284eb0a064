"""Files are read within limits, and only where reading ends; what fails is told in one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pneumoscope.errors import InputError
from pneumoscope.files import read_limited, told, write_stream


@pytest.mark.parametrize("size", [0, 1, 4096])
def test_a_file_within_the_limit_is_read_whole(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert read_limited(tmp_path / "file", 4096) == content


@pytest.mark.parametrize(("limit", "said"), [(2048, "2 KiB"), (3 << 20, "3 MiB")])
def test_one_byte_more_is_refused(tmp_path: Path, limit: int, said: str) -> None:
    with (tmp_path / "file").open("wb") as stream:
        stream.truncate(limit)
    assert len(read_limited(tmp_path / "file", limit)) == limit
    with (tmp_path / "file").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(OSError, match="larger than") as caught:
        read_limited(tmp_path / "file", limit)
    assert caught.value.strerror == f"larger than {said}"


def test_a_file_without_end_is_read_to_the_limit_only(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: it takes no room, but memory could not hold it
    with pytest.raises(OSError, match="larger than 1 MiB"):
        read_limited(tmp_path / "file", 1 << 20)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_limited(tmp_path / "link", 10) == b"x"


def test_a_missing_file_is_called_missing(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "absent", tmp_path / "dangling", tmp_path / "absent" / "file"):
        with pytest.raises(FileNotFoundError) as caught:
            read_limited(path, 10)
        assert caught.value.strerror == "no such file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    # Opened, it would wait for a writer for ever.
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a plain file"):
        read_limited(tmp_path / "pipe", 10)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "/dev"])
def test_a_device_or_a_folder_is_not_opened(place: str) -> None:
    with pytest.raises(OSError, match="not a plain file"):
        read_limited(Path(place), 10)


def test_what_cannot_be_written_is_told_in_one_line() -> None:
    with pytest.raises(InputError) as caught, told("out.json"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    message = str(caught.value)
    assert message.startswith(f"out.json: cannot be written ({os.strerror(errno.ENOSPC)})")
    assert "give another place" in message
    assert message.isprintable()


def test_a_reader_that_went_away_is_left_to_the_caller() -> None:
    with pytest.raises(BrokenPipeError), told("stdout"):
        raise BrokenPipeError(errno.EPIPE, "gone")


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), told("out.json"):
        raise ZeroDivisionError


def test_a_stream_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with write_stream(target) as stream:
        stream.write(b"one ")
        assert not target.exists()
        stream.write(b"two")
    assert target.read_bytes() == b"one two"
    interrupted = write_stream(target)
    interrupted.__enter__().write(b"half")
    error = RuntimeError("on the way")
    assert not interrupted.__exit__(RuntimeError, error, None)
    assert target.read_bytes() == b"one two"
    assert list(tmp_path.iterdir()) == [target]


def test_a_stream_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    missing = write_stream(tmp_path / "nowhere" / "out")
    with pytest.raises(InputError, match="out: cannot be written"), missing:
        pass
