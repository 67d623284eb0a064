"""An evaluation as one self-contained HTML page: its figures, drawn from the document's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pneumoscope.evaluation.reports.charts import (
    Axis,
    Chart,
    fitted_axis,
    interval_bar,
    mirrored_axis,
    unit_axis,
)
from pneumoscope.evaluation.reports.decisions import (
    decision_groups,
    decision_words,
    threshold_words,
)
from pneumoscope.evaluation.reports.wording import (
    METRICS,
    SALIENCY_MEASURES,
    data_words,
    format_estimate,
    format_value,
    overlap_words,
    patients_words,
    saliency_counts,
    saliency_groups,
    without_overlap_words,
)
from pneumoscope.reports import template_environment
from pneumoscope.version import VERSION

# The page's style sheet has so many colours that can be told apart, also by the colour-blind.
_COLOURS = 6
# Share of the accent colour in a cell of the confusion matrix that holds its whole row.
_DARKEST = 0.5

_RATES = ("precision", "recall", "f1", "specificity")
_HEADLINES = ("accuracy", "balanced_accuracy", "auroc_macro")
_HEADLINES_POSITIVE = ("auroc", "sensitivity", "specificity")


def evaluation_to_html(document: Mapping[str, Any]) -> str:
    """Write an evaluation as one HTML file without scripts or outside resources.

    Parameters
    ----------
    document : mapping
        From `to_evaluation_document`, with the figures of `EvaluationFigures.as_dict`. The page
        shows its numbers and no others. Text from files is escaped, its control characters made
        visible.

    Returns
    -------
    str
        To be saved as UTF-8.
    """
    names = list(document["reliability"])
    return (
        template_environment("pneumoscope.evaluation.reports")
        .get_template("evaluation.html.j2")
        .render(
            document=document,
            headlines=_headlines(document),
            metrics=[
                (name, label, document[name]) for name, label in METRICS.items() if name in document
            ],
            rates=_RATES,
            shares=_shares(document),
            legend=[(name, _style(index)) for index, name in enumerate(names)],
            roc=_curves(document, "roc"),
            precision_recall=_curves(document, "precision_recall"),
            per_class_figures=[
                {
                    "name": name,
                    "reliability": _reliability(document, name, index),
                    "histogram": _histogram(document, name, index),
                    "decision": _decision(document, name, index),
                }
                for index, name in enumerate(names)
            ],
            subgroups=_subgroups(document),
            decision_groups=decision_groups(document),
            decision_words=decision_words(document),
            threshold_words=threshold_words,
            data_words=data_words,
            patients_words=patients_words,
            overlap=overlap_words(document["overlap"]),
            without_overlap=without_overlap_words,
            saliency=_saliency(document),
            version=VERSION,
            value=format_value,
            estimate=format_estimate,
        )
    )


def _style(index: int) -> str:
    return f"s{index % _COLOURS}"


def _headlines(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    names = _HEADLINES if document["positive"] is None else _HEADLINES_POSITIVE
    return [(METRICS[name], document[name]) for name in names]


def _shares(document: Mapping[str, Any]) -> dict[str, dict[str, tuple[int, float, float]]]:
    """Per cell of the confusion matrix: images, share of its row, strength of its colour."""
    return {
        label: {
            name: (count, count / sum(row.values()), _DARKEST * count / sum(row.values()))
            for name, count in row.items()
        }
        for label, row in document["confusion"].items()
    }


def _curves(document: Mapping[str, Any], kind: str) -> Markup | None:
    """Draw the ROC or the precision-recall curves of all classes; None where none is defined."""
    across, up, area = {
        "roc": ("fpr", "tpr", "auroc"),
        "precision_recall": ("recall", "precision", "auprc"),
    }[kind]
    axes = {
        "roc": (unit_axis("1 - specificity"), unit_axis("Sensitivity")),
        "precision_recall": (unit_axis("Recall (sensitivity)"), unit_axis("Precision")),
    }[kind]
    curves = {name: curve for name, curve in document[kind].items() if curve is not None}
    if not curves:
        return None
    told = "; ".join(f"{name} {format_estimate(curve[area])}" for name, curve in curves.items())
    chart = Chart(f"{axes[1].label} against {axes[0].label}. {area.upper()}: {told}", *axes)
    if kind == "roc":
        chart.line([(0, 0), (1, 1)], "reference")
    for index, (name, curve) in enumerate(document[kind].items()):
        if curve is None:
            continue
        style, band = _style(index), curve["band"]
        chart.band(band[across], band["low"], band["high"], style)
        points = list(zip(curve[across], curve[up], strict=True))
        if kind == "roc":
            chart.line(points, style)
        else:
            share = _prevalence(document, name)
            chart.line([(0, share), (1, share)], f"reference {style}")
            chart.steps(points, style)
    return chart.svg()


def _prevalence(document: Mapping[str, Any], name: str) -> float:
    return float(sum(document["confusion"].get(name, {}).values()) / document["n"])


def _reliability(document: Mapping[str, Any], name: str, index: int) -> Markup:
    bins = document["reliability"][name]["bins"]
    told = "; ".join(f"{part['stated']:.2f}: {part['observed']:.2f}" for part in bins)
    chart = Chart(
        f"Observed share of {name} at each stated probability. {told}",
        unit_axis(f"Stated probability of {name}"),
        unit_axis("Observed share"),
    )
    chart.line([(0, 0), (1, 1)], "reference")
    chart.line([(part["stated"], part["observed"]) for part in bins], f"thin {_style(index)}")
    for part in bins:
        low, high = part["ci95"]
        chart.dot((part["stated"], part["observed"]), low, high, _style(index))
    return chart.svg()


def _histogram(document: Mapping[str, Any], name: str, index: int) -> Markup:
    """Draw images of the class upwards and the others downwards, by stated probability."""
    histogram = document["reliability"][name]["histogram"]
    positives, others = histogram["positives"], histogram["others"]
    most = max(*positives, *others, 1)
    chart = Chart(
        f"Histogram of the stated probability: {sum(positives)} images of {name}, "
        f"{sum(others)} others",
        unit_axis(f"Stated probability: {name} above, others below"),
        mirrored_axis("Images", most),
        height=170,
    )
    for place, (up, down) in enumerate(zip(positives, others, strict=True)):
        start, end = place / len(positives), (place + 1) / len(positives)
        chart.bar(start, end, 0, up, _style(index))
        chart.bar(start, end, -down, 0, "others")
    return chart.svg()


def _decision(document: Mapping[str, Any], name: str, index: int) -> Markup:
    curve = document["decision_curve"][name]
    top = max(curve["treat_all"][0], *curve["net_benefit"], 0.01)
    chart = Chart(
        f"Net benefit of acting on the probability of {name}, against acting on everyone or no one",
        unit_axis("Threshold probability"),
        fitted_axis("Net benefit per image", -top / 5, top * 1.05),
        cut=True,
    )
    chart.line([(0, 0), (1, 0)], "reference")
    chart.line(zip(curve["threshold"], curve["treat_all"], strict=True), "dashed")
    chart.band(curve["threshold"], curve["low"], curve["high"], _style(index))
    chart.line(zip(curve["threshold"], curve["net_benefit"], strict=True), _style(index))
    return chart.svg()


def _subgroups(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Per column: its groups, the range of its forest plot, and a row of that plot per group."""
    whole = document["auroc_macro" if document["positive"] is None else "auroc"]["value"]
    columns = {}
    for column, groups in document["subgroups"].items():
        ends = [group["auroc"]["value"] for group in groups]
        ends += [low for group in groups for low, _ in [group["auroc"]["ci95"] or (1, 1)]]
        lowest = min([end for end in [*ends, whole] if end is not None], default=0)
        axis = fitted_axis("AUROC", min(math.floor(10 * lowest) / 10, 0.9), 1)
        columns[column] = {
            "low": f"{axis.low:g}",
            "high": f"{axis.high:g}",
            "rows": [
                (group, interval_bar(group["auroc"]["value"], group["auroc"]["ci95"], axis, whole))
                for group in groups
            ],
        }
    return columns


def _saliency(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Per group of images with boxes: its name, its counts, and per measure a row with its plot."""
    if "saliency" not in document:
        return []
    groups = saliency_groups(document["saliency"])
    axis = _difference_axis([group for _, group in groups])
    return [
        {
            "name": name,
            "counts": saliency_counts(group, document["saliency"]["label"]),
            "low": f"{axis.low:+g}",
            "high": f"{axis.high:+g}",
            "rows": [
                (label, item, interval_bar(difference["value"], difference["ci95"], axis, 0))
                for measure, label in SALIENCY_MEASURES.items()
                for item in [group["measures"][measure]]
                for difference in [item["over_fixed_map"]]
            ],
        }
        for name, group in groups
    ]


def _difference_axis(groups: Sequence[Mapping[str, Any]]) -> Axis:
    """Choose one axis, even around 0, for the differences of all groups."""
    differences = [
        item["over_fixed_map"] for group in groups for item in group["measures"].values()
    ]
    ends = [abs(end) for each in differences for end in [each["value"], *(each["ci95"] or ())]]
    reach = max(math.ceil(10 * max(ends)) / 10, 0.1)
    return fitted_axis("Difference", -reach, reach)
