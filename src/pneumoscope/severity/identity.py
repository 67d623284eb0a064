"""Which rule base scored a history: its name with the version of its files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from pneumoscope.errors import InputError
from pneumoscope.severity.rule_base import rule_base_sources


@lru_cache
def identify_rule_base(name: str) -> str:
    """Name a rule base with its version, so that a history can tell which one made it.

    Parameters
    ----------
    name : str
        One of `rule_bases()`: a file of the folder `rule_bases` with the one that it varies, or a
        folder of files in it.

    Returns
    -------
    str
        ``NAME@VERSION``; the version is the start of the SHA-256 of its text, 12 hexadecimal
        digits.

    Raises
    ------
    InputError
        For an unknown name.
    """
    entries = {entry.name: entry for entry in (files(__package__) / "rule_bases").iterdir()}
    known = sorted({entry.removesuffix(".yaml") for entry in entries})
    if name not in known:
        raise InputError(f"unknown rule base {name[:80]!r}; use one of {', '.join(known)}")
    if f"{name}.yaml" in entries:
        texts = rule_base_sources(name)
    else:
        parts = sorted(entries[name].iterdir(), key=lambda part: part.name)
        texts = tuple(part.read_text(encoding="utf-8") for part in parts)
    text = "".join(texts)
    return f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"
