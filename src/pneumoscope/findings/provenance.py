"""How a result was made, so that it can be made again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What ran the network.

    Attributes
    ----------
    name, version : str
        Of the runtime, such as "onnxruntime".
    precision : str
        Of the network's arithmetic, such as "fp32".
    threads : int
        Cores that one answer may take.
    """

    name: str
    version: str
    precision: str
    threads: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a result was made; the bundle and the thresholds stand in the result itself.

    Attributes
    ----------
    program : str
        Version of Pneumoscope.
    created : datetime or None
        When, with its time zone; None where the caller gave no time.
    engine : EngineInfo or None
        None where no network was asked.
    rule_base : str or None
        ``NAME@VERSION`` of the severity's rule base; None without symptoms.
    file_sha256, pixels_sha256 : str or None
        Of the image's file, and of its pixels as displayed; None without an image.
    """

    program: str
    created: datetime | None = None
    engine: EngineInfo | None = None
    rule_base: str | None = None
    file_sha256: str | None = None
    pixels_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.created is not None and self.created.tzinfo is None:
            raise ValueError("the time of a result needs its time zone")
