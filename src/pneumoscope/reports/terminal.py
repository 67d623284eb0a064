"""Results as text for a terminal, drawn with Rich."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from pneumoscope.documents import DiagnosisDocument
from pneumoscope.findings import Decision
from pneumoscope.reports.answer import (
    CLASS_MEANINGS,
    headline,
    map_words,
    not_taught,
    point_words,
    result_words,
)
from pneumoscope.reports.elements import (
    line,
    notice_panel,
    number_table,
    warning_line,
)
from pneumoscope.reports.severity_text import severity_parts
from pneumoscope.reports.wording import (
    CALIBRATED,
    confidence_words,
    format_probability,
    has_share,
    split_warnings,
)

_BAR = 30


def to_text(diagnosis: DiagnosisDocument) -> Group:
    """Show a diagnosis in a terminal: notice, result, warnings, probabilities, severity.

    Parameters
    ----------
    diagnosis : DiagnosisDocument
        The whole result. Text from files is shown as it is: never as markup, its control characters
        as escapes.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    bundle, decision, severity = diagnosis.bundle, diagnosis.decision, diagnosis.severity
    caveats, warnings = split_warnings(diagnosis)
    parts: list[RenderableType] = [notice_panel(diagnosis.notice)]
    parts.append(line(f"File: {diagnosis.image.file}"))
    parts.append(line(f"Model: {bundle.name} {bundle.version}"))
    if bundle.training_sets:
        parts.append(line(f"Trained on: {'; '.join(bundle.training_sets)}"))
    parts += [Text(), line(headline(diagnosis).line, "bold")]
    parts += [line(f"{name}: {told}") for name, told in result_words(diagnosis)]
    parts += map(warning_line, warnings)
    if decision is not None:
        parts += [Text(), *_decision(decision, with_severity=has_share(diagnosis))]
    if shown := map_words(diagnosis):
        parts += _section("Where it looks", [" ".join(shown)])
    if severity is not None:
        parts += severity_parts(severity, caveats)
    return Group(*parts)


def _decision(decision: Decision, *, with_severity: bool) -> list[RenderableType]:
    table = number_table(CALIBRATED, "Class", "Probability")
    table.add_column()
    table.add_column()
    untaught = not_taught(decision)
    for name, value in decision.probabilities.items():
        style = "bold" if name == decision.predicted else ""
        bar = line("█" * round(_BAR * value), "cyan")
        meaning = "not taught" if name in untaught else CLASS_MEANINGS.get(name, "")
        table.add_row(line(name, style), line(format_probability(value), style), bar, line(meaning))
    sure = confidence_words(decision.confidence, with_severity=with_severity)
    return [
        table,
        *_section("Rule out and rule in", point_words(decision)),
        *_section("How sure the network is", sure),
    ]


def _section(title: str, told: Iterable[str]) -> list[RenderableType]:
    """Head sentences by their title; nothing where there are none."""
    lines = [line(sentence) for sentence in told]
    return [line(title, "bold"), *lines, Text()] if lines else []
