"""The terminal: complete, and safe with foreign text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pneumoscope.catalogue import to_sentence, to_sentences
from pneumoscope.documents import to_document
from pneumoscope.findings import About, BundleIdentity, Message, SeverityLevel
from pneumoscope.reports import format_probability, to_text
from pneumoscope.reports.answer import headline, map_words, point_words, result_words
from pneumoscope.severity import SYMPTOMS


@pytest.fixture
def make(make):
    """The documents of made-up diagnoses."""
    return lambda **changes: to_document(make(**changes))


def show(renderable, *, width: int = 200, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=colour, no_color=not colour).print(renderable)
    return out.getvalue()


def joined(text: str) -> str:
    """Drop the frames and line breaks."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("width", [60, 200])
def test_every_variant_says_what_it_must(diagnosis, width):
    text = joined(show(to_text(diagnosis), width=width))
    assert diagnosis.notice in text
    for warning in to_sentences(diagnosis.warnings):
        assert warning in text
    assert headline(diagnosis).line in text
    for name, words in result_words(diagnosis):
        assert f"{name}: {words}" in text
    for words in map_words(diagnosis):
        assert words in text
    if diagnosis.abstained is None:
        for words in point_words(diagnosis.decision):
            assert words in text
        assert "not a probability" in text
        published = diagnosis.severity and diagnosis.severity.rule_base == "baral2025"
        assert ("share in the severity" in text) == bool(published)
        for value in diagnosis.decision.probabilities.values():
            assert format_probability(value) in text
    if diagnosis.severity is not None:
        assert f"Severity: {diagnosis.severity.level.upper()}" in text
        assert all(rule.rule in text for rule in diagnosis.severity.fired)
        if diagnosis.severity.rule_base == "guideline":
            for score in diagnosis.severity.bedside:
                assert to_sentence(score.agreement) in text
            assert to_sentence(diagnosis.severity.trace[-1]) in text


def test_a_level_that_missing_symptoms_leave_open_is_never_given_alone(make):
    few = {"ill": True, "rule_base": "guideline", "missing": ("oxygen_level", "confusion")}
    diagnosis = make(**few)
    assert diagnosis.severity.interval.most is SeverityLevel.SEVERE
    missing = "confusion, oxygen level, respiratory rate, systolic pressure"
    head = f"Severity: {diagnosis.severity.level.upper()} to SEVERE, until known: {missing}"
    assert head in joined(show(to_text(diagnosis)))


def test_a_headline_counts_what_is_missing_where_it_is_much(make):
    diagnosis = make(ill=True, rule_base="guideline", missing=tuple(SYMPTOMS))
    assert "until known: 13 values that were not given" in joined(show(to_text(diagnosis)))


def test_what_limits_the_answer_stands_beside_it(make):
    warnings = (
        Message("rule_base_as_published", About.SEVERITY, {"rule_base": "baral2025"}),
        Message("for_processing", About.IMAGE),
    )
    caveat, raw = to_sentences(warnings)
    text = joined(show(to_text(make(ill=True, warnings=warnings))))
    order = (
        "PNEUMONIA: positive",
        "What it means: ",
        f"Warning: {raw}",
        "no finding that the network was taught",
        "Severity: ",
        f"Warning: {caveat}",
        "Points per level",
    )
    places = [text.index(line) for line in order]
    assert places == sorted(places)


def test_there_is_one_headline(make):
    """The most probable class is bold in its table, never a second result."""
    text = joined(show(to_text(make(pneumonia=0.31))))
    assert text.count("indeterminate (probability") == 1
    for name in ("NORMAL", "ABNORMAL"):
        assert f"{name}:" not in text
        assert f"{name} positive" not in text


def test_a_class_that_was_not_taught_is_marked_in_the_table(make):
    text = joined(show(to_text(make(untaught=True))))
    assert "ABNORMAL 0.000 not taught" in text
    assert "not taught" not in joined(show(to_text(make())))


@pytest.mark.parametrize("colour", [False, True])
def test_foreign_text_is_neither_markup_nor_control(make, colour):
    attack = "[bold]a[/nothing]\x1b]0;title\x07\r\n\x9b31m\u202e"
    warning = Message("must_not_be_used", About.MODEL, {"bundle": "b", "uses": (attack,)})
    bundle = BundleIdentity(attack, "1", "0" * 64)
    diagnosis = make(name=attack, bundle=bundle, warnings=(warning,))
    text = show(to_text(diagnosis), colour=colour)
    shown = r"[bold]a[/nothing]\x1b]0;title\x07\r\n\x9b31m\u202e"
    assert text.count(shown) == 3
    assert not any(char in text for char in "\x07\r\x9b\u202e")
    assert "\x1b]" not in text
