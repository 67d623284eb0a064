"""What a genetic search must be compared with, at the same budget: random, grid, Bayesian."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from pneumoscope.lab.networks import MAX_UNIT_RATE
from pneumoscope.lab.tuning.found import Found
from pneumoscope.lab.tuning.ledger import Ledger
from pneumoscope.lab.tuning.masks import Masks, draw_masks, drop_share
from pneumoscope.lab.tuning.settings import SearchSettings

# Rates that `bayes` chooses from, and those that it begins with: the ends and what is between.
_CANDIDATES = np.linspace(0, MAX_UNIT_RATE, 96)
_FIRST = (47, 0, 95, 24, 71)
# Keeps the matrix of the Gaussian process invertible where all masks of a rate are the same.
_LEAST_NOISE = 1e-6


def random_search(ledger: Ledger, settings: SearchSettings) -> Found:
    """Draw masks, each with a drop rate of its own, even over 0..1.

    Returns
    -------
    Found
        `rate` is the share of zeros in the best mask.
    """
    rng = np.random.default_rng([settings.seed, 1])
    for _ in range(settings.steps):
        if ledger.spent:
            break
        ledger.evaluate(draw_masks(rng.random(settings.population), ledger.units, rng))
    best = ledger.lowest(1)[0]
    return Found(
        rate=float(drop_share(best)),
        objective=ledger.steps[-1].best,
        mask=best,
        population=ledger.lowest(settings.population),
    )


class _Rates:
    """Rates tried so far: a rate's objective is the mean over `population` masks drawn at it."""

    def __init__(self, ledger: Ledger, settings: SearchSettings) -> None:
        self.rates: list[float] = []
        self.means: list[float] = []
        self.errors: list[float] = []
        self._best_masks: list[Masks] = []
        self._ledger = ledger
        self._population = settings.population
        self._rng = np.random.default_rng([settings.seed, 1])

    def attempt(self, rate: float) -> None:
        """Draw masks at a rate and evaluate them; fewer where the budget ends."""
        keep = np.full(self._population, 1 - rate)
        masks = draw_masks(keep, self._ledger.units, self._rng)
        objectives = self._ledger.evaluate(masks)
        reached = objectives[~np.isnan(objectives)]
        self.rates.append(rate)
        self.means.append(float(reached.mean()))
        self.errors.append(float(reached.std() / np.sqrt(len(reached))))
        self._best_masks.append(masks[np.nanargmin(objectives)])

    def found(self) -> Found:
        """Give the rate with the lowest mean."""
        best = int(np.argmin(self.means))
        return Found(
            rate=self.rates[best],
            objective=self.means[best],
            mask=self._best_masks[best],
            population=self._ledger.lowest(self._population),
        )


def grid_search(ledger: Ledger, settings: SearchSettings) -> Found:
    """Try evenly spaced rates from 0 to 0.95, as many as the budget has steps.

    In random order, so that a budget in minutes leaves a coarser grid and not the half of one. A
    budget of one step tries the preset rate.
    """
    count = settings.steps
    if settings.evaluations is not None:
        count = min(count, max(settings.evaluations // settings.population, 1))
    grid = np.linspace(0, MAX_UNIT_RATE, count) if count > 1 else np.array([settings.rate])
    tried = _Rates(ledger, settings)
    for rate in np.random.default_rng([settings.seed, 2]).permutation(grid):
        if ledger.spent:
            break
        tried.attempt(float(rate))
    return tried.found()


def bayesian_search(ledger: Ledger, settings: SearchSettings) -> Found:
    """Try the rate of the largest expected improvement under a Gaussian process (Jones 1998)."""
    tried = _Rates(ledger, settings)
    left = np.ones(len(_CANDIDATES), bool)
    for step in range(min(settings.steps, len(_CANDIDATES))):
        if ledger.spent:
            break
        position = _FIRST[step] if step < len(_FIRST) else _most_promising(tried, left)
        left[position] = False
        tried.attempt(float(_CANDIDATES[position]))
    return tried.found()


def _most_promising(tried: _Rates, left: NDArray[np.bool_]) -> int:
    """Position of the untried candidate whose expected improvement is the largest."""
    means = np.array(tried.means)
    scale = means.std() or 1.0
    kernel = ConstantKernel() * Matern(length_scale=0.3, length_scale_bounds=(0.05, 2), nu=2.5)
    noise = (np.array(tried.errors) / scale) ** 2 + _LEAST_NOISE
    process = GaussianProcessRegressor(kernel, alpha=noise)
    with warnings.catch_warnings():
        # A length at the end of its range is a flat or a wild curve, and no reason to stop.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(np.array(tried.rates)[:, np.newaxis], (means - means.mean()) / scale)
    mean, deviation = process.predict(_CANDIDATES[:, np.newaxis], return_std=True)
    below = ((means.min() - means.mean()) / scale) - mean
    deviation = np.maximum(deviation, 1e-12)
    expected = below * norm.cdf(below / deviation) + deviation * norm.pdf(below / deviation)
    return int(np.argmax(np.where(left, expected, -np.inf)))
