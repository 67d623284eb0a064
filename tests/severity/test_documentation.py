"""The case by hand in docs/explanation/severity.md, number by number against the program."""

import json
import re
from pathlib import Path

import pytest

from pneumoscope.findings import PatientContext, SeverityLevel
from pneumoscope.severity import assess
from pneumoscope.severity.guideline_base import load_guideline

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/severity.md").read_text("utf-8")
SYMPTOMS = json.loads((ROOT / "examples/symptoms-borderline.json").read_text("utf-8"))
IMAGE = {"NORMAL": 0.10, "ABNORMAL": 0.16, "PNEUMONIA": 0.74}
WOMAN = PatientContext(68, "F")


def rows(cells):
    """The page's table rows of so many cells."""
    found = (re.split(r" *\| *", line.strip("| ")) for line in PAGE.splitlines() if line[:1] == "|")
    return [row for row in found if len(row) == cells]


@pytest.fixture
def both():
    return [assess(SYMPTOMS, probabilities=image, patient=WOMAN) for image in (None, IMAGE)]


def test_every_slope_and_truth_of_the_page_is_the_programs(both):
    inputs = {graded.name: graded for graded in both[1].inputs}
    slopes = [row for row in rows(5) if " to " in row[2]]
    assert len(slopes) == 9
    for name, term, slope, value, truth in slopes:
        start, full = inputs[name].slopes[term]
        assert slope == f"{start:g} to {full:g}"
        assert inputs[name].value == pytest.approx(float(value))
        share = min(max((float(value) - start) / (full - start), 0), 1)
        assert truth == f"{share:.2f}"


def test_every_rule_that_fires_is_on_the_page_with_its_strength(both):
    told = {row[0].split()[0]: row for row in rows(5) if re.match(r"[SML]\d+ ", row[0])}
    level = {rule.name: rule.level for rule in load_guideline("adult").rules}
    for column, result in zip((3, 4), both, strict=True):
        fired = {r.rule: f"{r.strength:.2f}" for r in result.fired if r.rule != "N0"}
        shown = {name: row[column] for name, row in told.items()}
        assert {name: value for name, value in shown.items() if value != "0.00"} == fired
    assert all(row[1] == level[name] for name, row in told.items())


def test_the_scores_and_levels_of_the_page_are_the_programs(both):
    table = {row[0].strip("*"): row[1:] for row in rows(3)}
    for level in list(SeverityLevel)[1:]:
        assert table[f"at least {level}"] == [f"{one.adjusted[level]:.2f}" for one in both]
    assert table["score"] == [f"**{one.score:.2f}**" for one in both]
    words = [f"{one.level}{', borderline' if one.borderline else ''}" for one in both]
    assert table["level"] == words


def test_the_pages_program_prints_the_same_level(both, capsys, monkeypatch):
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)
    monkeypatch.chdir(ROOT)
    exec(code[1], {})  # noqa: S102
    assert capsys.readouterr().out.splitlines() == list(both[1].trace)


def test_the_ages_of_the_page_are_those_of_the_rules():
    adult, child = load_guideline("adult").ages, load_guideline("under-five").ages
    assert f"from {adult[0]:g} years" in PAGE
    assert f"from {child[0] * 12:g} months to\n  under {child[1]:g} years" in PAGE
