"""Results as plain JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import numpy as np
from pydantic import BaseModel

from pneumoscope.catalogue import to_sentence
from pneumoscope.documents.json_text import clean_text
from pneumoscope.findings import Message


def json_values(value: object) -> Any:
    """Give a value of findings, or of documents, as plain JSON values.

    Parameters
    ----------
    value : object
        A frozen dataclass or a pydantic model, with others in it.

    Returns
    -------
    dict, list, str, float, int, bool or None
        A field's name, or its alias, is its key. A message also has its English sentence, as
        ``text``; times are in UTC, to the second; text that UTF-8 cannot hold is escaped.

    Raises
    ------
    TypeError
        The value holds something that has no form in JSON, such as an array.
    """
    if isinstance(value, Message):
        return _fields(value) | {"text": clean_text(to_sentence(value))}
    if isinstance(value, BaseModel):
        named = type(value).model_fields
        return {f.alias or name: json_values(getattr(value, name)) for name, f in named.items()}
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): json_values(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(part) for part in value]
    return _plain(value)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: json_values(getattr(value, field.name)) for field in fields(value)}


def _plain(value: object) -> str | float | bool | None:
    """Give what is neither a list nor a mapping."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return float(value)  # NumPy's float64 is one
        case np.generic():
            number: float = value.item()
            return number
        case StrEnum():
            return value.value
        case str():
            return clean_text(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def message_values(messages: Iterable[Message]) -> list[dict[str, object]]:
    """Give messages as JSON values: code, what it is about, values, and the English sentence."""
    return [json_values(message) for message in messages]


def dump(document: BaseModel | Mapping[str, object]) -> str:
    """Write a document as JSON text, indented by two, with a newline at its end.

    Parameters
    ----------
    document : Document or mapping of str to object
        A document, or the JSON values of one.

    Raises
    ------
    ValueError
        If a number is NaN or infinite, which JSON cannot hold.
    """
    return json.dumps(json_values(document), ensure_ascii=False, allow_nan=False, indent=2) + "\n"
