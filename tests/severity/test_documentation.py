"""The cases by hand in docs/explanation, number by number against the program."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.catalogue import to_sentences
from pneumoscope.decision import confidence
from pneumoscope.findings import PatientContext, SeverityLevel
from pneumoscope.reports.wording import severity_words
from pneumoscope.severity import assess, evaluate, load_rule_base
from pneumoscope.severity.guideline_base import load_guideline

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/severity.md").read_text("utf-8")
PUBLISHED = (ROOT / "docs/explanation/severity-baral2025.md").read_text("utf-8")
SYMPTOMS = json.loads((ROOT / "examples/symptoms-borderline.json").read_text("utf-8"))
IMAGE = {"NORMAL": 0.10, "ABNORMAL": 0.16, "PNEUMONIA": 0.74}
WOMAN = PatientContext(68, "F")


def rows(cells, page=PAGE):
    """The page's table rows of so many cells."""
    found = (
        re.split(r" *\| *", line[2:-1].rstrip()) for line in page.splitlines() if line[:1] == "|"
    )
    return [row for row in found if len(row) == cells]


def flat(text):
    return " ".join(text.split())


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


def test_the_arithmetic_of_the_page_gives_its_own_tables(both):
    """With the truths of the page alone: minimum per rule, maximum per level, sum."""
    told = {(row[0], row[1]): float(row[4]) for row in rows(5) if " to " in row[2]}
    fever, oxygen = re.findall(r"\((\S+) - (\S+)\) / \((\S+) - (\S+)\) = (\d\.\d\d)", PAGE)[:2]
    for numbers, key in ((fever, ("fever", "raised")), (oxygen, ("oxygen_level", "low"))):
        value, first, second, again, truth = map(float, numbers)
        assert (value - first) / (second - again) == pytest.approx(truth) == told[key]
    strengths = [row for row in rows(5) if re.match(r"[SML]\d+ ", row[0])]
    table = {row[0].strip("*"): row[1:] for row in rows(3)}
    for column in (0, 1):
        truths = {
            level: max((float(r[3 + column]) for r in strengths if r[1] in worse), default=0.0)
            for level, worse in (
                ("moderate", {"moderate", "severe"}),
                ("mild", {"mild", "moderate", "severe"}),
            )
        }
        for level, truth in truths.items():
            assert float(table[f"at least {level}"][column]) == truth
        assert float(table["score"][column].strip("*")) == pytest.approx(sum(truths.values()))
    assert float(table["score"][0].strip("*")) == pytest.approx(1.30)
    assert "as 1.30 is within 0.25 of 1.5" in PAGE


def test_the_slopes_cuts_and_margins_that_the_page_names_are_the_rules():
    base, text = load_guideline("adult"), flat(PAGE)
    mild, moderate, severe = base.cuts.values()
    assert f"From {mild:g} the level is mild, from {moderate:g} moderate, from {severe:g}" in text
    assert f"within {base.margin:g} of these" in text
    start, full = base.inputs["oxygen_level"].terms["low"]
    assert f'"low" of the SpO2 has two values, [{start:g}, {full:g}]' in text
    assert f"0 at {start:g} %, 1 at {full:g} %, 0.5 at {(start + full) / 2:g} %" in text
    assert base.inputs["confusion"].terms["present"][1] == 0.3
    assert "count as present from 0.3 on" in text
    below, above = (base.inputs[f"oxygen_{side}_target"].terms for side in ("below", "above"))
    reduced, low, very_low, failing = (f"{ends[1]:g}" for ends in below.values())
    assert f'reduced" is full from {reduced} %, "low" from {low} %, "very low" from' in text
    assert f"{very_low} % down" in text
    assert f"{failing} % or less is severe" in text
    first, second, third = (f"{ends[1]:g}" for ends in above.values())
    assert f"{first}, {second} and {third} % are its 1, 2 and 3 points" in text
    assert below["reduced"][0] == 88
    assert above["raised"][0] == 92


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
    assert capsys.readouterr().out.splitlines() == list(to_sentences(both[1].trace))


def test_the_ages_of_the_page_are_those_of_the_rules():
    adult, child = load_guideline("adult").ages, load_guideline("under-five").ages
    assert f"from {adult[0]:g} years" in PAGE
    assert f"from {child[0] * 12:g} months to\n  under {child[1]:g} years" in PAGE


def test_the_missing_measurements_of_the_page_are_the_programs():
    symptoms = json.loads((ROOT / "examples/symptoms-underrated.json").read_text("utf-8"))
    result = assess(symptoms, patient=WOMAN)
    assert f"Severity: {severity_words(result, loud=True)} (rule base guideline)" in PAGE
    (alone,) = (line for line in to_sentences(result.trace) if line.startswith("As bad as can be"))
    assert alone in flat(PAGE)
    normal = {"respiratory_rate": 16, "systolic_pressure": 120}
    closed = assess(symptoms | normal, patient=WOMAN)
    assert closed.interval.least is closed.interval.most is SeverityLevel.MODERATE
    for name, value in normal.items():
        one = assess(symptoms | {name: value}, patient=WOMAN)
        assert one.interval.most is SeverityLevel.SEVERE
    fast = assess(symptoms | {"respiratory_rate": 32}, patient=WOMAN)
    assert fast.level is SeverityLevel.SEVERE
    tutorial = (ROOT / "docs/tutorial/first-diagnosis.md").read_text("utf-8")
    assert f"Severity: {severity_words(result, loud=True)} (rule base guideline)" in tutorial


