"""What every method ends with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pneumoscope.lab.networks import MAX_UNIT_RATE
from pneumoscope.lab.tuning.masks import Masks


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A method's answer.

    Attributes
    ----------
    rate : float
        p*, 0..1: share of zeros in the best mask, or the best rate of `grid` and `bayes`.
    objective : float
        Of the best mask; of `grid` and `bayes`, the mean over the rate's masks.
    mask : ndarray of bool, shape (units,)
        The best one; of `grid` and `bayes`, among those drawn at the best rate.
    population : ndarray of bool, shape (masks, units)
        Whose frequencies become the drop probabilities per unit: the last whole generation, or of
        the other methods the best masks, as many. All were evaluated: of a budget below one
        generation there are fewer.
    """

    rate: float
    objective: float
    mask: Masks
    population: Masks

    @property
    def unit_rates(self) -> tuple[float, ...]:
        """Share of the population that drops each unit, at most 0.95."""
        frequencies = np.clip(1 - self.population.mean(axis=0), 0, MAX_UNIT_RATE)
        return tuple(np.round(frequencies, 4).tolist())
