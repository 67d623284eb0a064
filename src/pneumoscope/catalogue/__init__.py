"""The words of every message, in one place, so that they can be translated."""

from pneumoscope.catalogue.words import (
    ENGLISH,
    PHRASES,
    SENTENCES,
    name_quantity,
    to_sentence,
    to_sentences,
    word,
)

__all__ = [
    "ENGLISH",
    "PHRASES",
    "SENTENCES",
    "name_quantity",
    "to_sentence",
    "to_sentences",
    "word",
]
