"""`pneumoscope train-picture-check`: the laboratory, imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pneumoscope.cli.output import check_targets, need_lab, print_text


def train_picture_check(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the data sets.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.onnx", help="Write the network here, and its record FILE.json beside it."
        ),
    ],
) -> None:
    """Train and measure the picture check.

    It tells whether a picture is an upright frontal chest radiograph.
    """
    check_targets({"--out": out})
    need_lab("training")
    from pneumoscope.lab.picture_check import train_picture_check as run

    result = run(data, out)
    print_text(
        f"{_figures_to_text(result.figures)}\nWritten: {result.graph}\nWritten: {result.record}"
    )


def _figures_to_text(figures: dict[str, Any]) -> str:
    """Give the figures as lines for people."""
    lines = ["Radiographs that were refused, patients held out:"]
    lines += [
        f"  {name}: {_number(row['refused'])}{_codes(row['by_code'])}"
        for name, row in figures["ordinary"].items()
    ]
    lines += ["Damaged radiographs of which it was told:"]
    lines += [
        f"  {code}: {_number(rows['all']['told'])}" for code, rows in figures["damaged"].items()
    ]
    lines += ["Other pictures that were refused:"]
    lines += [f"  {name}: {_number(row['refused'])}" for name, row in figures["not_chest"].items()]
    return "\n".join(lines)


def _codes(counts: dict[str, int]) -> str:
    return "".join(f", {code} {count}" for code, count in counts.items())


def _number(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "none there"
    low, high = row["ci95"]
    return f"{row['value']:.4f} ({low:.4f} to {high:.4f}), {row['hits']} of {row['pictures']}"
