"""The command line as its own process: exit codes, and who writes where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumoscope import __version__
from pneumoscope.bundles import Bundle

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``python -m pneumoscope`` in a folder that is not the checkout."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def start(
        *arguments: object, stdout: int = subprocess.PIPE, **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "pneumoscope", *map(str, arguments)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=elsewhere,
            env=os.environ | environment,
            timeout=60,
        )

    return start


def one_line(stderr: bytes) -> str:
    text = stderr.decode()
    assert text.startswith("pneumoscope: ")
    assert text.count("\n") == 1
    return text


def test_a_wrong_choice_is_told_in_plain_words(cli) -> None:
    ended = cli("study", "li2025", "--scale", "huge")
    assert ended.code == 2
    assert "Invalid value for '--scale': 'huge' is not one of 'full'" in ended.err


def test_a_result_leaves_stdout_to_the_document(
    run: Run, picture: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    home = str(tiny_bundle.folder.parents[1])
    ended = run(
        *("diagnose", picture, "--bundle", "tiny", "--json", "-", "--overlay", "a.png"),
        *("--report", tmp_path / "a.html"),
        PNEUMOSCOPE_HOME=home,
    )
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["predicted"] == "PNEUMONIA"
    # The terms of the training data, said once.
    assert ended.stderr.decode().count("LICENSE-BUNDLE") == 1
    assert ended.stderr.count(b"\n") == 1
    assert (tmp_path / "elsewhere" / "a.png").stat().st_size > 0
    assert (tmp_path / "a.html").stat().st_size > 0


def test_an_image_that_cannot_be_read_is_bad_input(run: Run, bundle: str, tmp_path: Path) -> None:
    image = tmp_path / "cut.jpg"
    image.write_bytes(b"\xff\xd8\xff\xe0 and no more")
    ended = run("diagnose", image, "--bundle", bundle, "--json", "-")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert "cut.jpg" in one_line(ended.stderr)


def test_a_broken_installation_is_our_fault(
    run: Run, picture: Path, bundle: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "cv2.py").write_text("raise RuntimeError('libGL is missing')\n", "utf-8")
    ended = run("diagnose", picture, "--bundle", bundle, "--json", "-", PYTHONPATH=str(broken))
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert "libGL is missing" in one_line(ended.stderr)
    told = run("-v", "diagnose", picture, "--bundle", bundle, PYTHONPATH=str(broken))
    assert told.returncode == 1
    assert b"Traceback" in told.stderr


@pytest.mark.parametrize("form", [["--json", "-"], []])
def test_a_reader_that_went_away_gets_no_traceback(
    run: Run, picture: Path, bundle: str, form: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = run("-q", "diagnose", picture, "--bundle", bundle, *form, stdout=writing)
    finally:
        os.close(writing)
    assert ended.stderr == b""
    assert ended.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("form", [["--json", "-"], []])
def test_a_full_disk_behind_stdout_is_told(
    run: Run, picture: Path, bundle: str, form: list[str]
) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = run("-q", "diagnose", picture, "--bundle", bundle, *form, stdout=full.fileno())
    assert ended.returncode == 2
    assert "No space left" in one_line(ended.stderr)


def test_a_terminal_without_unicode_still_gets_the_result(
    run: Run, picture: Path, bundle: str
) -> None:
    ended = run("-q", "diagnose", picture, "--bundle", bundle, PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"PNEUMONIA: " in ended.stdout
    assert ended.stdout.isascii()


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout.decode().strip() == f"pneumoscope {__version__}"
    told = run("--help")
    assert told.returncode == 0
    for command in (
        "diagnose",
        "evaluate",
        "compare",
        "data",
        "networks",
        "train",
        "export",
        "phantom",
        "bundle",
    ):
        assert command in told.stdout.decode()
