"""A comparison of two models as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from pneumoscope.evaluation.reports.wording import (
    METRICS,
    data_words,
    format_value,
    overlap_words,
    patients_words,
    without_overlap_words,
)
from pneumoscope.reports import format_probability, line, notice_panel, number_table, warning_lines

_TESTS = {"delong": "AUROC", "mcnemar": "Accuracy"}


def comparison_to_text(document: Mapping[str, Any]) -> Group:
    """Show a comparison in a terminal: models, warnings, differences with intervals, tests.

    Parameters
    ----------
    document : mapping
        From `to_comparison_document`.

    Returns
    -------
    rich.console.Group
        For `rich.console.Console.print`.
    """
    data, tests = document["data"], document["tests"]
    parts: list[RenderableType] = [notice_panel(document["notice"])]
    for letter in ("a", "b"):
        bundle = document[letter]
        parts.append(line(f"{letter}: {bundle['name']} {bundle['version']}"))
    parts += [line(f"Data: {data_words(data)}"), line(_counts(document))]
    for letter, overlap in document["overlap"].items():
        parts.append(line(f"In the training of {letter}: {overlap_words(overlap)}"))
    parts += [
        *warning_lines(each["text"] for each in document["warnings"]),
        *_differences(document),
        _tests(tests),
    ]
    if (discordant := tests["mcnemar"]) is not None:
        parts.append(
            line(
                f"Right by one model alone: {discordant['only_a']} images by a, "
                f"{discordant['only_b']} by b"
            )
        )
    if (published := tests["as_published"]) is not None:
        parts.append(line(_published(published)))
    if data["unreadable"]:
        parts.append(line("Unreadable files:"))
        parts += [line(f"  {file}") for file in data["unreadable"]]
    return Group(*parts)


def _counts(document: Mapping[str, Any]) -> str:
    patients = patients_words(document["data"], document["patients"])
    return f"{document['n']} images ({patients}), the same for both models"


def _differences(document: Mapping[str, Any]) -> list[RenderableType]:
    positive = document["positive"]
    suffix = "" if positive is None else f", positive class {positive}"
    tables: list[RenderableType] = [_difference_table(document, f"Paired differences{suffix}")]
    if (rest := document["without_overlap"]) is not None:
        tables.append(_difference_table(rest, without_overlap_words(rest)))
    return tables


def _difference_table(part: Mapping[str, Any], title: str) -> Table:
    table = number_table(title, "Metric", "a", "b", "a minus b", "95% interval")
    for name, values in part["differences"].items():
        interval = values["ci95"]
        table.add_row(
            METRICS[name],
            *(format_value(values[key]) for key in "ab"),
            "undefined" if values["value"] is None else f"{values['value']:+.3f}",
            "none" if interval is None else f"{interval[0]:+.3f} to {interval[1]:+.3f}",
        )
    return table


def _tests(tests: Mapping[str, Any]) -> Table:
    table = number_table("Tests of no difference (two-sided)", "Of", "z", "p-value")
    table.add_column("Method")
    for name, label in _TESTS.items():
        if (test := tests[name]) is None:
            continue
        statistic = "" if test["statistic"] is None else f"{test['statistic']:+.2f}"
        patients = ", patients with several images" if test["clustered"] else ""
        table.add_row(
            line(label), statistic, _p_value(test["p_value"]), line(test["method"] + patients)
        )
    return table


def _published(test: Mapping[str, Any]) -> str:
    return (
        f"Paired t-test over {test['resamples']} resamples of the accuracy (Baral 2025): mean "
        f"difference {test['mean_difference']:+.4f}, p {_p_value(test['p_value'])}. "
        f"{test['caution']}"
    )


def _p_value(value: float | None) -> str:
    return "undefined" if value is None else format_probability(value)
