"""What a search depends on, and whether it is possible."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pneumoscope.errors import InputError

METHODS = ("ga", "random", "grid", "bayes")
SCALINGS = ("published", "rank", "sigma")
OBJECTIVES = ("evaluation", "training")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How masks or rates are searched; Zeng 2020 where it says so, ours where it is silent.

    Attributes
    ----------
    method : str
        ``ga`` is Zeng's; ``random``, ``grid`` and ``bayes`` are what it must be compared with.
    rate : float
        The preset rate beta, within 0..1: of the warm-up, and in the middle of the first masks'.
    population : int
        Masks per step: of a generation, or of a rate. At least 2; not published.
    generations : int
        Published as T, without its value. Every method ends after ``generations + 1`` steps (the
        first population is a step).
    evaluations : int or None
        Masks to evaluate at most. A mask that was evaluated before costs nothing.
    minutes : float or None
        Of the search, from the backbone's features on, by the clock; the warm-up is not counted. A
        step that has begun is finished.
    crossover : float
        Share of the pairs that exchange genes, 0..1; not published.
    mutation : float or None
        Chance of each bit to flip, 0..1; None for one bit per mask on average. Not published.
    elite : int
        Best masks that go on unchanged, below the population; not published.
    scaling : str
        How the roulette wheel is cut; see `pneumoscope.lab.tuning.genetic.wheel`.
    objective : str
        How equation 4 is read: ``evaluation``, the losses with the mask in place; ``training``,
        the losses of a short training of the last layer under the mask. See
        `pneumoscope.lab.tuning.objective`.
    batches : int
        Drawn from the train part, of the recipe's batch size.
    seed : int
        Of the drawn batches, the masks, and the evolution.

    Raises
    ------
    InputError
        A value is impossible.
    """

    method: str = "ga"
    rate: float = 0.5
    population: int = 40
    generations: int = 30
    evaluations: int | None = None
    minutes: float | None = None
    crossover: float = 0.8
    mutation: float | None = None
    elite: int = 1
    scaling: str = "published"
    objective: str = "evaluation"
    batches: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("method", self.method, METHODS)
        _one_of("scaling", self.scaling, SCALINGS)
        _one_of("objective", self.objective, OBJECTIVES)
        _check(0 < self.rate < 1, "rate", self.rate, "above 0 and below 1")
        _check(self.population >= 2, "population", self.population, "at least 2")
        _check(self.generations >= 1, "generations", self.generations, "at least 1")
        _check(self.batches >= 1, "batches", self.batches, "at least 1")
        _check(0 <= self.seed < 2**32, "seed", self.seed, "0 to 4294967295")
        _check(0 <= self.crossover <= 1, "crossover", self.crossover, "0 to 1")
        _check(0 <= self.elite < self.population, "elite", self.elite, "0 to the population less 1")
        if self.mutation is not None:
            _check(0 <= self.mutation <= 1, "mutation", self.mutation, "0 to 1")
        if self.evaluations is not None:
            _check(self.evaluations >= 1, "evaluations", self.evaluations, "at least 1")
        if self.minutes is not None:
            _check(0 < self.minutes < float("inf"), "minutes", self.minutes, "above 0")

    @property
    def steps(self) -> int:
        """How many steps the search has at most."""
        return self.generations + 1

    def as_dict(self) -> dict[str, Any]:
        """Give the settings as plain JSON values."""
        return asdict(self)


def _check(possible: bool, name: str, value: float, must_be: str) -> None:
    if not possible:
        raise InputError(f"{name}: {value:g} is impossible; give {must_be}")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name}: {value!r} does not exist; there are: {', '.join(known)}")
