"""`pneumoscope diagnose --out` cut off by real signals, and with a codec that really crashes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import RLELossless

from pneumoscope.bundles import Bundle
from pneumoscope.synthetic import draw_phantom, write_dicom

COUNT = 60
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Many small pictures; names repeat from folder to folder, and two files are broken."""
    rng = np.random.default_rng(0)
    for index in range(COUNT):
        path = tmp_path / "images" / f"{index % 3}" / f"{index // 3:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (200, 200), dtype=np.uint8)).save(path)
    for index in (7, 31):
        (tmp_path / "images" / f"{index % 3}" / f"{index // 3:02}.png").write_bytes(b"\x89PNG")
    return tmp_path / "images"


@pytest.fixture
def start(tiny_bundle: Bundle, tmp_path: Path) -> Iterator[Start]:
    """Start ``pneumoscope diagnose`` with two workers in a process group of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        command = ["diagnose", "--bundle", tiny_bundle.folder, "--workers", 2, *arguments]
        run = subprocess.Popen(
            [sys.executable, "-m", "pneumoscope", *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=os.environ | environment,
            start_new_session=True,
        )
        started.append(run)
        return run

    yield begin
    for run in started:
        if run.poll() is None:
            run.kill()
        run.communicate()


def until_rows(run: subprocess.Popen[bytes], journal: Path, count: int) -> None:
    """Wait until the journal has this many rows, or the run has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and run.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > count:
            return
        time.sleep(0.002)


def ended(run: subprocess.Popen[bytes]) -> tuple[int, str]:
    out, err = run.communicate(timeout=300)
    return run.returncode, (out + err).decode()


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def listed(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_killed_again_and_again_no_row_is_there_twice_or_left_out(
    start: Start, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "r.jsonl"
    journal = tmp_path / "r.jsonl.part"
    chosen = np.random.default_rng(1)
    kept = 0
    for until in (1, 25, 45):
        run = start(images, "--out", out)
        until_rows(run, journal, until)
        time.sleep(chosen.uniform(0, 0.05))
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert not out.exists()
        whole = journal.read_bytes()
        complete = [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()[1:]]
        assert len(complete) >= kept
        kept = len(complete)
        assert len({row["file"] for row in complete}) == kept
    code, told = ended(start(images, "--out", out))
    assert code == 3
    assert re.search(r"going on: \d+ of 60 images", told)
    assert "60 images: 58 answered, 0 without an answer (abstained), 2 with an error." in told
    assert [row["file"] for row in rows(out)] == listed(images)
    assert not journal.exists()


def test_ctrl_c_stops_in_words_and_the_same_command_goes_on(
    start: Start, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "r.csv"
    run = start(images, "--out", out)
    until_rows(run, tmp_path / "r.csv.part", 5)
    workers = children(run.pid)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    code, told = ended(run)
    assert code == 130
    assert re.search(r"\n\d+ of 60 images are done; the same command goes on from there\n", told)
    assert told.endswith("pneumoscope: interrupted\n")
    assert "Traceback" not in told
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ended(start(images, "--out", out))[0] == 3
    assert out.read_text("utf-8").count("\n") == COUNT + 1


def test_a_run_goes_on_only_as_it_began(
    start: Start, images: Path, tmp_path: Path, grouped_bundle: Bundle
) -> None:
    out, journal = tmp_path / "r.jsonl", tmp_path / "r.jsonl.part"
    run = start(images, "--out", out)
    until_rows(run, journal, 1)
    run.send_signal(signal.SIGSTOP)  # so that it is not done before the second begins
    second = ended(start(images, "--out", out))
    run.kill()
    run.wait()
    before = journal.read_bytes()
    assert second[0] == 2
    assert "another run is writing it" in second[1]
    elsewhere = tmp_path / "elsewhere"  # the same names, as of the next patient's export
    shutil.copytree(images, elsewhere)
    others: dict[str, tuple[object, ...]] = {
        "another bundle": (images, "--bundle", grouped_bundle.folder),
        "another rule base": (images, "--rule-base", "baral2025"),
        "another list of images": (images / "0",),
        "another choice of identity": (images, "--with-identity"),
        "another place, size or time of an image": (elsewhere,),
    }
    for told, options in others.items():
        code, said = ended(start(*options, "--out", out))
        assert code == 2
        assert told in said
        assert "delete the file to begin again" in said
    (images / "0" / "00.png").write_bytes((images / "0" / "01.png").read_bytes())
    code, said = ended(start(images, "--out", out))
    assert code == 2
    assert "another place, size or time of an image" in said
    assert journal.read_bytes() == before
    assert not out.exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the workers")
def test_a_killed_worker_costs_one_image(start: Start, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    run = start(images, "--out", out)
    until_rows(run, tmp_path / "r.jsonl.part", 10)
    workers = [
        pid
        for pid in children(run.pid)
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(workers[0], signal.SIGKILL)
    assert ended(run)[0] == 3
    found = rows(out)
    assert [row["file"] for row in found] == listed(images)
    lost = [row for row in found if row.get("error", {}).get("code") == "reading_ended"]
    assert len(lost) <= 1
    assert all("SIGKILL" in row["error"]["text"] for row in lost)


def test_a_terminal_shows_rate_and_time_left(
    images: Path, tmp_path: Path, tiny_bundle: Bundle
) -> None:
    pty = pytest.importorskip("pty")
    command = ["diagnose", images / "0", "--bundle", tiny_bundle.folder, "--out", "r.csv"]
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "pneumoscope", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=tmp_path,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # so a terminal says that nobody writes to it any more
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    assert run.wait(timeout=60) == 0
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"20/20 [\d.]+ per second, 0:00:00 left", plain)


# Stands before the real decoder of RLE, and dies as a broken one would.
CODEC = """
import os, signal

__version__ = "2.2.0"


def decode_pixel_data(src, version=1, **options):
    os.system("echo a patient of that name >&2")
    os.kill(os.getpid(), signal.SIGSEGV)


# The package must look whole.
encode_pixel_data = pack_bits = unpack_bits = decode_pixel_data
"""


def test_a_codec_that_crashes_costs_its_images_and_nothing_else(
    start: Start, images: Path, tmp_path: Path
) -> None:
    for index in (0, 10):
        path = images / "1" / f"{index:02}.dcm"
        write_dicom(draw_phantom(index, size=128), path)
        dataset = dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    healthy = tmp_path / "healthy.jsonl"
    assert ended(start(images / "1", "--out", healthy))[0] == 3
    assert [row["file"] for row in rows(healthy) if "error" in row] == ["02.png", "10.png"]

    (tmp_path / "codec").mkdir()
    (tmp_path / "codec" / "rle.py").write_text(CODEC, "utf-8")
    modules = os.pathsep.join([str(tmp_path / "codec"), os.environ.get("PYTHONPATH", "")])
    out = tmp_path / "r.jsonl"
    code, told = ended(start(images / "1", "--out", out, PYTHONPATH=modules))
    assert code == 3
    assert "that name" not in told
    found = {row["file"]: row for row in rows(out)}
    assert list(found) == [row["file"] for row in rows(healthy)]
    for name in ("00.dcm", "10.dcm"):
        assert found[name]["error"]["code"] == "reading_ended"
        assert "SIGSEGV" in found[name]["error"]["text"]
    assert sum("error" in row for row in found.values()) == 4
