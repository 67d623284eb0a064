"""Every message has its sentence, and every sentence that a user sees passes the catalogue."""

import ast
from gettext import NullTranslations
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pneumoscope
from pneumoscope.catalogue import SENTENCES, to_sentence
from pneumoscope.findings import About, Message

SOURCE = Path(pneumoscope.__file__).parent
FIELDS = {
    code: {name for _, name, _, _ in Formatter().parse(sentence) if name}
    for code, sentence in SENTENCES.items()
}


class Pseudo(NullTranslations):
    """A language in which every sentence stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"[{message}]"


def test_every_sentence_is_of_a_message_that_the_program_can_give():
    """By the program's own text: a code is always written out."""
    written = {
        node.value
        for path in SOURCE.rglob("*.py")
        if path.name != "sentences.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Put together of the letter and the kind of overlap.
    written |= {f"{kind}_in_training" for kind in ("identical", "near", "identical_and_near")}
    written |= {f"compared_{code}" for code in written if code.endswith("_in_training")}
    assert set(SENTENCES) <= written


def test_every_message_that_is_written_out_has_its_sentence():
    found = [
        node.args[0].value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Message"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert len(found) > 30
    assert set(found) <= set(SENTENCES)


@pytest.mark.parametrize("code", sorted(set(SENTENCES) - {"as_written"}))
def test_a_sentence_is_one_and_ends_as_such(code):
    values = dict.fromkeys(FIELDS[code], 1)
    sentence = to_sentence(Message(code, About.IMAGE, values))
    assert sentence[0].isupper() or sentence[0].isdigit() or code == "same_bundle"
    assert sentence.endswith((".", "?"))
    assert "{" not in sentence


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_translation_takes_the_place_of_the_whole_sentence(code):
    message = Message(code, About.IMAGE, dict.fromkeys(FIELDS[code], 1))
    assert to_sentence(message, Pseudo()) == f"[{to_sentence(message)}]"


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
