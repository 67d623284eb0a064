"""A comparison of two models as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from pneumoscope.reports.elements import line, notice_panel, number_table, warning_line
from pneumoscope.reports.wording import METRICS, format_probability, format_value

_TESTS = {"delong": "AUROC", "mcnemar": "Accuracy"}


def comparison_to_text(document: Mapping[str, Any]) -> Group:
    """Show a comparison in a terminal: models, differences with intervals, tests, warnings.

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
    parts += map(warning_line, document["warnings"])
    for letter in ("a", "b"):
        bundle = document[letter]
        parts.append(line(f"{letter}: {bundle['name']} {bundle['version']}"))
    parts += [line(f"Data: {data['folder']}"), line(_counts(document)), _differences(document)]
    parts.append(_tests(tests))
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
    patients = (
        f"{document['patients']} patients"
        if document["data"]["has_patients"]
        else "patients unknown, each image counted as its own"
    )
    return f"{document['n']} images ({patients}), the same for both models"


def _differences(document: Mapping[str, Any]) -> Table:
    positive = document["positive"]
    suffix = "" if positive is None else f", positive class {positive}"
    table = number_table(
        f"Paired differences{suffix}", "Metric", "a", "b", "a minus b", "95% interval"
    )
    for name, values in document["differences"].items():
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
