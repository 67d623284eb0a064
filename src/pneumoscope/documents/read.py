"""Stored documents, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from pneumoscope.catalogue import PHRASES, SENTENCES
from pneumoscope.documents.course import CourseDocument
from pneumoscope.documents.diagnosis import DiagnosisDocument
from pneumoscope.documents.document import Document
from pneumoscope.documents.severity import SeverityDocument
from pneumoscope.errors import DocumentError
from pneumoscope.files import read_limited

MAX_FILE_BYTES = 64 << 20
DOCUMENTS: Mapping[str, type[Document]] = MappingProxyType(
    {"diagnosis": DiagnosisDocument, "severity": SeverityDocument, "course": CourseDocument}
)
"""Every document by its name, as `Document.document` has it."""


def read_document(path: Path) -> Document:
    """Read a stored result.

    Parameters
    ----------
    path : Path
        JSON of at most 64 MiB, as ``--json`` writes it.

    Returns
    -------
    Document
        One of `DOCUMENTS`.

    Raises
    ------
    DocumentError
        The file cannot be read, is no JSON, or no document of this version. The message names what
        is wrong.
    """
    label = f"result {str(path)!r}"
    try:
        values = json.loads(read_limited(path, MAX_FILE_BYTES))
    except OSError as error:
        raise DocumentError(f"{label} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise DocumentError(f"{label} is not valid JSON; give a file that --json wrote") from None
    try:
        return parse_document(values)
    except DocumentError as error:
        raise DocumentError(f"{label} {error}") from None


def parse_document(values: object) -> Document:
    """Make a document of its JSON values.

    Parameters
    ----------
    values : object
        As `json.loads` gives them.

    Returns
    -------
    Document
        Equal to the one whose `json_values` they are.

    Raises
    ------
    DocumentError
        They are no document of this version.
    """
    kind = values.get("document") if isinstance(values, dict) else None
    found = DOCUMENTS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise DocumentError(
            f"is none of the documents {', '.join(DOCUMENTS)}; give a file that --json wrote"
        )
    try:
        # As text: there, strictly read, true is no number, but a name may be one of an enumeration.
        text = json.dumps(_known_messages(values), allow_nan=False)
        return found.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise DocumentError(f"is no {kind} of this version: {place}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise DocumentError(f"is no {kind} of this version: it holds what JSON cannot") from None


def _known_messages(value: Any) -> Any:
    """Put a message that this version has no sentence for as the sentence that came with it."""
    if isinstance(value, list):
        return [_known_messages(part) for part in value]
    if not isinstance(value, dict):
        return value
    is_message = {"code", "about", "values", "text"} <= value.keys()
    if is_message and value["code"] not in {*SENTENCES, *PHRASES}:
        return {**value, "code": "as_written", "values": {"text": value["text"]}}
    return {key: _known_messages(part) for key, part in value.items()}
