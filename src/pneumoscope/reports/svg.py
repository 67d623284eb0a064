"""What all pictures drawn as SVG share."""

from __future__ import annotations


def format_coordinate(value: float) -> str:
    """Write a coordinate shortly: a tenth of a unit cannot be seen."""
    return f"{value:.1f}".removesuffix(".0")
