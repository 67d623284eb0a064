"""A patient's course as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from pneumoscope.catalogue import name_quantity, to_sentence, to_sentences, word
from pneumoscope.documents import CourseDocument, VisitFacts, VisitLevels
from pneumoscope.findings import Message, Quantity, SeverityLevel, Trend
from pneumoscope.reports.elements import line, notice_panel, number_table, warning_lines
from pneumoscope.reports.sparkline import Sparkline
from pneumoscope.severity import SEVERITY_SCALE, SYMPTOMS

_LEVELS = tuple(SeverityLevel)
_NO_UNIT = (SEVERITY_SCALE, "share")


def course_to_text(document: CourseDocument) -> Group:
    """Show a course in a terminal: verdict, warnings, levels per visit, symptoms, trends.

    Parameters
    ----------
    document : CourseDocument

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`; as wide as the console, the latest visits where not all
        fit.
    """
    return Group(*_head(document), _levels(document), *_symptoms(document), *_trends(document))


def replay_to_text(document: CourseDocument) -> Group:
    """Show each visit as it was judged then: by which bounds, to which level and verdict.

    Parameters
    ----------
    document : CourseDocument

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    parts = _head(document)
    for number, visit in enumerate(document.visits, 1):
        parts += [Text(), line(f"Visit {number}, {_time(visit)}", "bold"), line(_judged(visit))]
        ranges = visit.bounds.ranges
        table = number_table(
            f"Personal ranges from {_visits(visit.bounds.visits)}", "Symptom", "Value", "Low"
        )
        table.add_column(line("High"), justify="right")
        for name, value in visit.symptoms.items():
            ends = ranges.get(name)
            cells = ("-", "-") if ends is None else map(_number, ends)
            table.add_row(_name(name), _number(value), *cells)
        parts.append(table)
    return Group(*parts)


def _head(document: CourseDocument) -> list[RenderableType]:
    visits, change = document.visits, document.change
    levels = visits[-1].levels
    level = "none, see the note below" if levels is None else _given(levels)
    return [
        notice_panel(document.notice),
        line(f"{_visits(len(visits))}, rule base {document.rule_base}"),
        Text(),
        line(f"Course: {change.direction.upper()}. Level at the last visit: {level}", "bold"),
        line(_reasons(change.reasons)),
        *_open(visits[-1]),
        *warning_lines(to_sentences(document.warnings)),
    ]


def _levels(document: CourseDocument) -> RenderableType:
    title = "Levels by the population's and by personal ranges; the worse is given"
    table = number_table(title, "Visit")
    for column in ("Time", "Population", "Personal", "Given", "Course"):
        table.add_column(line(column), overflow="fold")
    notes = []
    for number, visit in enumerate(document.visits, 1):
        cells = ["-", "-", "-"]
        if (levels := visit.levels) is not None:
            cells = [_population(levels), _personal(levels), _given(levels)]
        row = (str(number), _time(visit), *cells, visit.change.direction)
        table.add_row(*map(line, row))
        if visit.note is not None:
            notes.append(line(f"Visit {number} has no level: {to_sentence(visit.note)}"))
    return Group(Text(), table, *notes)


def _symptoms(document: CourseDocument) -> list[RenderableType]:
    visits, ranges = document.visits, document.bounds.ranges
    title = f"Symptoms (bars over the clinical range; personal range after {_visits(len(visits))})"
    table = number_table(title, "Last value", "Personal")
    table.add_column(line("Oldest to latest"), justify="right", no_wrap=True)
    for name, symptom in SYMPTOMS.items():
        values = [visit.symptoms.get(name) for visit in visits]
        found = [value for value in values if value is not None]
        if not found:
            continue
        ends = ranges.get(name)
        personal = "-" if ends is None else " to ".join(map(_number, ends))
        bars = Sparkline(values, symptom.minimum, symptom.maximum)
        table.add_row(line(name_quantity(name, found[-1])), personal, bars)
    return [*([table] if table.row_count else []), *_others(visits[-1])]


def _others(visit: VisitFacts) -> list[RenderableType]:
    """Name what else was given at a visit; it counts in the level, but has no range of its own."""
    told = tuple(
        Quantity(name, value) for name, value in visit.symptoms.items() if name not in SYMPTOMS
    )
    return [line(word("also_given", found=told))] if told else []


def _trends(document: CourseDocument) -> list[RenderableType]:
    change = document.change
    burden = [] if change.burden is None else [change.burden]
    trends = [*burden, *change.trends]
    if not trends:
        return []
    title = f"Trends over the last {max(trend.visits for trend in trends)} visits"
    table = number_table(f"{title} (above 0 is worse)", "", "Per day")
    for column in ("95% interval", "p", "Visits"):
        table.add_column(line(column), justify="right")
    table.add_column(line("Direction"))
    for trend in trends:
        low, high = trend.interval
        table.add_row(
            line(_measure(trend)),
            f"{trend.slope:+.3f}",
            f"{low:+.3f} to {high:+.3f}",
            f"{trend.p_value:.3f}",
            str(trend.visits),
            line(trend.direction),
        )
    return [table, line(word("how_trends_are_told"))]


def _measure(trend: Trend) -> str:
    """Name what moves, with its unit where it has one."""
    name = trend.name.replace("_", " ")
    return name if trend.unit in _NO_UNIT else f"{name}, {trend.unit}"


def _judged(visit: VisitFacts) -> str:
    levels, why = visit.levels, _reasons(visit.change.reasons)
    if levels is None:
        note = "" if visit.note is None else to_sentence(visit.note)
        return word("visit_without_level", note=note, reasons=why)
    return word(
        "visit_judged",
        population=_population(levels),
        personal=_personal(levels),
        given=_given(levels),
        direction=visit.change.direction.value,
        reasons=why,
    )


def _reasons(reasons: Iterable[Message]) -> str:
    return " ".join(to_sentences(reasons))


def _population(levels: VisitLevels) -> str:
    return _up_to(levels.population.level, _most(levels))


def _personal(levels: VisitLevels) -> str:
    return _up_to(levels.personal.level, levels.personal.most)


def _given(levels: VisitLevels) -> str:
    return _up_to(levels.given, max(_most(levels), levels.personal.most, key=_LEVELS.index))


def _most(levels: VisitLevels) -> SeverityLevel:
    interval = levels.population.interval
    return levels.population.level if interval is None else interval.most


def _up_to(level: SeverityLevel, most: SeverityLevel) -> str:
    """Say a level; where missing symptoms may make it worse, never its lower end alone."""
    return level if level == most else f"{level} to {most}"


def _open(visit: VisitFacts) -> list[Text]:
    """Name what would settle a level that is open."""
    levels = visit.levels
    interval = None if levels is None else levels.population.interval
    if levels is None or interval is None or _given(levels) == levels.given:
        return []
    return [line(word("level_open_at_last_visit", missing=interval.missing))]


def _visits(count: int) -> str:
    return f"{count} visit" if count == 1 else f"{count} visits"


def _time(visit: VisitFacts) -> str:
    return f"{visit.time:%Y-%m-%d %H:%M}Z"


def _name(name: str) -> Text:
    return line(name.replace("_", " "))


def _number(value: float) -> str:
    return f"{value:.3g}"
