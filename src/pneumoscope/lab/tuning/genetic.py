"""Zeng 2020's genetic search, on DEAP: roulette wheel, one-point crossover, bit flips."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from deap import algorithms, base, tools
from numpy.typing import NDArray

from pneumoscope.lab.tuning.found import Found
from pneumoscope.lab.tuning.ledger import Ledger
from pneumoscope.lab.tuning.masks import Masks, draw_masks, drop_share, not_empty
from pneumoscope.lab.tuning.settings import SearchSettings

# Published as "a fixed weight greater than ten".
FITNESS_WEIGHT = 100.0
_SMALLEST_FITNESS = 1e-12
# Forrest's floor: the worst keep a tenth of the average slice (Mitchell 1996, section 5.4).
_SMALLEST_SHARE = 0.1


# Not DEAP's `creator`, which would make its classes anew in a global place for every search.
class _Fitness(base.Fitness):  # type: ignore[misc]
    """The published fitness, to be minimised."""

    weights = (-1.0,)


class _Slice(base.Fitness):  # type: ignore[misc]
    """What an individual has of the wheel, which DEAP turns for a maximum only."""

    weights = (1.0,)


class _Individual(list[bool]):
    """A mask as DEAP's operators take it: slices of an array would be views, not copies."""

    def __init__(self, genes: Sequence[bool]) -> None:
        super().__init__(genes)
        self.fitness = _Fitness()
        self.slice = _Slice()

    def copy(self) -> _Individual:
        twin = _Individual(self)
        twin.fitness.wvalues = self.fitness.wvalues
        return twin


def genetic(ledger: Ledger, settings: SearchSettings) -> Found:
    """Search masks as Zeng 2020 does.

    Parameters
    ----------
    ledger : Ledger
    settings : SearchSettings

    Returns
    -------
    Found
        `rate` is the share of zeros in the best mask of all generations.
    """
    rng = np.random.default_rng([settings.seed, 1])
    masks = first_population(settings, ledger.units, rng)
    with python_random(settings.seed):
        toolbox = _toolbox(settings, ledger.units)
        population = _assess([_Individual(mask.tolist()) for mask in masks], ledger)
        for _ in range(settings.generations):
            if ledger.spent:
                break
            offspring = _assess(_breed(population, toolbox, settings, rng), ledger)
            if len(offspring) < settings.population:
                break
            population = offspring
    best = ledger.lowest(1)[0]
    return Found(float(drop_share(best)), ledger.steps[-1].best, best, np.array(population, bool))


def first_population(settings: SearchSettings, units: int, rng: np.random.Generator) -> Masks:
    """Draw the first masks (Zeng 2020, step 2).

    Published: "different scales" around the preset rate. Here: every mask's own drop rate is drawn
    evenly from ``rate`` plus or minus half of its distance to the nearer end of 0..1.

    Returns
    -------
    ndarray of bool, shape (population, units)
    """
    reach = min(settings.rate, 1 - settings.rate) / 2
    rates = rng.uniform(settings.rate - reach, settings.rate + reach, settings.population)
    return draw_masks(1 - rates, units, rng)


def wheel(fitness: NDArray[np.float64], scaling: str) -> NDArray[np.float64]:
    """Cut the roulette wheel so that a lower fitness has a larger slice.

    Parameters
    ----------
    fitness : ndarray, shape (n,)
        At least 0, to be minimised.
    scaling : str
        ``published``: a slice is 1 / fitness. The publication weighs its objective with a constant
        "to spread the individuals", but a constant factor cancels out of the shares, so losses that
        differ by a few per cent have slices that differ by as little.
        ``rank``: n slices for the best, n - 1 for the second, 1 for the worst; equal ones alike.
        ``sigma``: one slice plus half of the standard deviations below the mean, at least a tenth
        (Forrest; Mitchell 1996, section 5.4).

    Returns
    -------
    ndarray, shape (n,)
        Above 0; a share is a slice over their sum.
    """
    if scaling == "published":
        return 1 / np.maximum(fitness, _SMALLEST_FITNESS)
    if scaling == "rank":
        ordered = np.sort(fitness)
        better = np.searchsorted(ordered, fitness, "left")
        not_worse = np.searchsorted(ordered, fitness, "right")
        return len(fitness) - (better + not_worse - 1) / 2
    deviation = fitness.std()
    if deviation == 0:
        return np.ones(len(fitness))
    return np.maximum(1 + (fitness.mean() - fitness) / (2 * deviation), _SMALLEST_SHARE)


@contextmanager
def python_random(seed: int) -> Iterator[None]:
    """Seed Python's generator, which DEAP draws from, and give it back as it was."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _toolbox(settings: SearchSettings, units: int) -> base.Toolbox:
    """Operators by their usual names in DEAP."""
    toolbox = base.Toolbox()
    mutation = 1 / units if settings.mutation is None else settings.mutation
    toolbox.register("clone", _Individual.copy)
    toolbox.register("select", tools.selRoulette, fit_attr="slice")
    toolbox.register("mate", tools.cxOnePoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=mutation)
    return toolbox


def _breed(
    population: list[_Individual],
    toolbox: base.Toolbox,
    settings: SearchSettings,
    rng: np.random.Generator,
) -> list[_Individual]:
    """Select, cross and mutate; the elite goes on as it is."""
    fitness = np.array([one.fitness.values[0] for one in population])
    for individual, share in zip(population, wheel(fitness, settings.scaling), strict=True):
        individual.slice.values = (float(share),)
    elite = [toolbox.clone(one) for one in tools.selBest(population, settings.elite)]
    parents = toolbox.select(population, settings.population - settings.elite)
    children = algorithms.varAnd(parents, toolbox, settings.crossover, 1.0)
    kept = not_empty(np.array(children, bool), rng)
    return elite + [_Individual(mask.tolist()) for mask in kept]


def _assess(population: list[_Individual], ledger: Ledger) -> list[_Individual]:
    """Give individuals their fitness, and return those that the budget reached."""
    objectives = ledger.evaluate(np.array(population, bool))
    for individual, objective in zip(population, objectives, strict=True):
        if not np.isnan(objective):
            individual.fitness.values = (FITNESS_WEIGHT * float(objective),)
    return [individual for individual in population if individual.fitness.valid]
