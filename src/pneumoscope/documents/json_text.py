"""Text that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping


def clean_text(text: str) -> str:
    """Keep text as it is, but for the lone surrogates that UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clean_texts(value: object) -> object:
    """Apply `clean_text` to every text in nested values, keys included."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(key): clean_texts(part) for key, part in value.items()}
    return [clean_texts(part) for part in value] if isinstance(value, list | tuple) else value
