"""What a labelled folder holds, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from pneumoscope.evaluation.reports.wording import data_words, patients_words
from pneumoscope.reports import line, notice_panel, number_table, warning_lines

_SHOWN_GROUPS = 5


def fingerprint_to_text(document: Mapping[str, Any]) -> Group:
    """Show a folder's fingerprint in a terminal: counts, tables by label, copies, warnings.

    Parameters
    ----------
    document : mapping
        From `to_fingerprint_document`.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    data = document["data"]
    parts: list[RenderableType] = [
        notice_panel(document["notice"]),
        line(f"Data: {data_words(data)}"),
        line(f"{document['n']} images read of {data['images']}"),
        line(_patients(data, document["patients"])),
        line(f"Distinct sizes (height x width): {document['distinct_sizes']}"),
        _labels(document["labels"]),
    ]
    labels = list(document["labels"])
    tables = {**document["properties"], **document["columns"]}
    parts += [_table(name, table, labels) for name, table in tables.items()]
    if document["columns_left_out"]:
        left_out = ", ".join(document["columns_left_out"])
        parts.append(line(f"Columns with too many values for a table: {left_out}"))
    parts += _copies("identical", document["exact_duplicates"])
    parts += _copies("nearly identical", document["near_duplicates"])
    if data["unreadable"]:
        parts.append(line("Unreadable files:"))
        parts += [line(f"  {file}") for file in data["unreadable"]]
    return Group(*parts, *warning_lines(each["text"] for each in document["warnings"]))


def _patients(data: Mapping[str, Any], patients: Mapping[str, Any] | None) -> str:
    if patients is None:
        return "Patients unknown"
    return (
        f"{patients_words(data, patients['n'])}; images of each: "
        f"{patients['median_images']:g} in the median, {patients['most_images']} at most; "
        f"{patients['several_labels']} with several labels"
    )


def _labels(labels: Mapping[str, int]) -> Table:
    table = number_table("Labels", "Label", "Images", "Share")
    total = sum(labels.values())
    for label, count in labels.items():
        table.add_row(line(label), str(count), f"{count / total:.1%}")
    return table


def _table(name: str, cross: Mapping[str, Any], labels: list[str]) -> Table:
    """Show the share of each label's images that has each value."""
    v = "" if cross["cramers_v"] is None else f", Cramer's V {cross['cramers_v']:.2f}"
    told = ": tells the label" if cross["tells_label"] else ""
    table = number_table(f"By {name}{v}{told}", name, "Images", *labels)
    totals = {label: sum(row["labels"][label] for row in cross["values"]) for label in labels}
    for row in cross["values"]:
        shares = (f"{row['labels'][label] / totals[label]:.1%}" for label in labels)
        table.add_row(line(row["value"]), str(row["n"]), *shares)
    return table


def _copies(what: str, copies: Mapping[str, Any]) -> list[RenderableType]:
    groups = copies["groups"]
    across = copies["across_patients"]
    patients = "" if across is None else f"{across} across patients, "
    parts: list[RenderableType] = [
        line(
            f"Groups of {what} images: {len(groups)} ({copies['images']} images); "
            f"{patients}{copies['across_labels']} across labels"
        )
    ]
    parts += [line(f"  {', '.join(group['files'])}") for group in groups[:_SHOWN_GROUPS]]
    if len(groups) > _SHOWN_GROUPS:
        parts.append(line(f"  and {len(groups) - _SHOWN_GROUPS} more; --json lists all"))
    return parts
