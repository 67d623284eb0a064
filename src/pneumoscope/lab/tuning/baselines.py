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


class _Rate:
    """One rate and the masks that were drawn at it: its objective is their mean.

    At rate 0 they are all the one mask that keeps everything, so its mean is exact after a single
    evaluation, and its error is truly 0.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.objectives = np.empty(0)
        self._lowest = np.inf
        self.best: Masks = np.empty(0, bool)

    def add(self, masks: Masks, objectives: NDArray[np.float64]) -> None:
        reached = ~np.isnan(objectives)
        masks, objectives = masks[reached], objectives[reached]
        self.objectives = np.append(self.objectives, objectives)
        if objectives.min() < self._lowest:
            self._lowest, self.best = objectives.min(), masks[objectives.argmin()]

    @property
    def mean(self) -> float:
        return float(self.objectives.mean())

    @property
    def error(self) -> float:
        return float(self.objectives.std() / np.sqrt(len(self.objectives)))


class _Rates:
    """Rates tried so far, `population` masks of each at a time."""

    def __init__(self, ledger: Ledger, settings: SearchSettings) -> None:
        self.tried: dict[float, _Rate] = {}
        self._ledger = ledger
        self._population = settings.population
        self._rng = np.random.default_rng([settings.seed, 1])

    def attempt(self, rate: float) -> bool:
        """Draw masks at a rate and evaluate them; tell whether any of them was new.

        Fewer are evaluated where the budget ends. Those of a rate that was tried are joined.
        """
        before = self._ledger.evaluations
        masks = draw_masks(np.full(self._population, 1 - rate), self._ledger.units, self._rng)
        self.tried.setdefault(rate, _Rate(rate)).add(masks, self._ledger.evaluate(masks))
        return self._ledger.evaluations > before

    def found(self) -> Found:
        """Give the rate with the lowest mean, of those with all their masks if there are any."""
        tried = list(self.tried.values())
        # The few masks that a budget's end leaves to a rate could win by luck.
        whole = [one for one in tried if len(one.objectives) >= self._population]
        best = min(whole or tried, key=lambda one: one.mean)
        return Found(
            rate=best.rate,
            objective=best.mean,
            mask=best.best,
            population=self._ledger.lowest(self._population),
        )


def grid_search(ledger: Ledger, settings: SearchSettings) -> Found:
    """Try evenly spaced rates from 0 to 0.95, as many as the budget has steps.

    In random order, so that a budget in minutes leaves a coarser grid and not the half of one. A
    budget of one step tries the preset rate. Every rate is tried once, with all of its masks, so
    what is left of a budget then stays unspent.
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
    """Try the rate of the largest expected improvement under a Gaussian process (Jones 1998).

    When every rate was tried, and a budget in masks or minutes is left, it draws further masks at
    the most promising ones, until there are no new ones.
    """
    rates = _Rates(ledger, settings)
    untried = np.ones(len(_CANDIDATES), bool)
    has_new = np.ones(len(_CANDIDATES), bool)
    budget = settings.evaluations is not None or settings.minutes is not None
    for step in range(settings.steps):
        left = untried if untried.any() or not budget else has_new
        if ledger.spent or not left.any():
            break
        position = _FIRST[step] if step < len(_FIRST) else _most_promising(rates, left)
        untried[position] = False
        has_new[position] = rates.attempt(float(_CANDIDATES[position]))
    return rates.found()


def _most_promising(rates: _Rates, left: NDArray[np.bool_]) -> int:
    """Position of the candidate, of those left, whose expected improvement is the largest."""
    tried = list(rates.tried.values())
    means = np.array([one.mean for one in tried])
    scale = means.std() or 1.0
    kernel = ConstantKernel() * Matern(length_scale=0.3, length_scale_bounds=(0.05, 2), nu=2.5)
    noise = (np.array([one.error for one in tried]) / scale) ** 2 + _LEAST_NOISE
    process = GaussianProcessRegressor(kernel, alpha=noise)
    with warnings.catch_warnings():
        # A length at the end of its range is a flat or a wild curve, and no reason to stop.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(np.array(list(rates.tried))[:, np.newaxis], (means - means.mean()) / scale)
    mean, deviation = process.predict(_CANDIDATES[:, np.newaxis], return_std=True)
    below = ((means.min() - means.mean()) / scale) - mean
    deviation = np.maximum(deviation, 1e-12)
    expected = below * norm.cdf(below / deviation) + deviation * norm.pdf(below / deviation)
    return int(np.argmax(np.where(left, expected, -np.inf)))
