"""What the guideline rules must never do, over the whole space of their inputs."""

from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.errors import InputError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity import INPUTS
from pneumoscope.severity.fuzzy import TNorm
from pneumoscope.severity.guideline_base import guideline_for, load_guideline, parse_guideline
from pneumoscope.severity.guideline_engine import evaluate_guideline

LEVELS = tuple(SeverityLevel)
AGES = {"adult": 40, "child": 2, "infant": 0.5}
OTHERS = {"age": (18, 130), "image_pneumonia": (0, 1), "image_finding": (0, 1)}
BASES = {name: guideline_for(age) for name, age in AGES.items()}
BASES["hypercapnic"] = guideline_for(40, hypercapnic=True)
every_base = pytest.mark.parametrize("base", BASES.values(), ids=BASES)


@cache
def ranges(name):
    symptom = INPUTS.get(name)
    return OTHERS[name] if symptom is None else (symptom.minimum, symptom.maximum)


@st.composite
def cases(draw, base, *, missing=True):
    """Values in the range of the possible, half of them near the slopes, where things happen."""
    row = []
    for name in base.measured:
        ends = [
            e for p in base.inputs.values() if p.of == name for r in p.terms.values() for e in r
        ]
        near = st.floats(max(ranges(name)[0], min(ends) - 1), min(ranges(name)[1], max(ends) + 1))
        kinds = [near, st.sampled_from(ends), st.floats(*ranges(name))]
        row.append(draw(st.one_of(*kinds, st.just(np.nan)) if missing else st.one_of(*kinds)))
    return np.array(row)


def directions(base):
    """Per measured input the signs in which it gets worse: one, or two about its normal value."""
    found = {}
    for part in base.inputs.values():
        first = next(iter(part.terms.values()))
        found.setdefault(part.of, []).append(1 if first[1] > first[0] else -1)
    return found


@every_base
@given(data=st.data())
def test_memberships_are_a_partition_everywhere(base, data):
    row = data.draw(cases(base, missing=False))
    grades = evaluate_guideline(base, row[None]).grades
    for name, part in base.inputs.items():
        truths = [1.0, *(grades[name, term][0] for term in part.terms), 0.0]
        shares = -np.diff(truths)
        assert (shares >= 0).all()
        assert sum(shares) == pytest.approx(1, abs=1e-12)
        if part.only_with is None:
            assert np.count_nonzero(shares) <= 2


@every_base
@given(data=st.data())
def test_a_worse_sign_never_lowers_the_score(base, data):
    row = data.draw(cases(base))
    rows = [row]
    for column, (name, signs) in enumerate(directions(base).items()):
        if np.isnan(row[column]):
            continue
        low, high = ranges(name)
        step = data.draw(st.floats(0, high - low))
        for sign in signs:
            beyond = (row[column] - base.healthy(name)) * sign >= 0
            if len(signs) == 2 and not beyond:
                continue  # towards normal it gets better first
            worse = row.copy()
            worse[column] = np.clip(row[column] + sign * step, low, high)
            rows.append(worse)
    result = evaluate_guideline(base, np.stack(rows))
    assert (result.score >= result.score[0]).all()
    assert (result.level >= result.level[0]).all()


@pytest.mark.parametrize("norm", [TNorm.PRODUCT, TNorm.LUKASIEWICZ])
@settings(max_examples=30)
@given(data=st.data())
def test_a_worse_sign_never_lowers_the_score_by_another_t_norm(norm, data):
    base = replace(BASES["adult"], t_norm=norm)
    row = data.draw(cases(base, missing=False))
    columns = {name: i for i, name in enumerate(base.measured)}
    rows = [row]
    for name, signs in directions(base).items():
        if len(signs) == 1:
            worse = row.copy()
            worse[columns[name]] = ranges(name)[1] if signs[0] > 0 else ranges(name)[0]
            rows.append(worse)
    score = evaluate_guideline(base, np.stack(rows)).score
    assert (score >= score[0] - 1e-12).all()
    assert (score <= evaluate_guideline(BASES["adult"], np.stack(rows)).score + 1e-12).all()


