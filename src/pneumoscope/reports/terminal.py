"""Results as text for a terminal, drawn with Rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pneumoscope.findings import Assessment, Decision, Diagnosis, SeverityLevel
from pneumoscope.reports.elements import (
    line,
    notice_panel,
    number_table,
    warning_line,
)
from pneumoscope.reports.wording import (
    CALIBRATED,
    CLASS_MEANINGS,
    METRICS,
    answer,
    confidence_words,
    format_estimate,
    format_points,
    format_probability,
    format_value,
    heatmap_words,
    operating_words,
    split_warnings,
)

_BAR = 30


def to_text(diagnosis: Diagnosis) -> Group:
    """Show a diagnosis in a terminal: notice, answer, warnings, how sure, severity.

    Parameters
    ----------
    diagnosis : Diagnosis
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
    parts.append(line(f"File: {diagnosis.radiograph.name}"))
    parts.append(line(f"Model: {bundle.name} {bundle.version}"))
    if bundle.training_sets:
        parts.append(line(f"Trained on: {'; '.join(bundle.training_sets)}"))
    parts += [Text(), line(answer(diagnosis), "bold")]
    if diagnosis.abstained is not None:
        parts.append(line(f"Reason: {diagnosis.abstained.reason}"))
    parts += map(warning_line, warnings)
    if decision is not None:
        parts += [Text(), *_decision(decision, with_severity=severity is not None)]
    if diagnosis.heatmap is not None:
        parts.append(line(heatmap_words(diagnosis.heatmap)))
    if severity is not None:
        parts += _severity(severity, caveats)
    return Group(*parts)


def evaluation_to_text(document: Mapping[str, Any]) -> Group:
    """Show an evaluation in a terminal: counts, metrics with intervals, confusion, subgroups.

    Parameters
    ----------
    document : mapping
        From `to_evaluation_document`.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    bundle, data = document["bundle"], document["data"]
    parts: list[RenderableType] = [
        notice_panel(document["notice"]),
        *map(warning_line, document["warnings"]),
        line(f"Model: {bundle['name']} {bundle['version']}"),
        line(f"Data: {data['folder']}"),
        line(_counts(document)),
        _metrics(document),
    ]
    if (point := document["operating_point"]) is not None:
        parts.append(line(_measured(point)))
    parts.append(_confusion(document))
    for column, groups in document.get("subgroups", {}).items():
        parts.append(_subgroups(column, groups))
    if data["unreadable"]:
        parts.append(line("Unreadable files:"))
        parts += [line(f"  {file}") for file in data["unreadable"]]
    return Group(*parts)


def _decision(decision: Decision, *, with_severity: bool) -> list[RenderableType]:
    table = number_table(CALIBRATED, "Class", "Probability")
    table.add_column()
    table.add_column()
    for name, value in decision.probabilities.items():
        style = "bold" if name == decision.predicted else ""
        bar = line("█" * round(_BAR * value), "cyan")
        meaning = line(CLASS_MEANINGS.get(name, ""))
        table.add_row(line(name, style), line(format_probability(value), style), bar, meaning)
    sure = confidence_words(decision.confidence, with_severity=with_severity)
    return [table, *map(line, (*operating_words(decision), *sure))]


def _severity(severity: Assessment, caveats: Iterable[str]) -> list[RenderableType]:
    borderline = ", borderline" if severity.borderline else ""
    title = f"Severity: {severity.level.upper()}{borderline} (rule base {severity.rule_base})"
    points = number_table("Points per level", "Level", "From the symptoms", "With the image")
    for level in reversed(SeverityLevel):
        style = "bold" if level is severity.level else ""
        cells = (level, *map(format_points, (severity.scores[level], severity.adjusted[level])))
        points.add_row(*(line(cell, style) for cell in cells))
    rules = number_table("Rules that fired", "Rule", "Points")
    for column in ("Speaks for", "Because"):
        rules.add_column(column)
    for rule in severity.fired:
        cells = (rule.rule, f"{rule.weight:g}", rule.level, rule.explanation)
        rules.add_row(*map(line, cells))
    why = rules if severity.fired else line("No rule fired.")
    return [Text(), line(title, "bold"), *map(warning_line, caveats), Text(), points, why]


def _counts(document: Mapping[str, Any]) -> str:
    patients = (
        f"{document['patients']} patients"
        if document["data"]["has_patients"]
        else ("patients unknown, each image counted as its own")
    )
    return (
        f"{document['n']} images ({patients}), {document['abstained']} of them refused by diagnose "
        f"but scored, and {len(document['data']['unreadable'])} unreadable files beside them"
    )


def _metrics(document: Mapping[str, Any]) -> Table:
    positive = document["positive"]
    suffix = "" if positive is None else f", positive class {positive}"
    table = number_table(f"Metrics{suffix}", "Metric", "Value", "95% interval")
    for name, label in METRICS.items():
        if name not in document:
            continue
        value, interval = document[name]["value"], document[name]["ci95"]
        table.add_row(
            label,
            format_value(value),
            "none" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        )
    return table


def _measured(point: Mapping[str, Any]) -> str:
    rates = (f"{name} {format_value(point[name])}" for name in ("sensitivity", "specificity"))
    return (
        f"At the operating point ({point['class']} from {format_probability(point['threshold'])}): "
        f"{', '.join(rates)}"
    )


def _confusion(document: Mapping[str, Any]) -> Table:
    classes = document["classes"]
    table = number_table("Confusion matrix", "True label", *classes)
    for label, row in document["confusion"].items():
        table.add_row(line(label), *(str(row[name]) for name in classes))
    return table


def _subgroups(column: str, groups: Iterable[Mapping[str, Any]]) -> Table:
    table = number_table(f"By {column}", column, "Images", "Accuracy", "Balanced accuracy", "AUROC")
    table.add_column("Note")
    for group in groups:
        rates = (group[name] for name in ("accuracy", "balanced_accuracy", "auroc"))
        cells = (group["group"], str(group["n"]), *map(format_estimate, rates), group["note"] or "")
        table.add_row(*map(line, cells))
    return table
