"""The document of a patient's course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pneumoscope.documents.document import Document, Section, Share
from pneumoscope.findings import (
    NOTICE,
    Assessment,
    Bounds,
    Change,
    Course,
    Direction,
    LevelInterval,
    Message,
    PersonalView,
    Provenance,
    SeverityLevel,
    TrackedVisit,
)


class PopulationLevel(Section):
    """The severity by the population's ranges.

    Attributes
    ----------
    level : SeverityLevel
        What the given symptoms establish.
    score : float
        The rule base's score.
    interval : LevelInterval or None
        The levels that missing symptoms leave open; null where the rule base needs every symptom.
    """

    level: SeverityLevel
    score: float
    interval: LevelInterval | None


class PersonalLevel(Section):
    """The severity by the patient's own ranges.

    Attributes
    ----------
    level : SeverityLevel
        What the given symptoms establish.
    score : float
        The rule base's score.
    most : SeverityLevel
        The most severe level that missing symptoms leave open.
    """

    level: SeverityLevel
    score: float
    most: SeverityLevel


@dataclass(frozen=True, slots=True)
class VisitLevels:
    """The severity of a visit, by both ranges and as given: the worse of the two."""

    population: PopulationLevel
    personal: PersonalLevel
    given: SeverityLevel


class Verdict(Section):
    """Whether the patient had become better or worse, on the day of a visit.

    Attributes
    ----------
    direction : Direction
        Where the patient was heading.
    reasons : tuple of Message
        On what evidence; at least one.
    """

    direction: Direction
    reasons: tuple[Message, ...]


class VisitFacts(Section):
    """One visit, as it was judged on its day.

    Attributes
    ----------
    time : datetime
        In UTC.
    symptoms : mapping of str to float
        What was found, in the inputs' units.
    probabilities : mapping of str to float, or None
        Calibrated probability per class of that day's radiograph; null without one.
    bounds : Bounds
        The patient's own ranges from the earlier visits alone.
    population : PopulationLevel or None
        Null where there is no severity.
    personal : PersonalLevel or None
        Null where there is no severity.
    level : SeverityLevel or None
        The worse of the two: the level given.
    note : Message or None
        Why there is no severity; null where there is one.
    change : Verdict
        With this visit included.
    """

    time: datetime
    symptoms: Mapping[str, float]
    probabilities: Mapping[str, Share] | None
    bounds: Bounds
    population: PopulationLevel | None
    personal: PersonalLevel | None
    level: SeverityLevel | None
    note: Message | None
    change: Verdict

    @model_validator(mode="after")
    def _parts_go_together(self) -> VisitFacts:
        parts = [part is None for part in (self.population, self.personal, self.level)]
        if any(parts) != all(parts) or all(parts) != (self.note is not None):
            raise ValueError("a visit has either its severity or a note that says why not")
        return self

    @property
    def levels(self) -> VisitLevels | None:
        """The severity; None where there is a note instead."""
        if self.population is None or self.personal is None or self.level is None:
            return None
        return VisitLevels(self.population, self.personal, self.level)


class CourseDocument(Document):
    """One patient over the visits. It identifies nobody, but keep it as you keep a record.

    Attributes
    ----------
    document : str
        Which document this is: "course".
    schema_version : int
        3. It grows when a reader of the old form would misread the new.
    rule_base : str
        Name and version of the rule base that scored every visit.
    visits : tuple of VisitFacts
        In the order of time, at least one.
    bounds : Bounds
        The patient's own ranges with all visits in them, for the next visit.
    change : Change
        Whether the patient gets better or worse, at the last visit.
    warnings : tuple of Message
        What the reader must know.
    provenance : Provenance
        How the result was made.
    notice : str
        To be shown wherever the result is shown.
    """

    document: Literal["course"] = "course"
    schema_version: Literal[3] = 3
    rule_base: str
    visits: Annotated[tuple[VisitFacts, ...], Field(min_length=1)]
    bounds: Bounds
    change: Change
    warnings: tuple[Message, ...]
    provenance: Provenance
    notice: Annotated[str, Field(min_length=1)]


def to_course_document(course: Course, provenance: Provenance) -> CourseDocument:
    """Give a course as its document.

    Parameters
    ----------
    course : Course
        All visits.
    provenance : Provenance
        How it was made.

    Returns
    -------
    CourseDocument
    """
    return CourseDocument.of(
        rule_base=course.rule_base,
        visits=[_visit(tracked) for tracked in course.visits],
        bounds=course.bounds,
        change=course.visits[-1].change,
        warnings=course.warnings,
        provenance=provenance,
        notice=NOTICE,
    )


def _visit(tracked: TrackedVisit) -> dict[str, object]:
    visit, change = tracked.visit, tracked.change
    return {
        "time": visit.time,
        "symptoms": {name: float(value) for name, value in visit.symptoms.items()},
        "probabilities": visit.probabilities,
        "bounds": tracked.bounds,
        "population": _population(tracked.population),
        "personal": _personal(tracked.personal),
        "level": tracked.level,
        "note": tracked.note,
        "change": {"direction": change.direction, "reasons": change.reasons},
    }


def _population(found: Assessment | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {"level": found.level, "score": found.score, "interval": found.interval}


def _personal(view: PersonalView | None) -> dict[str, object] | None:
    if view is None:
        return None
    return {"level": view.level, "score": view.score, "most": view.most}
