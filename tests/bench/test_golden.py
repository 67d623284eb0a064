"""`bench/golden.py --compare`: what counts as a difference between two files of answers."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "bench/golden.py"
DOCUMENT = {
    "probabilities": {"NORMAL": 0.1 + 0.2, "PNEUMONIA": 0.7},
    "operating_points": [{"purpose": "rule_out", "threshold": 1, "rule": "a sensitivity of 0.95"}],
    "abstained": {"code": "rotated", "values": {}, "text": "The picture lies on its side."},
    "severity": {"fired": [{"rule": "S1", "because": "a page"}]},
    "change": {"direction": "stable", "reasons": [{"code": "no_trend", "text": "No trend."}]},
    "note": {"code": "symptoms_missing", "values": {"missing": ["fatigue"]}, "text": "Missing."},
    "heatmap": {"why_not_outlined": None},
    "warnings": [
        {"code": "no_header", "text": "No header."},
        {"code": "not_validated", "text": "Not validated."},
    ],
}


def answers(document: Any = DOCUMENT) -> dict[str, Any]:
    return {"answers": {"diagnose 00.jpg": {"exit_code": 0, "document": document}}}


def compare(folder: Path, new: Any, old: Any = None) -> tuple[int, str]:
    for name, whole in (("old", old or answers()), ("new", new)):
        (folder / f"{name}.json").write_text(json.dumps(whole), "utf-8")
    return run(folder / "old.json", folder / "new.json")


def run(old: Path, new: Path) -> tuple[int, str]:
    command = [sys.executable, str(SCRIPT), "--compare", str(old), str(new)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout + ended.stderr


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return answers(document)


def test_the_same_is_told(tmp_path: Path) -> None:
    assert compare(tmp_path, answers()) == (0, "the same: 1 answers\n")


def reword(document: dict[str, Any]) -> None:
    document["operating_points"][0]["rule"] = "words"
    document["abstained"]["text"] = "Other words."
    document["severity"]["fired"][0] |= {"because": ""}
    document["change"]["reasons"][0]["text"] = "words"
    document["note"]["text"] = "words"
    document["warnings"][0]["text"] = "It has no header."


def test_other_words_are_no_difference(tmp_path: Path) -> None:
    assert compare(tmp_path, changed(reword))[0] == 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            lambda d: d["probabilities"].update(NORMAL=math.nextafter(0.1 + 0.2, 1)),
            "probabilities.NORMAL: 0.30000000000000004 in OLD, 0.3000000000000001 in NEW",
        ),
        (lambda d: d["operating_points"][0].update(threshold=1.0), "operating_points[0].threshold"),
        (
            lambda d: d["operating_points"][0].update(threshold=True),
            "operating_points[0].threshold",
        ),
        (lambda d: d["probabilities"].pop("PNEUMONIA"), "probabilities.PNEUMONIA: only in OLD"),
        (lambda d: d["probabilities"].update(ABNORMAL=0.0), "probabilities.ABNORMAL: only in NEW"),
        (lambda d: d["severity"]["fired"].clear(), "severity.fired: 1 entries in OLD, 0 in NEW"),
        (lambda d: d["severity"]["fired"][0].update(rule="S2"), "severity.fired[0].rule"),
        (lambda d: d["abstained"].update(code="inverted"), "abstained.code"),
        (lambda d: d["warnings"].pop(), "warnings: 2 entries in OLD, 1 in NEW"),
        (lambda d: d["warnings"][0].update(code="other"), "warnings[0].code"),
        (lambda d: d["note"]["values"].update(missing=["fever"]), "note.values.missing[0]"),
        (lambda d: d["heatmap"].update(why_not_outlined="words"), "heatmap.why_not_outlined"),
    ],
)
def test_a_difference_is_named_and_nothing_else(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], path: str
) -> None:
    code, told = compare(tmp_path, changed(change))
    assert code == 1
    lines = told.splitlines()
    assert len(lines) == 2
    assert f"answers.diagnose 00.jpg.document.{path}" in lines[0]
    assert lines[1] == "1 differences"


def test_a_lost_answer_is_a_difference(tmp_path: Path) -> None:
    whole = answers()
    whole["answers"]["severity child"] = {"exit_code": 2, "document": None}
    code, told = compare(tmp_path, answers(), old=whole)
    assert code == 1
    assert "answers.severity child: only in OLD" in told


def test_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    other = changed(lambda d: d["probabilities"].update(PNEUMONIA=0.8))
    for folder, second in (("old", answers()), ("same", answers()), ("new", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.json").write_text(json.dumps(answers()), "utf-8")
        (tmp_path / folder / "b.json").write_text(json.dumps(second), "utf-8")
    assert run(tmp_path / "old", tmp_path / "same") == (0, "the same: 2 answers\n")
    code, told = run(tmp_path / "old", tmp_path / "new")
    assert code == 1
    assert "answers.b.json diagnose 00.jpg.document.probabilities.PNEUMONIA: 0.7 in OLD" in told
    assert "a.json" not in told


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"answers": {}}'])
def test_a_file_without_answers_is_never_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.json").write_text(text, "utf-8")
    code, told = run(tmp_path / "empty.json", tmp_path / "empty.json")
    assert code == 1
    assert "the same" not in told
    assert "Traceback" not in told
