"""An evaluation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pneumoscope.evaluation.reports.decisions import (
    decision_groups,
    decision_words,
    threshold_words,
)
from pneumoscope.evaluation.reports.wording import (
    METRICS,
    SALIENCY_MEASURES,
    data_words,
    format_difference,
    format_estimate,
    format_value,
    overlap_words,
    patients_words,
    saliency_counts,
    saliency_groups,
    without_overlap_words,
)
from pneumoscope.reports import line, notice_panel, number_table, warning_lines


def evaluation_to_text(document: Mapping[str, Any]) -> Group:
    """Show an evaluation in a terminal: counts, warnings, figures, subgroups, where it looks.

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
        line(f"Model: {bundle['name']} {bundle['version']}"),
        line(f"Data: {data_words(data)}"),
        line(_counts(document)),
        line(f"In the bundle's training: {overlap_words(document['overlap'])}"),
        *warning_lines(each["text"] for each in document["warnings"]),
        *_metrics(document),
    ]
    parts += [*_measured(document), _confusion(document)]
    for column, groups in document.get("subgroups", {}).items():
        parts.append(_subgroups(column, groups))
    if "saliency" in document:
        parts += _saliency(document["saliency"])
    if data["unreadable"]:
        parts.append(line("Unreadable files:"))
        parts += [line(f"  {file}") for file in data["unreadable"]]
    return Group(*parts)


def _counts(document: Mapping[str, Any]) -> str:
    patients = patients_words(document["data"], document["patients"])
    return (
        f"{document['n']} images ({patients}), {document['abstained']} of them refused by diagnose "
        f"but scored, and {len(document['data']['unreadable'])} unreadable files beside them"
    )


def _metrics(document: Mapping[str, Any]) -> list[RenderableType]:
    positive = document["positive"]
    suffix = "" if positive is None else f", positive class {positive}"
    tables: list[RenderableType] = [_metrics_table(document, f"Metrics{suffix}")]
    if (rest := document["without_overlap"]) is not None:
        tables.append(_metrics_table(rest, without_overlap_words(rest)))
    return tables


def _metrics_table(part: Mapping[str, Any], title: str) -> Table:
    table = number_table(title, "Metric", "Value", "95% interval")
    for name, label in METRICS.items():
        if name not in part:
            continue
        value, interval = part[name]["value"], part[name]["ci95"]
        table.add_row(
            label,
            format_value(value),
            "none" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        )
    return table


def _measured(document: Mapping[str, Any]) -> list[RenderableType]:
    table = number_table(
        "Thresholds", "Read as", "Threshold", "Images", "Sensitivity", "Specificity"
    )
    for name, part in decision_groups(document):
        for point in part["operating_points"]:
            rates = (format_estimate(point[rate]) for rate in ("sensitivity", "specificity"))
            cells = (name, threshold_words(point), str(point["images"]), *rates)
            table.add_row(*map(line, cells))
    return [*([table] if table.row_count else []), *map(line, decision_words(document))]


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


def _saliency(saliency: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = [
        line(f"Where the heatmaps of {saliency['label']} look", "bold"),
        line(saliency["verdict"]),
        line(f"Rule: {saliency['rule']}."),
    ]
    for name, group in saliency_groups(saliency):
        title = f"{name}: {saliency_counts(group, saliency['label'])}"
        table = number_table(title, "", "Heatmap", "Fixed map", "Difference (95%)")
        for measure, label in SALIENCY_MEASURES.items():
            item = group["measures"][measure]
            table.add_row(
                label,
                format_value(item["heatmap"]["value"]),
                format_value(item["fixed_map"]["value"]),
                format_difference(item["over_fixed_map"]),
            )
        parts += [Text(), table]
    return parts
