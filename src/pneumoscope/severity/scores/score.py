"""What published scores share: three answers to a question, and points between two bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pneumoscope.findings import BedsideScore, SeverityLevel

# Of a rating from 0 (none) to 1 (worst imaginable), from where on a sign counts as present.
PRESENT = 0.3

Known = Mapping[str, float]
"""Values by name; what is not there is not known."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a score.

    Attributes
    ----------
    least, most : int
        Points; equal where what was given settles them.
    missing : tuple of str
        What would settle them.
    """

    least: int
    most: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Class:
    """A class of a score: its words, and the levels that go with it."""

    words: str
    levels: tuple[SeverityLevel, ...]


def above(known: Known, name: str, limit: float) -> bool | None:
    """Whether a value is at or above a limit; None where it is not known."""
    return None if name not in known else known[name] >= limit


def below(known: Known, name: str, limit: float) -> bool | None:
    """Whether a value is below a limit; None where it is not known."""
    return None if name not in known else known[name] < limit


def any_of(answers: Sequence[bool | None]) -> bool | None:
    """Join answers by "or": None where the unknown ones decide."""
    if True in answers:
        return True
    return None if None in answers else False


def criterion(points: int, names: Sequence[str], answers: Sequence[bool | None]) -> Item:
    """Give points if any of the answers is yes; `names` are what the answers are about."""
    answer = any_of(answers)
    if answer is None:
        missing = [name for name, one in zip(names, answers, strict=True) if one is None]
        return Item(0, points, tuple(dict.fromkeys(missing)))
    points = points if answer else 0
    return Item(points, points)


def banded(known: Known, name: str, bands: Sequence[tuple[float, int]], most: int) -> Item:
    """Give the points of the first band whose upper limit the value is below; `most` if unknown.

    Parameters
    ----------
    known : mapping of str to float
        What is known.
    name : str
        The value.
    bands : sequence of (float, int)
        Upper limits, not included, with their points; the last is infinite.
    most : int
        The most points that any band gives.
    """
    if name not in known:
        return Item(0, most, (name,))
    points = next(points for limit, points in bands if known[name] < limit)
    return Item(points, points)


def total(items: Sequence[Item]) -> Item:
    """Add up the lines of a score."""
    return Item(
        sum(item.least for item in items),
        sum(item.most for item in items),
        tuple(dict.fromkeys(name for item in items for name in item.missing)),
    )


def report(
    name: str, item: Item, classes: Sequence[Class], least: int, most: int, reference: str
) -> BedsideScore:
    """Join points and classes, `least` to `most` of `classes`, to a score."""
    levels = {level for one in classes[least : most + 1] for level in one.levels}
    return BedsideScore(
        name=name,
        least=item.least,
        most=item.most,
        least_class=classes[least].words,
        most_class=classes[most].words,
        missing=item.missing,
        levels=tuple(level for level in SeverityLevel if level in levels),
        reference=reference,
    )
