"""A patient's visits with what was said at each."""

from __future__ import annotations

from dataclasses import dataclass

from pneumoscope.findings.assessment import Assessment
from pneumoscope.findings.bounds import Bounds
from pneumoscope.findings.change import Change
from pneumoscope.findings.message import Message
from pneumoscope.findings.reasons import PersonalView, SeverityLevel
from pneumoscope.findings.visit import Visit


@dataclass(frozen=True, slots=True)
class TrackedVisit:
    """One visit, judged by the population's ranges and by those of the visits before it.

    Attributes
    ----------
    visit : Visit
        What was found.
    bounds : Bounds
        The patient's own ranges from the earlier visits alone.
    population : Assessment or None
        Severity by the population's ranges; None where it cannot be given.
    personal : PersonalView or None
        The same by the patient's own ranges.
    level : SeverityLevel or None
        The worse of the two: the level given.
    change : Change
        The verdict with this visit included.
    note : Message or None
        Why there is no severity; None where there is one.
    """

    visit: Visit
    bounds: Bounds
    population: Assessment | None
    personal: PersonalView | None
    level: SeverityLevel | None
    change: Change
    note: Message | None = None

    def __post_init__(self) -> None:
        parts = (self.population, self.personal, self.level)
        missing = [part is None for part in parts]
        if any(missing) != all(missing) or all(missing) != (self.note is not None):
            raise ValueError("a visit has either its severity or a note that says why not")


@dataclass(frozen=True, slots=True)
class Course:
    """All visits of one patient, in the order of time.

    Attributes
    ----------
    rule_base : str
        Name and version of the rule base that scored every visit.
    visits : tuple of TrackedVisit
        At least one.
    bounds : Bounds
        The patient's own ranges with all visits in them, for the next visit.
    warnings : tuple of Message
        What a reader must know.
    """

    rule_base: str
    visits: tuple[TrackedVisit, ...]
    bounds: Bounds
    warnings: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        if not self.visits:
            raise ValueError("a course has no visit")
