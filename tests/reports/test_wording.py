"""Words and numbers that all reports share."""

from __future__ import annotations

import unicodedata
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentences
from pneumoscope.documents import to_document
from pneumoscope.findings import About, Message, PatientContext, SeverityLevel
from pneumoscope.reports import format_probability, format_threshold, plain
from pneumoscope.reports.wording import (
    LEVEL_MEANINGS,
    confidence_words,
    level_meaning,
    possible_levels,
    split_warnings,
)
from pneumoscope.severity import assess


@given(st.floats(0, 1))
@example(0.9996)
@example(0.9995)
@example(0.0004)
@example(0.0005)
def test_a_probability_never_looks_surer_than_it_is(value):
    shown = format_probability(value)
    if shown[0] in "<>":
        assert 0 < value < 0.0005 or 0.9995 <= value < 1
    else:
        assert abs(float(shown) - value) <= 0.0005 + 1e-12
        assert shown not in {"0.000", "1.000"} or value in {0, 1}


@given(st.floats(0, 1))
@example(0.014074917684314904)
@example(0.9999)
@example(1 - 2**-53)
def test_a_threshold_keeps_four_digits_from_the_end_that_it_is_near(value):
    """So rounding moves it by less than a thousandth of the way to 0 and of that to 1."""
    shown = float(format_threshold(value))
    assert abs(shown - value) <= 0.00051 * min(value, 1 - value)
    assert (shown in {0, 1}) == (value in {0, 1})


@given(st.text())
def test_plain_leaves_nothing_harmful_and_keeps_the_rest(text):
    shown = plain(text)
    shown.encode("utf-8")
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert shown.encode().decode() == plain(shown)
    if text.isascii() and text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[31mb", r"a\x1b[31mb"), ("x\n", r"x\n"), ("gpj\u202e.", r"gpj\u202e."), ("é中", "é中")],
)
def test_plain_shows_what_was_there(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize("ill", [False, True])
def test_the_image_has_a_share_only_in_a_severity(make, ill):
    words = confidence_words(make().decision.confidence, with_severity=ill)
    assert any("share in the severity" in line for line in words) == ill


def test_splitting_loses_no_warning_and_keeps_the_order(make):
    ours = tuple(
        Message(code, About.SEVERITY, {"rule_base": "baral2025"})
        for code in ("rule_base_as_published", "level_jumps")
    )
    # A bundle's name is no sign of what a message is about.
    named = {"bundle": "baral2025", "uses": ("any guideline",)}
    others = (
        Message("for_processing", About.IMAGE),
        Message("must_not_be_used", About.MODEL, named),
    )
    for order in permutations((*ours, *others)):
        parts = split_warnings(to_document(make(ill=True, warnings=order)))
        for part, expected in zip(parts, (ours, others), strict=True):
            assert part == to_sentences(each for each in order if each in expected)


def test_without_a_severity_every_warning_is_of_the_image(make):
    warnings = (
        Message("no_severity", About.SEVERITY, {"reason": "no age"}),
        Message("for_processing", About.IMAGE),
    )
    assert split_warnings(to_document(make(warnings=warnings))) == ((), to_sentences(warnings))


def test_a_level_says_what_it_means_and_an_open_one_both_ends():
    assert set(LEVEL_MEANINGS) == set(SeverityLevel)
    adult = PatientContext(40)
    severe = assess({"oxygen_level": 80}, patient=adult)
    assert possible_levels(severe) == (SeverityLevel.SEVERE,)
    assert level_meaning(severe) == f"Severe: {LEVEL_MEANINGS[SeverityLevel.SEVERE]}."
    unknown = assess({"oxygen_level": 98}, patient=adult)
    assert possible_levels(unknown) == tuple(SeverityLevel)
    words = level_meaning(unknown)
    assert words.startswith("Negligible: ")
    assert "does not say that the patient is well. Severe: " in words
    assert "Mild" not in words


def test_the_page_about_severity_gives_the_meanings_word_for_word():
    page = Path(__file__).parents[2] / "docs" / "explanation" / "severity.md"
    told = " ".join(page.read_text("utf-8").split())
    for level, meaning in LEVEL_MEANINGS.items():
        assert f"**{level}**: {meaning}" in told
