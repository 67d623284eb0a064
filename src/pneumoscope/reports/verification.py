"""Whether a stored result is what the program gives today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The file's name may change, and a sentence may be worded anew; the time always differs.
_NOT_COMPARED = frozenset(
    {
        "image.file",
        "provenance.created",
        "provenance.program",
        "provenance.engine.version",
        "provenance.engine.threads",
        "notice",
    }
)
_WORDS = frozenset({"text", "because", "why_not_outlined"})


ABSENT = "(absent)"
"""In place of a value that only one document has."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is another one now.

    Attributes
    ----------
    place : str
        In the document, such as "severity.level".
    stored, now : object
        JSON values; `ABSENT` where there is none.
    """

    place: str
    stored: object
    now: object


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison of two documents found.

    Attributes
    ----------
    differences : tuple of Difference
        What the result was made of goes first, as it explains the others.
    compared : int
        Values that were compared.
    largest : float
        Largest difference of two numbers that were taken as equal.
    """

    differences: tuple[Difference, ...]
    compared: int
    largest: float


def verify_document(
    stored: Mapping[str, Any], now: Mapping[str, Any], tolerance: float
) -> Verification:
    """Compare a stored result with one that was made again; wording, time and versions aside.

    Parameters
    ----------
    stored, now : mapping
        Documents as `to_document` gives them.
    tolerance : float
        How far numbers may be apart, 0 or more: another processor adds up in another order.

    Returns
    -------
    Verification
    """
    pairs = [*_pairs(dict(stored), dict(now), "")]
    numbers = [abs(a - b) for _, a, b in pairs if _number(a) and _number(b)]
    differences = [Difference(place, a, b) for place, a, b in pairs if not _equal(a, b, tolerance)]
    largest = max((gap for gap in numbers if gap <= tolerance), default=0.0)
    differences.sort(key=lambda each: not each.place.startswith("provenance."))
    return Verification(tuple(differences), len(pairs), float(largest))


def _pairs(a: Any, b: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Walk two JSON values side by side: every leaf that counts, with its place."""
    if place in _NOT_COMPARED or place.rpartition(".")[2] in _WORDS:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {**a, **b}:
            at = f"{place}.{key}".lstrip(".")
            yield from _pairs(a.get(key, ABSENT), b.get(key, ABSENT), at)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _pairs(one, other, f"{place}.{index}")
    else:
        yield place, a, b


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    if _number(a) and _number(b):
        return bool(abs(a - b) <= tolerance)
    return type(a) is type(b) and bool(a == b)
