"""Results as text for a terminal, drawn with Rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pneumoscope.findings import Assessment, Decision, Diagnosis, SeverityLevel
from pneumoscope.reports.wording import (
    CALIBRATED,
    CLASS_MEANINGS,
    METRIC_NAMES,
    answer,
    confidence_words,
    format_estimate,
    format_points,
    format_probability,
    format_value,
    heatmap_words,
    operating_words,
    plain,
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
    parts: list[RenderableType] = [_notice(diagnosis.notice)]
    parts.append(_text(f"File: {diagnosis.radiograph.name}"))
    parts.append(_text(f"Model: {bundle.name} {bundle.version}"))
    if bundle.training_sets:
        parts.append(_text(f"Trained on: {'; '.join(bundle.training_sets)}"))
    parts += [Text(), _text(answer(diagnosis), "bold")]
    if diagnosis.abstained is not None:
        parts.append(_text(f"Reason: {diagnosis.abstained.reason}"))
    parts += map(_warning, warnings)
    if decision is not None:
        parts += [Text(), *_decision(decision, with_severity=severity is not None)]
    if diagnosis.heatmap is not None:
        parts.append(_text(heatmap_words(diagnosis.heatmap)))
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
        _notice(document["notice"]),
        _text(f"Model: {bundle['name']} {bundle['version']}"),
        _text(f"Data: {data['folder']}"),
        _text(_counts(document)),
        _metrics(document),
    ]
    if (point := document["operating_point"]) is not None:
        parts.append(_text(_measured(point)))
    parts.append(_confusion(document))
    for column, groups in document.get("subgroups", {}).items():
        parts.append(_subgroups(column, groups))
    if document["in_training"]:
        parts.append(
            _text(
                f"{document['in_training']} of these images were in the model's training data: "
                "the numbers flatter it.",
                "bold yellow",
            )
        )
    if data["unreadable"]:
        parts.append(_text("Unreadable files:"))
        parts += [_text(f"  {file}") for file in data["unreadable"]]
    return Group(*parts, *_warnings(document["warnings"]))


def _text(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style)


def _notice(notice: str) -> Panel:
    return Panel(_text(notice, "bold yellow"), border_style="yellow", box=box.SQUARE)


def _table(title: str, *columns: str) -> Table:
    """Make a table whose first column is text and whose others are numbers."""
    table = Table(title=_text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(_text(column), justify="right" if index else "left")
    return table


def _decision(decision: Decision, *, with_severity: bool) -> list[RenderableType]:
    table = _table(CALIBRATED, "Class", "Probability")
    table.add_column()
    table.add_column()
    for name, value in decision.probabilities.items():
        style = "bold" if name == decision.predicted else ""
        bar = _text("█" * round(_BAR * value), "cyan")
        meaning = _text(CLASS_MEANINGS.get(name, ""))
        table.add_row(_text(name, style), _text(format_probability(value), style), bar, meaning)
    sure = confidence_words(decision.confidence, with_severity=with_severity)
    return [table, *(_text(line) for line in (*operating_words(decision), *sure))]


def _severity(severity: Assessment, caveats: Iterable[str]) -> list[RenderableType]:
    borderline = ", borderline" if severity.borderline else ""
    title = f"Severity: {severity.level.upper()}{borderline} (rule base {severity.rule_base})"
    points = _table("Points per level", "Level", "From the symptoms", "With the image")
    for level in reversed(SeverityLevel):
        style = "bold" if level is severity.level else ""
        cells = (level, *map(format_points, (severity.scores[level], severity.adjusted[level])))
        points.add_row(*(_text(cell, style) for cell in cells))
    rules = _table("Rules that fired", "Rule", "Points")
    for column in ("Speaks for", "Because"):
        rules.add_column(column)
    for rule in severity.fired:
        cells = (rule.rule, f"{rule.weight:g}", rule.level, rule.explanation)
        rules.add_row(*map(_text, cells))
    why = rules if severity.fired else _text("No rule fired.")
    return [Text(), _text(title, "bold"), *map(_warning, caveats), Text(), points, why]


def _warning(warning: str) -> Text:
    return _text(f"Warning: {warning}", "yellow")


def _warnings(warnings: Iterable[str]) -> list[RenderableType]:
    lines: list[RenderableType] = [_warning(line) for line in warnings]
    return [Text(), *lines] if lines else []


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
    table = _table(f"Metrics{suffix}", "Metric", "Value", "95% interval")
    for name, label in METRIC_NAMES.items():
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
    rates = (
        f"{name} {'undefined' if point[name] is None else format(point[name], '.3f')}"
        for name in ("sensitivity", "specificity")
    )
    return (
        f"At the operating point ({point['class']} from {format_probability(point['threshold'])}): "
        f"{', '.join(rates)}"
    )


def _confusion(document: Mapping[str, Any]) -> Table:
    classes = document["classes"]
    table = _table("Confusion matrix", "True label", *classes)
    for label, row in document["confusion"].items():
        table.add_row(_text(label), *(str(row[name]) for name in classes))
    return table


def _subgroups(column: str, groups: Iterable[Mapping[str, Any]]) -> Table:
    table = _table(f"By {column}", column, "Images", "Accuracy", "Balanced accuracy", "AUROC")
    table.add_column("Note")
    for group in groups:
        rates = (group[name] for name in ("accuracy", "balanced_accuracy", "auroc"))
        cells = (group["group"], str(group["n"]), *map(format_estimate, rates), group["note"] or "")
        table.add_row(*map(_text, cells))
    return table
