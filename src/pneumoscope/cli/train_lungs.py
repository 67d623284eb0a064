"""`pneumoscope train-lungs`: the laboratory, imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pneumoscope.cli.output import check_targets, need_lab, print_text


def train_lungs(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the data sets.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.onnx", help="Write the network here, and its record FILE.json beside it."
        ),
    ],
) -> None:
    """Train and measure the lung-field segmenter."""
    check_targets({"--out": out})
    need_lab("training")
    from pneumoscope.lab.lungs import train_lungs as run

    result = run(data, out)
    print_text(
        f"{_figures_to_text(result.figures)}\nWritten: {result.graph}\nWritten: {result.record}"
    )


def _figures_to_text(figures: dict[str, Any]) -> str:
    """Give the figures as lines for people."""
    lines = ["Agreement with masks (Dice), patients held out:"]
    lines += [
        f"  {name}: {_number(row['dice'])}, {row['images']} images"
        for name, row in figures["agreement"].items()
    ]
    lines += ["Of opacities that readers marked, inside the lungs:"]
    lines += [f"  {name}: {_number(row['inside'])}" for name, row in figures["opacities"].items()]
    lines += ["Pictures in which fewer than two lungs were found:"]
    lines += [
        f"  {' '.join(filter(None, (row['source'], row['label'])))}: "
        f"{_number(row['all']['fewer_than_two'])}"
        for row in figures["lungs_found"]
    ]
    return "\n".join(lines)


def _number(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "none there"
    if row["ci95"] is None:
        return f"{row['value']:.3f}"
    low, high = row["ci95"]
    return f"{row['value']:.3f} ({low:.3f} to {high:.3f})"