@every_base
@given(data=st.data(), probabilities=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_more_pneumonia_on_the_image_never_lowers_the_score(base, data, probabilities):
    row = data.draw(cases(base))
    normal, abnormal, pneumonia = np.array(probabilities) / max(sum(probabilities), 1e-9)
    names = list(base.measured)
    rows = []
    for share in np.linspace(0, 1, 5):
        # Probability moves to PNEUMONIA from both other classes at once.
        one = row.copy()
        p = pneumonia + share * (normal + abnormal)
        one[names.index("image_pneumonia")] = p
        one[names.index("image_finding")] = p + (1 - share) * abnormal
        rows.append(one)
    assert (np.diff(evaluate_guideline(base, np.stack(rows)).score) >= -1e-12).all()


@every_base
@given(data=st.data())
def test_the_score_is_continuous(base, data):
    """A step of h in one input moves the score by at most 3 h / (its narrowest slope)."""
    row = data.draw(cases(base, missing=False))
    column = data.draw(st.integers(0, len(base.measured) - 1))
    name = base.measured[column]
    widths = [abs(b - a) for p in base.inputs.values() if p.of == name for a, b in p.terms.values()]
    step = data.draw(st.floats(1e-6, 1)) * min(widths)
    moved = row.copy()
    moved[column] += step
    score = evaluate_guideline(base, np.stack([row, moved])).score
    assert abs(score[1] - score[0]) <= 3 * step / min(widths) + 1e-9


@every_base
def test_every_slope_and_rule_can_matter(base):
    """No rule and no input is dead: each changes some case that nothing else does."""
    healthy = np.array([base.healthy(name) for name in base.measured])
    columns = {name: i for i, name in enumerate(base.measured)}
    for rule in base.rules:
        row = healthy.copy()
        for choices in rule.when[: rule.needed]:
            for choice in choices[:1]:
                part = base.inputs[choice.name]
                row[columns[part.of]] = part.terms[choice.term][1]
        result = evaluate_guideline(base, row[None])
        assert result.firing[0, base.rules.index(rule)] == 1, rule.name
        assert result.at_least[0, LEVELS.index(rule.level) - 1] == 1
    used = {c.name for rule in base.rules for choices in rule.when for c in choices}
    assert used == set(base.inputs)


@every_base
@settings(max_examples=20)
@given(data=st.data())
def test_cases_do_not_mix(base, data):
    rows = np.stack([data.draw(cases(base)) for _ in range(3)])
    together = evaluate_guideline(base, rows)
    for i in range(3):
        alone = evaluate_guideline(base, rows[i : i + 1])
        assert alone.score[0] == together.score[i]
        assert alone.level[0] == together.level[i]


@every_base
@given(data=st.data())
def test_a_slow_plain_reading_agrees(base, data):
    """Rule by rule in plain Python, from the words of the file."""
    row = data.draw(cases(base))
    values = dict(zip(base.measured, row.tolist(), strict=True))

    def grade(choice):
        part = base.inputs[choice.name]
        start, full = part.terms[choice.term]
        share = (values[part.of] - start) / (full - start)
        allowed = 1.0 if part.only_with is None else values[part.only_with]
        return 0.0 if np.isnan(share + allowed) else min(max(share, 0.0), allowed)

    best = dict.fromkeys(LEVELS[1:], 0.0)
    for rule in base.rules:
        truths = sorted((max(map(grade, choices)) for choices in rule.when), reverse=True)
        for level in LEVELS[1 : LEVELS.index(rule.level) + 1]:
            best[level] = max(best[level], truths[rule.needed - 1])
    result = evaluate_guideline(base, row[None])
    assert result.at_least[0] == pytest.approx(list(best.values()), abs=1e-12)
    score = sum(best.values())
    assert result.score[0] == pytest.approx(score, abs=1e-12)
    if min(abs(score - cut) for cut in base.cuts.values()) > 1e-9:
        reached = [level for level, cut in base.cuts.items() if score >= cut]
        assert LEVELS[result.level[0]] is (reached[-1] if reached else LEVELS[0])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("low: [95, 93]", "low: [99, 93]", "one way"),
        ("fever at least raised\n", "fever at most raised\n", "at least"),
        ("of: fever_value", "of: temperature", "unknown"),
        ("need: 7\n", "need: 70\n", "too many"),
        ("oxygen_level at least failing", "oxygen_level at least awful", "unknown term"),
        ("only_with: oxygen_therapy", "only_with: oxygen", "only with an unknown"),
        ("t_norm: minimum", "t_norm: average", "t_norm"),
        ("cuts: {mild: 0.5, ", "cuts: {", "cuts"),
        ("inputs:", "input:", "inputs"),
        ("name: S4", "name: S1", "name of its own"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(old, new, words):
    text = (files("pneumoscope.severity") / "rule_bases/guideline/adult.yaml").read_text("utf-8")
    broken = text.replace(old, new)
    assert broken != text
    with pytest.raises(InputError, match=words) as caught:
        parse_guideline(broken, "adult")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["adult", "under-five"])
def test_every_rule_names_its_reference(name):
    references = ("BTS", "CURB-65", "CRB-65", "ERS", "IDSA", "NEWS2", "NICE", "IMCI", "Pocket book")
    for rule in load_guideline(name).rules:
        said = rule.because.startswith((*references, "Cherian", "No guideline's"))
        assert said, rule.name
