"""The words of every message, in one place, so that they can be translated."""

from pneumoscope.catalogue.sentences import (
    ENGLISH,
    SENTENCES,
    to_sentence,
    to_sentences,
)

__all__ = ["ENGLISH", "SENTENCES", "to_sentence", "to_sentences"]
