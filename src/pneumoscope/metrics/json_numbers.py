"""Arrays as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pneumoscope.metrics.classification import FloatArray

_DECIMALS = 6


def number(value: float) -> float | None:
    """Give a number rounded to 6 decimals; None (JSON null) for NaN."""
    return None if np.isnan(value) else round(float(value), _DECIMALS)


def numbers(values: FloatArray | Iterable[float]) -> list[float | None]:
    """Give each number rounded to 6 decimals; None (JSON null) for NaN."""
    return [number(value) for value in values]
