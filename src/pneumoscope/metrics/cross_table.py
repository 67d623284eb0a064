"""How a property of the images goes with their label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

_STRONG_V, _CHANCE = 0.3, 0.001
_MOST, _FEW = 0.9, 0.1


@dataclass(frozen=True, slots=True)
class Strongest:
    """The value that tells one label best from the others.

    Attributes
    ----------
    value, label : str
        The pair.
    share_of_label, share_of_others : float
        Of the images with the label, and of all others, how many have the value; 0..1.
    """

    value: str
    label: str
    share_of_label: float
    share_of_others: float


@dataclass(frozen=True, slots=True)
class CrossTable:
    """How a property of the images goes with their label.

    Attributes
    ----------
    counts : mapping of str to mapping of str to int
        Images by value, most frequent first, then by label.
    cramers_v : float or None
        Corrected for bias (Bergsma 2013), 0..1; None with one value or one label.
    strongest : Strongest or None
        The largest difference of shares; None with one value or one label.
    tells_label : bool
        The association is beyond chance (chi-squared test, p < 0.001), and either V is at least
        0.3, or one value holds at least 90% of a label and at most 10% of the others.
    """

    counts: Mapping[str, Mapping[str, int]]
    cramers_v: float | None
    strongest: Strongest | None
    tells_label: bool

    def as_dict(self) -> dict[str, Any]:
        """Give the table as plain JSON values."""
        return {
            "values": [
                {"value": value, "n": sum(row.values()), "labels": dict(row)}
                for value, row in self.counts.items()
            ],
            "cramers_v": self.cramers_v,
            "strongest": None if self.strongest is None else asdict(self.strongest),
            "tells_label": self.tells_label,
        }


def cross_table(values: Sequence[str], labels: Sequence[str]) -> CrossTable:
    """Count the values by label, and say whether they tell it.

    Parameters
    ----------
    values, labels : sequence of str
        Of each image; as many of one as of the other.
    """
    pairs, names = Counter(zip(values, labels, strict=True)), sorted(set(labels))
    order = [value for value, _ in sorted(Counter(values).items(), key=lambda v: (-v[1], v[0]))]
    table = np.array([[pairs[value, label] for label in names] for value in order])
    counts = {
        value: dict(zip(names, map(int, row), strict=True))
        for value, row in zip(order, table, strict=True)
    }
    if min(table.shape) < 2:
        return CrossTable(counts, None, None, tells_label=False)
    test = chi2_contingency(table, correction=False)
    v = _cramers_v(float(test.statistic), table.shape, len(labels))
    strongest = _strongest(table, order, names)
    parts = strongest.share_of_label >= _MOST and strongest.share_of_others <= _FEW
    tells = bool(test.pvalue < _CHANCE) and (v >= _STRONG_V or parts)
    return CrossTable(counts, v, strongest, tells_label=tells)


def _cramers_v(chi2: float, shape: tuple[int, ...], n: int) -> float:
    """Cramer's V with Bergsma's correction (2013): near 0 where only chance is at work."""
    rows, columns = shape
    phi2 = max(0.0, chi2 / n - (rows - 1) * (columns - 1) / (n - 1))
    sides = [side - (side - 1) ** 2 / (n - 1) for side in (rows, columns)]
    return float(min(1.0, np.sqrt(phi2 / (min(sides) - 1)))) if min(sides) > 1 else 0.0


def _strongest(table: NDArray[np.int_], values: list[str], labels: list[str]) -> Strongest:
    of_label = table / table.sum(axis=0)
    others = table.sum(axis=1, keepdims=True) - table
    of_others = others / (table.sum() - table.sum(axis=0))
    row, column = np.unravel_index(np.argmax(of_label - of_others), table.shape)
    shares = float(of_label[row, column]), float(of_others[row, column])
    return Strongest(values[row], labels[column], *shares)
