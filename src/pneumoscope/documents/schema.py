"""The JSON schemas of the documents, made of the types and their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pneumoscope import findings
from pneumoscope.documents import course, diagnosis, severity
from pneumoscope.documents.read import DOCUMENTS
from pneumoscope.documents.visits import visits_schema

SCHEMAS = (*DOCUMENTS, "visits")
"""What has a schema: every document, and the file of visits that `track` reads."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OPEN = "A later version may add fields: pass over those that you do not know."
_HEAD = re.compile(r"^(?P<names>\w+(?:, \w+)*) : ")
_TEXT = {"description": "The English sentence.", "type": "string"}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a document, or of a file of visits.

    Parameters
    ----------
    name : str
        One of `SCHEMAS`.

    Returns
    -------
    dict of str to object
        Every field with its description, unit and range. To a document fields may be added without
        a new ``schema_version``, so unknown ones are allowed.

    Raises
    ------
    KeyError
        There is no such document.
    """
    if name == "visits":
        return {"$schema": _DRAFT, "title": "Pneumoscope visits", **visits_schema()}
    document = DOCUMENTS[name]
    found = document.model_json_schema(mode="serialization", by_alias=True)
    parts = found.pop("$defs")
    classes = _classes()
    for title, part in parts.items():
        _describe(part, classes[title])
    message = parts["Message"]
    message["properties"]["text"] = _TEXT
    message["required"] = list(message["properties"])
    _describe(found, document)
    found["title"] = f"Pneumoscope {name}"
    found["description"] = f"{found['description']} {_OPEN}"
    return {"$schema": _DRAFT, **found, "$defs": parts}


def _classes() -> dict[str, type]:
    found: dict[str, type] = {}
    for room in (findings, course, diagnosis, severity):
        found |= {name: part for name, part in vars(room).items() if inspect.isclass(part)}
    return found


def _describe(part: dict[str, Any], described: type) -> None:
    """Take the descriptions from a class's docstring."""
    text = inspect.getdoc(described) or ""
    part["description"] = " ".join(text.partition("\n\nAttributes\n")[0].split())
    part.pop("title", None)
    if "properties" not in part:
        return
    part["required"] = list(part["properties"])
    told = dict(_attributes(text))
    for name, field in part["properties"].items():
        field.pop("title", None)
        words = told.get("label" if name == "class" else name, "")
        # Without words of its own, a field says what its type says.
        if words:
            field["description"] = words


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    """Read the section "Attributes" of a docstring in numpydoc's form."""
    names: list[str] = []
    words: list[str] = []
    for line in text.partition("\nAttributes\n")[2].splitlines()[1:]:
        head = None if line.startswith(" ") else _HEAD.match(line)
        if head is None:
            words.append(line.strip())
            continue
        yield from ((name, " ".join(words).strip()) for name in names)
        names, words = head["names"].split(", "), []
    yield from ((name, " ".join(words).strip()) for name in names)
