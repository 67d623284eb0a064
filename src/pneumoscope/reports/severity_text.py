"""A severity as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from pneumoscope.catalogue import to_sentence, to_sentences, word
from pneumoscope.documents import SeverityDocument
from pneumoscope.findings import Assessment, SeverityLevel
from pneumoscope.reports.elements import line, notice_panel, number_table, warning_line
from pneumoscope.reports.wording import (
    level_meaning,
    possible_levels,
    reasoning,
    rule_points,
    severity_columns,
    severity_words,
)
from pneumoscope.severity import GUIDELINE, format_score


def severity_to_text(document: SeverityDocument) -> Group:
    """Show a severity that stands alone: notice, level, warnings, rules, reasoning.

    Parameters
    ----------
    document : SeverityDocument
        From the symptoms alone.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    parts = severity_parts(document.severity, to_sentences(document.warnings))
    return Group(notice_panel(document.notice), *parts)


def severity_parts(severity: Assessment, caveats: Iterable[str]) -> list[RenderableType]:
    """Give the level, what limits it, the levels' figures, the rules and the reasoning."""
    caption, column = severity_columns(severity)
    title = f"Severity: {severity_words(severity, loud=True)} (rule base {severity.rule_base})"
    points = number_table(caption, "Level", "From the symptoms", "With the image")
    for level in reversed(SeverityLevel):
        style = "bold" if level in possible_levels(severity) else ""
        cells = (level, *map(format_score, (severity.scores[level], severity.adjusted[level])))
        points.add_row(*(line(cell, style) for cell in cells))
    rules = number_table("Rules that fired", "Rule", column)
    for name in ("Speaks for", "Because"):
        rules.add_column(name)
    for rule in severity.fired:
        why = to_sentence(rule.explanation)
        why = f"{why}. {rule.because}" if rule.because else why
        rules.add_row(*map(line, (rule.rule, rule_points(severity, rule), rule.level, why)))
    shown = rules if severity.fired else line(word("no_rule_fired"))
    told = reasoning(severity) if severity.rule_base == GUIDELINE else ()
    meaning = [line(said)] if (said := level_meaning(severity)) else []
    head = [Text(), line(title, "bold"), *meaning, *map(warning_line, caveats), Text()]
    return [*head, points, shown, *map(line, told)]