def test_a_fully_measured_example_has_a_closed_level():
    for name in ("symptoms", "symptoms-borderline"):
        symptoms = json.loads((ROOT / f"examples/{name}.json").read_text("utf-8"))
        interval = assess(symptoms, patient=WOMAN).interval
        assert interval.missing == ()


# The page of the published rule base.
ADULT = json.loads((ROOT / "examples/symptoms-underrated.json").read_text("utf-8"))


@pytest.fixture
def published():
    base = load_rule_base("baral2025")
    values = np.array([[ADULT[name] for name in base.inputs]])
    return base, evaluate(base, values, 0.368)


def test_every_theta_and_set_of_the_published_page_is_the_programs(published):
    base, evaluation = published
    told = [row for row in rows(4, PUBLISHED) if row[0] in base.inputs]
    assert [row[0] for row in told] == list(base.inputs)
    for name, value, theta, shown in told:
        low, high = base.inputs[name]
        assert float(value.split()[0]) == ADULT[name]
        number = (ADULT[name] - low) / (high - low)
        assert float(theta.split("=")[-1]) == pytest.approx(number, abs=5e-4)
        holding = [term for term in base.terms if evaluation.truths[name, term][0]]
        assert shown.split(" (")[0] == (holding[0] if holding else "none")


def test_every_rule_of_the_published_page_fires_as_in_the_program(published):
    base, evaluation = published
    told = [row for row in rows(4, PUBLISHED) if row[1] in ("yes", "no")]
    assert [row[0].split()[0] for row in told] == [rule.name for rule in base.rules]
    sums = dict.fromkeys(SeverityLevel, 0.0)
    for row, rule, fired in zip(told, base.rules, evaluation.fired[0], strict=True):
        assert row[0].split()[1] == rule.operator
        assert row[1] == ("yes" if fired else "no")
        points = f"{rule.level} {base.weights[rule.operator]:g}" if fired else ""
        assert row[3] == points
        sums[rule.level] += base.weights[rule.operator] if fired else 0
    scores = dict(zip(SeverityLevel, evaluation.scores[0], strict=True))
    assert sums == scores
    said = (
        f"Points: severe {scores['severe']:g}, moderate {scores['moderate']:g}, mild "
        f"{scores['mild']:g}, **negligible {scores['negligible']:g}**, together "
        f"{sum(scores.values()):g}."
    )
    assert said in flat(PUBLISHED)
    best, second = sorted(scores.values())[:1:-1]
    assert f"Negligible wins, {best - second:g} points ahead" in flat(PUBLISHED)
    assert not evaluation.borderline[0]
    assert f"would call {best:g} points {base.band(best)}." in flat(PUBLISHED)


def test_the_images_share_on_the_published_page_is_the_programs(published):
    _, evaluation = published
    image = {"PNEUMONIA": 0.9, "NORMAL": 0.05, "ABNORMAL": 0.05}
    assert f"{confidence(image).contribution:.3f}" == "0.368"
    added = (evaluation.adjusted - evaluation.scores)[0, ::-1]
    text = flat(PUBLISHED)
    severe, moderate, mild, negligible = (f"{points:.2f}" for points in added)
    assert (
        f"0.368 * 31 / 86 = {negligible} to negligible, {moderate} to moderate, {mild} to mild, "
        f"{severe} to severe"
    ) in text
    assert ", ".join(f"{points:.2f}" for points in evaluation.adjusted[0, [0, 2, 1, 3]]) in text


def test_the_published_pages_program_prints_its_trace(capsys, monkeypatch):
    code = re.search(r"```python\n(.*?)```", PUBLISHED, re.S)
    monkeypatch.chdir(ROOT)
    exec(code[1], {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "Severity: negligible, with 31 points." in printed
    assert "would call 31 points moderate instead." in printed


def test_the_shares_of_the_other_readings_are_those_of_their_study():
    study = json.loads((ROOT / "docs/studies/baral2025-readings.json").read_text("utf-8"))
    text, levels = flat(PUBLISHED), study["levels"]
    others = [
        f"{levels[f'baral2025-{name}']['other_than_program']:.1%}"
        for name in ("or5", "drawn", "max", "average")
    ]
    assert (
        f"is given to {others[0]} by OR 5, to {others[1]} by the rules as drawn, to {others[2]} by "
        f"equation 13 and to {others[3]} by equation 14."
    ) in text
    program = levels["baral2025"]
    severe, moderate, mild, negligible = (f"{share:.1%}" for share in program["levels"].values())
    assert (
        f"{severe} came out severe, {moderate} moderate, {negligible} negligible and {mild} mild"
        in text
    )
    assert f"{program['borderline']:.1%} were borderline" in text
    assert f"{study['bands']['baral2025']['severe_by_the_band_too']:.1%} have more than 40" in text
