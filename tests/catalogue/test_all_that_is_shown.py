"""Every sentence that a user sees in a terminal, a page or the JSON is worded by the catalogue.

Everything is shown in a language in which the catalogue's words stand in brackets. What then stands
outside of brackets are labels, the notice, and foreign text: a guideline's sentence, or a bundle's
own words.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console, RenderableType

from pneumoscope.catalogue import ENGLISH
from pneumoscope.documents import (
    Document,
    dump,
    parse_document,
    to_course_document,
    to_document,
    to_severity_document,
)
from pneumoscope.findings import Bounds, PatientContext, Provenance, Visit
from pneumoscope.reports import (
    course_to_text,
    replay_to_text,
    severity_to_text,
    to_html,
    to_text,
)
from pneumoscope.severity import SYMPTOMS, assess, rule_bases, severity_warnings
from pneumoscope.workflow import track_visits

MADE = Provenance("1.0.0")
# Keys of JSON texts that come from outside: of the program's notice, of a guideline, of a bundle.
FOREIGN = {"notice", "because", "reference", "rule", "why_not_outlined"}
# Two words or more with a full stop or question mark: columns of a table stand further apart.
SENTENCE = re.compile(r"[^\W\d_]\w*,?(?: [^\s.?]+)+[.?](?=\s|$)")
WELL = {name: s.minimum if s.worse == "high" else s.maximum for name, s in SYMPTOMS.items()}
WELL |= {"fever_value": 36.8}
ILL = WELL | {"breathlessness": 0.7, "fever_value": 39.4, "oxygen_level": 88.0, "confusion": 0.9}
BOUNDS = Bounds({"fatigue": (0.1, 0.6), "oxygen_level": (88.0, 97.0)}, "guideline", 4)
PATIENTS = {
    "ill": (ILL | {"respiratory_rate": 32, "systolic_pressure": 84}, 70),
    "beyond": (ILL | {"oxygen_level": 75.0}, 70),
    "few known": ({"oxygen_level": 93.5, "urea": 7.1}, 64),
    "one missing": (WELL | {"systolic_pressure": 120}, 54),
    "second scale": (ILL | {"oxygen_level": 97.0, "hypercapnic_target": 1}, 70),
    "child": ({"cough_severity": 0.5, "respiratory_rate": 47, "pulse": 120}, 3),
    "infant": ({"cough_severity": 0.5, "danger_sign": 1}, 0.5),
}


class Pseudo(NullTranslations):
    """A language in which all words of the catalogue stand in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speak it in the place of English, as gettext falls back on another language."""
    monkeypatch.setattr(ENGLISH, "_fallback", Pseudo())


def outside(text: str) -> str:
    """What stands outside of brackets, which may lie in each other."""
    while (less := re.sub("⟦[^⟦⟧]*⟧", "¶", text)) != text:
        text = less
    return text


def sentences(text: str) -> list[str]:
    return [found.strip() for found in SENTENCE.findall(outside(text))]


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document's JSON, with its key."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, key)
    elif isinstance(value, str):
        yield key, value


def check(document: Document) -> None:
    """All reasons in the JSON are marked, and nothing else in it is a sentence."""
    found = list(texts(document.json_values()))
    assert any(key == "text" for key, _ in found)
    for key, text in found:
        if key == "text":
            assert outside(text) == "¶", text
        elif key not in FOREIGN:
            assert not sentences(text), (key, text)


def shown(*parts: RenderableType) -> str:
    console = Console(file=StringIO(), width=3000, color_system=None)
    console.print(*parts)
    return console.file.getvalue()  # type: ignore[attr-defined]


def severity_document(symptoms: dict[str, float], age: float, **told: Any) -> Document:
    patient = PatientContext(age, "F")
    found = assess(symptoms, patient=patient, **told)
    return to_severity_document(
        found,
        symptoms=symptoms,
        patient=patient,
        warnings=tuple(severity_warnings(found, patient)),
        provenance=MADE,
    )


def assert_all_is_marked(text: str, document: Any) -> None:
    """Outside of brackets stands no sentence but the notice and the guidelines' own."""
    severity = getattr(document, "severity", None)
    foreign = [] if severity is None else [rule.because for rule in severity.fired]
    for sentence in filter(None, (document.notice, *foreign)):
        text = text.replace(sentence, "")
    assert "⟦" in text
    assert sentences(text) == []


def severity_documents() -> Iterator[Document]:
    for symptoms, age in PATIENTS.values():
        for image in (None, {"NORMAL": 0.1, "ABNORMAL": 0.2, "PNEUMONIA": 0.7}):
            yield severity_document(symptoms, age, probabilities=image, bounds=BOUNDS)
    for base in rule_bases()[1:]:
        for symptoms in (WELL, ILL, ILL | {"fever_duration": 14.0}):
            yield severity_document(symptoms, 9, rule_base=base, contribution=0.3)


@pytest.mark.usefixtures("pseudo")
def test_of_a_severity() -> None:
    for document in severity_documents():
        check(document)
        assert_all_is_marked(shown(severity_to_text(document)), document)  # type: ignore[arg-type]


def courses() -> Iterator[Document]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    sick = [WELL | {"fatigue": 0.08 * day, "chest_pain": 0.9 - 0.08 * day} for day in range(11)]
    days = [{"oxygen_level": 97.0}, *sick, WELL | {"respiratory_rate": 14}, ILL]
    visits = [Visit(start + timedelta(days=day), found) for day, found in enumerate(days)]
    assert all(one.time < other.time for one, other in pairwise(visits))
    for base in ("guideline", "baral2025"):
        for count in (2, len(visits)):
            course = track_visits(visits[:count], patient=PatientContext(60), rule_base=base)
            yield to_course_document(course, MADE)


@pytest.mark.usefixtures("pseudo")
def test_of_a_course() -> None:
    for document in courses():
        check(document)
        for show in (course_to_text, replay_to_text):
            assert_all_is_marked(shown(show(document)), document)  # type: ignore[arg-type]


@pytest.mark.usefixtures("pseudo")
def test_of_a_diagnosis(diagnosis: Any) -> None:
    document = to_document(diagnosis)
    if diagnosis.warnings:
        check(document)
    assert_all_is_marked(shown(to_text(document)), document)
    page = html.unescape(re.sub(r"<style>.*?</style>", "", to_html(document), flags=re.DOTALL))
    assert_all_is_marked(re.sub(r"<[^>]*>", "  ", page), document)


def messages(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"code", "about", "values", "text"} <= value.keys():
            yield value
        for part in value.values():
            yield from messages(part)
    elif isinstance(value, list):
        for part in value:
            yield from messages(part)


def test_what_is_read_back_is_worded_as_it_was_written() -> None:
    """Code and values are enough: the words that came with them are not looked at."""
    found = 0
    for document in (*severity_documents(), *courses()):
        written = json.loads(dump(document))
        stripped = json.loads(dump(document))
        for message in messages(stripped):
            message["text"] = "Another sentence."
        again = parse_document(stripped)
        assert again == document
        assert again.json_values() == written
        found += len(list(messages(written)))
    assert found > 1000
