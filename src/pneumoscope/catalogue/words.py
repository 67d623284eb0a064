"""Messages put into words.

English is the original: its sentences are the keys of a translation, as gettext has it. A part in
braces is filled with one of the message's values, as the name behind the colon says:

- ``name``: a code such as "oxygen_level" as a plain name, "oxygen level";
- ``quantity``: a number with the name and unit of its input, "oxygen level 91 %";
- ``score``: a score as every report writes it; of a level with the level's name before it;
- with a capital letter (``Name``, ``Quantity``): the same at the beginning of a sentence;
- behind a ``|`` how a list is joined: ``commas``, ``semicolons``, ``and`` or ``or``; where nothing
  is said, by commas, or by semicolons around parts with commas;
- anything else is a format of Python's, such as ``.3g``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from gettext import NullTranslations
from string import Formatter
from types import MappingProxyType
from typing import Any

from pneumoscope.catalogue import course, data, image, patient_and_model, severity, shown
from pneumoscope.findings import Message, Quantity, Value
from pneumoscope.severity import INPUTS, SEVERITY_SCALE, YES_NO, format_score

ENGLISH = NullTranslations()
"""No translation: the sentences as they stand in the catalogue."""

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # Of another version of the program: its own sentence.
        "as_written": "{text}",
        **image.SENTENCES,
        **patient_and_model.SENTENCES,
        **data.SENTENCES,
        **severity.SENTENCES,
        **course.SENTENCES,
        **shown.SENTENCES,
    }
)
"""The sentence of each message, by its code."""

PHRASES: Mapping[str, str] = MappingProxyType(
    {**severity.PHRASES, **course.PHRASES, **shown.PHRASES}
)
"""The words of each message that is only a part of others, by its code."""

_WORDS = {**SENTENCES, **PHRASES}
_BEFORE_LAST = {"and": "{first} and {last}", "or": "{first} or {last}"}
# Not asked at the bedside: who the patient is, and what the image says.
_OTHER_QUANTITIES = {
    "age": "age {value:g} years",
    "image_pneumonia": "P(PNEUMONIA) {value:.3f}",
    "image_finding": "P(PNEUMONIA) + P(ABNORMAL) {value:.3f}",
}


def to_sentence(message: Message, language: NullTranslations = ENGLISH) -> str:
    """Put a message into words.

    Parameters
    ----------
    message : Message
    language : NullTranslations
        Of gettext; English by default.

    Raises
    ------
    KeyError
        No such message, or a value that its sentence needs is missing.
    """
    return _filled(message.code, message.values, language)


def to_sentences(
    messages: Iterable[Message], language: NullTranslations = ENGLISH
) -> tuple[str, ...]:
    """Put several messages into words, in their order."""
    return tuple(to_sentence(message, language) for message in messages)


def word(code: str, **values: Value) -> str:
    """Put into words what is no message of a result: what a report says of its numbers.

    Parameters
    ----------
    code : str
        One of `SENTENCES` or `PHRASES`.
    **values : Value
        What it is filled with.

    Raises
    ------
    KeyError
        No such code, or a value that its words need is missing.
    """
    return _filled(code, values, ENGLISH)


def name_quantity(name: str, value: float, language: NullTranslations = ENGLISH) -> str:
    """Write an input's value with its name and unit.

    Parameters
    ----------
    name : str
        One of `severity.INPUTS`, or what else the rules measure.
    value : float
        In the input's unit.
    language : NullTranslations
        Of gettext; English by default.

    Returns
    -------
    str
        Such as "oxygen level 91 %" or "oxygen therapy: yes".
    """
    if name in _OTHER_QUANTITIES:
        return language.gettext(_OTHER_QUANTITIES[name]).format(value=value)
    known = INPUTS.get(name)
    unit = SEVERITY_SCALE if known is None else known.unit
    plain = _plain_name(name, language)
    if unit == YES_NO:
        sentence = "{name}: yes" if value else "{name}: no"
        return language.gettext(sentence).format(name=plain)
    if unit == SEVERITY_SCALE:
        return language.gettext("{name} {value:.12g}").format(name=plain, value=value)
    sentence = language.gettext("{name} {value:.12g} {unit}")
    return sentence.format(name=plain, value=value, unit=language.gettext(unit))


def _filled(code: str, values: Mapping[str, Value], language: NullTranslations) -> str:
    return _Filling(language).vformat(language.gettext(_WORDS[code]), (), values)


def _plain_name(code: str, language: NullTranslations) -> str:
    return language.gettext(code.replace("_", " "))


class _Filling(Formatter):
    """Fills a sentence with values; see the top of this file for the formats."""

    def __init__(self, language: NullTranslations) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        how, _, joint = format_spec.partition("|")
        if isinstance(value, tuple):
            return self._joined([self._one(each, how) for each in value], joint)
        return self._one(value, how)

    def _one(self, value: Any, how: str) -> str:
        if how in ("Name", "Quantity"):
            text = self._one(value, how.lower())
            return text[:1].upper() + text[1:]
        if isinstance(value, Message):
            return to_sentence(value, self._language)
        if isinstance(value, Quantity):
            if how == "quantity":
                return name_quantity(value.name, value.value, self._language)
            return f"{_plain_name(value.name, self._language)} {self._one(value.value, how)}"
        if how == "name":
            return _plain_name(str(value), self._language)
        return format_score(value) if how == "score" else format(value, how)

    def _joined(self, parts: Sequence[str], joint: str) -> str:
        if joint in _BEFORE_LAST and len(parts) > 1:
            both = self._language.gettext(_BEFORE_LAST[joint])
            return both.format(first=", ".join(parts[:-1]), last=parts[-1])
        if joint in _BEFORE_LAST:
            return parts[0]
        if joint == "semicolons" or (not joint and any("," in part for part in parts)):
            return "; ".join(parts)
        return ", ".join(parts)
