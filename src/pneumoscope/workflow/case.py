"""One of many images to diagnose. Apart from the lists, which a worker process need not load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pneumoscope.findings import PatientContext


@dataclass(frozen=True, slots=True)
class Case:
    """One image to diagnose, and what is known of its patient.

    Attributes
    ----------
    file : str
        What its row is called: relative to the folder or as the manifest has it, else the path as
        given. Text that JSON can hold.
    path : Path
        Where it lies. Whether it can be read is not known yet.
    patient : PatientContext
        Age and sex; None for what the header may tell.
    symptoms : mapping of str to float
        Checked; empty where no severity is asked for.
    """

    file: str
    path: Path
    patient: PatientContext = field(default_factory=PatientContext)
    symptoms: Mapping[str, float] = field(default_factory=dict)
