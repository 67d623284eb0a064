"""Score each visit of a patient against the ranges of the visits before it."""

from __future__ import annotations

from collections.abc import Sequence

from pneumoscope.errors import InputError, VisitError
from pneumoscope.findings import (
    About,
    Assessment,
    Bounds,
    Course,
    Message,
    PatientContext,
    PersonalView,
    SeverityLevel,
    TrackedVisit,
    Visit,
)
from pneumoscope.severity import (
    GUIDELINE,
    RefusedSymptomError,
    assess,
    identify_rule_base,
    rule_base_warnings,
)
from pneumoscope.tracking import TrackingOptions, bounds_of, detect_change, find_leap

_LEVELS = tuple(SeverityLevel)


def track_visits(
    visits: Sequence[Visit],
    *,
    patient: PatientContext | None = None,
    rule_base: str | None = None,
    options: TrackingOptions | None = None,
) -> Course:
    """Follow a patient through the visits.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time, at least one.
    patient : PatientContext, optional
        Age and sex.
    rule_base : str, optional
        One of `rule_bases()`, alone or with its version as `identify_rule_base` gives it; by
        default `guideline`.
    options : TrackingOptions, optional
        Of the personal bounds.

    Returns
    -------
    Course
        Each visit judged by the population's ranges and by those of the earlier visits; the worse
        level is the one given.

    Raises
    ------
    InputError
        No visit, an unknown rule base, or another version than the program's.

    See Also
    --------
    advance : Add one visit to a course.
    pneumoscope.tracking.read_visits : Visits from a file.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from pneumoscope.findings import PatientContext, Visit
    >>> from pneumoscope.workflow import track_visits
    >>> monday = Visit(datetime(2026, 3, 2, 9, tzinfo=UTC), {"oxygen_level": 95})
    >>> tuesday = Visit(datetime(2026, 3, 3, 9, tzinfo=UTC), {"oxygen_level": 89})
    >>> course = track_visits([monday, tuesday], patient=PatientContext(age=54))
    >>> [str(each.level) for each in course.visits]
    ['negligible', 'moderate']
    """
    if not visits:
        raise InputError("there are no visits to follow; give at least one")
    identity = _identity(rule_base)
    name = identity.partition("@")[0]
    who = patient or PatientContext()
    tracked: list[TrackedVisit] = []
    bounds = bounds_of((), name, options)
    for visit in visits:
        tracked.append(_judge(tracked, visit, bounds, who, name))
        bounds = bounds_of([each.visit for each in tracked], name, options)
    return Course(identity, tuple(tracked), bounds, _warnings(name, who))


def advance(
    course: Course,
    visit: Visit,
    *,
    patient: PatientContext | None = None,
    options: TrackingOptions | None = None,
) -> Course:
    """Add one visit to a course, as `track_visits` of all visits does, without scoring them again.

    Parameters
    ----------
    course : Course
        Of the same patient and options.
    visit : Visit
        Later than the course's last.
    patient, options
        See `track_visits`.

    Returns
    -------
    Course
        With the visit at its end; what was said of the earlier ones stays as it was.

    Raises
    ------
    VisitError
        The visit is not later than the last.
    InputError
        The course was scored by another version of its rule base.
    """
    last = course.visits[-1].visit.time
    if visit.time <= last:
        raise VisitError(f"the visit of {visit.time} is not later than the last one, of {last}")
    name = rule_base_of(course)
    who = patient or PatientContext()
    tracked = (*course.visits, _judge(course.visits, visit, course.bounds, who, name))
    bounds = bounds_of([each.visit for each in tracked], name, options)
    return Course(course.rule_base, tracked, bounds, _warnings(name, who))


def rule_base_of(course: Course) -> str:
    """Return the name of the rule base that scored a course.

    Raises
    ------
    InputError
        The course was scored by another version of it than the program's.
    """
    return _identity(course.rule_base).partition("@")[0]


def _judge(
    earlier: Sequence[TrackedVisit],
    visit: Visit,
    bounds: Bounds,
    patient: PatientContext,
    rule_base: str,
) -> TrackedVisit:
    """Score a visit by the bounds of the earlier ones, and say what has changed since."""
    population, personal, note = _assess(visit, bounds, patient, rule_base)
    visits = [*(each.visit for each in earlier), visit]
    assessments = [*(each.population for each in earlier), population]
    leap = find_leap(visits, assessments, lambda part: _score(part, patient, rule_base))
    return TrackedVisit(
        visit=visit,
        bounds=bounds,
        population=population,
        personal=personal,
        level=_worse(population, personal),
        change=detect_change(visits, leap),
        note=note,
    )


def _identity(rule_base: str | None) -> str:
    """Name and version of the program's rule base, refused where the history's is another."""
    rule_base = GUIDELINE if rule_base is None else rule_base
    name, _, version = rule_base.partition("@")
    identity = identify_rule_base(name)
    if version and rule_base != identity:
        raise InputError(
            f"the history was scored with rule base {rule_base[:80]}, this program has {identity}; "
            f"give the name {name} alone to score all visits again"
        )
    return identity


def _warnings(rule_base: str, patient: PatientContext) -> tuple[Message, ...]:
    warnings = rule_base_warnings(rule_base, patient)
    if rule_base != GUIDELINE:
        warnings.append(Message("level_jumps", About.SEVERITY, {"rule_base": rule_base}))
    return tuple(warnings)


def _assess(
    visit: Visit, bounds: Bounds, patient: PatientContext, rule_base: str
) -> tuple[Assessment | None, PersonalView | None, Message | None]:
    """Score a visit by both ranges, or say which symptoms the rule base misses."""
    try:
        population = _score(visit, patient, rule_base, bounds)
    except RefusedSymptomError as error:
        return None, None, error.reason
    return population, population.personal, None


def _score(
    visit: Visit, patient: PatientContext, rule_base: str, bounds: Bounds | None = None
) -> Assessment:
    if rule_base != GUIDELINE:
        # It knows neither age nor probabilities, and the image never changes its level.
        return assess(visit.symptoms, bounds=bounds, rule_base=rule_base)
    return assess(
        visit.symptoms,
        probabilities=visit.probabilities,
        bounds=bounds,
        patient=patient,
        rule_base=rule_base,
    )


def _worse(population: Assessment | None, personal: PersonalView | None) -> SeverityLevel | None:
    if population is None or personal is None:
        return None
    return max(population.level, personal.level, key=_LEVELS.index)
