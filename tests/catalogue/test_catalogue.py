"""Every message has its words, all words are of a message, and any of them can be translated."""

import ast
import re
from gettext import NullTranslations
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pneumoscope
from pneumoscope.catalogue import PHRASES, SENTENCES, name_quantity, to_sentence
from pneumoscope.findings import About, Message, Quantity

SOURCE = Path(pneumoscope.__file__).parent
WORDS = {**SENTENCES, **PHRASES}
FIELDS = {
    code: {name: spec for _, name, spec, _ in Formatter().parse(sentence) if name}
    for code, sentence in WORDS.items()
}
TREES = [
    ast.parse(path.read_text("utf-8"))
    for path in SOURCE.rglob("*.py")
    if path.parent.name != "catalogue"
]


class Pseudo(NullTranslations):
    """A language in which every sentence stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"


def filled(code):
    """A message of this code with some value for each of its fields."""
    values = {
        name: Quantity("urea", 1.0) if spec.lower().startswith("quantity") else 1
        for name, spec in FIELDS[code].items()
    }
    if "because" in values:
        values["because"] = "A guideline's sentence."
    return Message(code, About.IMAGE, values)


def test_every_sentence_is_of_a_message_that_the_program_can_give():
    """By the program's own text: a code is always written out."""
    written = {
        node.value
        for tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Put together of the letter and the kind of overlap.
    written |= {f"{kind}_in_training" for kind in ("identical", "near", "identical_and_near")}
    written |= {f"compared_{code}" for code in written if code.endswith("_in_training")}
    assert set(WORDS) <= written


def test_every_message_that_is_written_out_has_its_words():
    found = {
        part.value
        for tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Message", "reason", "word")
        for part in (node.args[0], *getattr(node.args[0], "__dict__", {}).values())
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    assert len(found) > 80
    assert found <= set(WORDS)


def test_a_code_is_of_a_sentence_or_of_a_part_of_one():
    assert not SENTENCES.keys() & PHRASES.keys()


@pytest.mark.parametrize("code", sorted(set(SENTENCES) - {"as_written"}))
def test_a_sentence_is_one_and_ends_as_such(code):
    sentence = to_sentence(filled(code))
    assert sentence[0].isupper() or sentence[0].isdigit() or code == "same_bundle"
    assert sentence.endswith((".", "?"))
    assert "{" not in sentence


@pytest.mark.parametrize("code", sorted(PHRASES))
def test_a_part_of_a_sentence_can_stand_in_one(code):
    assert not to_sentence(filled(code)).endswith(".")


@pytest.mark.parametrize("code", sorted(WORDS))
def test_a_translation_takes_the_place_of_all_words(code):
    message = filled(code)
    marked = to_sentence(message, Pseudo())
    assert (marked[0], marked[-1]) == ("⟦", "⟧")
    assert re.sub("[⟦⟧]", "", marked).lower() == to_sentence(message).lower()


def test_a_value_that_is_missing_or_an_unknown_code_is_no_half_a_sentence():
    with pytest.raises(KeyError):
        to_sentence(Message("age_not_covered", About.MODEL))
    with pytest.raises(KeyError):
        to_sentence(Message("no_such_thing", About.MODEL))


@given(st.text(), st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_foreign_text_is_never_read_as_part_of_the_sentence(name, uses):
    """Braces of a bundle's name, say, are text."""
    values = {"bundle": name, "uses": tuple(uses)}
    sentence = to_sentence(Message("must_not_be_used", About.MODEL, values))
    assert sentence.startswith(f"The bundle {name} must not be used: ")
    assert all(use in sentence for use in uses)


def test_a_list_with_commas_inside_is_written_with_semicolons():
    told = [
        to_sentence(Message("must_not_be_used", About.MODEL, {"bundle": "b", "uses": uses}))
        for uses in (("a", "b"), ("a, if c", "b"))
    ]
    assert [line.partition(": ")[2] for line in told] == ["a, b.", "a, if c; b."]


@pytest.mark.parametrize("code", ["", "Big", "two words", "a-b", "_a", "a__b"])
def test_a_code_is_for_programs(code):
    with pytest.raises(ValueError, match="is not a code"):
        Message(code, About.IMAGE)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("oxygen_level", 91.0, "oxygen level 91 %"),
        ("fatigue", 0.25, "fatigue 0.25"),
        ("oxygen_therapy", 1.0, "oxygen therapy: yes"),
        ("stridor", 0.0, "stridor: no"),
        ("age", 0.5, "age 0.5 years"),
        ("image_pneumonia", 0.73951, "P(PNEUMONIA) 0.740"),
        ("of_tomorrow", 3.5, "of tomorrow 3.5"),
    ],
)
def test_a_quantity_is_named_with_its_unit(name, value, words):
    assert name_quantity(name, value) == words


@pytest.mark.parametrize(
    ("count", "words"), [(1, "mild"), (2, "mild and moderate"), (3, "mild, moderate and severe")]
)
def test_a_list_is_joined_as_its_sentence_asks(count, words):
    levels = ("mild", "moderate", "severe")[:count]
    sentence = to_sentence(Message("levels_tied", About.SEVERITY, {"levels": levels}))
    assert sentence == f"Borderline: {words} are tied, so the most severe of them is given."


def test_a_score_in_a_message_is_never_rounded_to_another_level():
    values = {"rule": "R", "level": "mild", "strength": 1.4999, "explanation": "x"}
    sentence = to_sentence(Message("default_rule_speaks", About.SEVERITY, values))
    assert sentence == "R speaks for mild with 1.4999: x."
