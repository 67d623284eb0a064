"""Worker processes that crash, hang or cannot start; all of them are real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.errors import InputError
from pneumoscope.workflow.workers import Lost, WorkerError, answer_all

# Worker processes must be able to import what they run.
HELPER = """
import os, signal, sys, time

from pneumoscope.errors import InputError


def make():
    return answer


def answer(number):
    if number == 2:
        os._exit(7)
    if number == 4:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 6:
        time.sleep(600)
    return number, os.getpid()


def make_talkative():
    return talk


def talk(number):
    print("Quuxley")
    os.system("echo Quuxley; echo Quuxley >&2")
    sys.stderr.write("Quuxley")
    return number


def refuse():
    raise InputError("the bundle is broken; export it again")


def die():
    os._exit(9)


def make_patient():
    return time.sleep
"""


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    name = f"worker_helper_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(HELPER, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return __import__(name)


def test_a_crash_takes_one_task_with_it(helper: Any) -> None:
    outcomes = list(answer_all(helper.make, range(10), workers=2, patience=20))
    assert sorted(task for task, _ in outcomes) == list(range(10))
    answers = dict(outcomes)
    assert answers.pop(2) == Lost(7)
    assert answers.pop(4) == Lost(-signal.SIGSEGV)
    assert answers.pop(6) == Lost(None)
    assert all(answer[0] == task for task, answer in answers.items())
    # More processes than two: those that died were replaced.
    assert len({answer[1] for answer in answers.values()} | {os.getpid()}) > 2


def test_the_last_task_may_crash(helper: Any) -> None:
    assert list(answer_all(helper.make, [2], workers=1, patience=60)) == [(2, Lost(7))]


def test_what_codecs_print_is_shown_nowhere(helper: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert list(answer_all(helper.make_talkative, [1], workers=1, patience=60)) == [(1, 1)]
    assert capfd.readouterr() == ("", "")


def test_an_error_before_the_first_task_is_told(helper: Any) -> None:
    with pytest.raises(InputError, match="the bundle is broken"):
        list(answer_all(helper.refuse, [1], workers=2, patience=60))


def test_a_process_that_cannot_start_ends_the_run(helper: Any) -> None:
    with pytest.raises(WorkerError, match="ended with code 9"):
        list(answer_all(helper.die, [1], workers=1, patience=60))


def test_closing_stops_a_busy_process_at_once(helper: Any) -> None:
    answers = answer_all(helper.make_patient, [0, 600], workers=1, patience=900)
    assert next(answers) == (0, None)
    began = time.monotonic()
    answers.close()
    assert time.monotonic() - began < 30


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the processes")
def test_no_process_outlives_a_killed_run(helper: Any, tmp_path: Path) -> None:
    program = (
        f"import {helper.__name__} as helper\n"
        "from pneumoscope.workflow.workers import answer_all\n"
        "if __name__ == '__main__':\n"
        "    for _ in answer_all(helper.make_patient, [0.2] * 1000, workers=2, patience=60):\n"
        "        print('.', flush=True)\n"
    )
    (tmp_path / "run.py").write_text(program, "utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    }
    run = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py")], stdout=subprocess.PIPE, env=environment
    )
    with run:
        assert run.stdout is not None
        run.stdout.readline()
        workers = children(run.pid)
        assert len(workers) >= 2
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert eventually(lambda: not any(Path("/proc", str(pid)).exists() for pid in workers))


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()
