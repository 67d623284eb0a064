"""Reasons as data: what is said to a user, before it is put into words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Union

_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class About(StrEnum):
    """What a message is about: where it belongs on a page."""

    IMAGE = "image"
    MODEL = "model"
    PATIENT = "patient"
    SEVERITY = "severity"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the name of what it is of.

    Attributes
    ----------
    name : str
        An input such as "oxygen_level", or a level such as "mild".
    value : float
        In the input's unit, or in points of the level; not rounded.
    """

    name: str
    value: float


# What a message is filled with: codes and numbers that are not rounded; a message in it is a part
# of the sentence.
Value = Union[
    str,
    int,
    float,
    Quantity,
    "Message",
    tuple[str, ...],
    tuple[Quantity, ...],
    tuple["Message", ...],
]


@dataclass(frozen=True, slots=True)
class Message:
    """Something that a user must know, in no language, or a part of it.

    `catalogue.to_sentence` puts it into words.

    Attributes
    ----------
    code : str
        Which message it is, such as "burned_in_text"; small letters, digits and underscores.
    about : About
    values : mapping of str to Value
        What its sentence is filled with.
    """

    code: str
    about: About
    values: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(f"{self.code!r} is not a code: small letters, digits, underscores")
