"""One linear layer on frozen features, behind a dropout whose rates are chosen in many ways.

Everything before the dropout is fixed, so a training takes a second and can be repeated on many
splits. All ways of a trial begin with the same weights and see the same batches; those that search
have the same budget. Those that weigh the units by their feature matrices have the
usual rate on average.
"""

from __future__ import annotations

import copy
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks import UnitDropout
from pneumoscope.lab.tuning import (
    JOURNAL,
    UNIT_WEIGHTS,
    Journal,
    Ledger,
    Objective,
    SearchSettings,
    TrainingObjective,
    describe_maps,
    search,
    unit_weights,
    weighted_rates,
)

PRESET = 0.5
# What the searches are given, and how each way is called on the pages.
WAYS = {
    "none": "no dropout",
    "0.2": "p = 0.2",
    "0.5": "p = 0.5",
    "ga": "genetic search, p*",
    "ga-training": "genetic search by short trainings, p*",
    "per-unit": "genetic search, a rate per unit",
    "activation": "weighted by activation",
    "deviation": "weighted by deviation",
    "nuclear": "weighted by nuclear norm",
    "difference": "weighted by class difference",
    "random": "random search, p*",
    "bayes": "Bayesian search, p*",
    "tried": "rates tried on the stop part",
}
REFERENCE = "0.5"
# The searches of masks: their way, their method, and what they minimise.
SEARCHES = (
    ("ga", "ga", "evaluation"),
    ("ga-training", "ga", "training"),
    ("random", "random", "evaluation"),
    ("bayes", "bayes", "evaluation"),
)
_WARM_UP_EPOCHS = 3
_BATCHES = 4
_NO_LIMIT = 100_000
_TRIED_RATES = tuple(round(0.1 * tenth, 1) for tenth in range(10))


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How a head is trained; ours, as the publication does not say.

    Attributes
    ----------
    epochs : int
        At most.
    patience : int
        Epochs without a lower loss on the stop part.
    batch_size : int
    learning_rate : float
        Of Adam.
    """

    epochs: int = 60
    patience: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3


@dataclass(frozen=True, slots=True)
class Budget:
    """What each way that searches may take: seconds or masks, one of them.

    Attributes
    ----------
    seconds : float or None
        By the clock; a step that has begun is finished.
    evaluations : int or None
        Masks. The same whatever else the machine does.
    rates : int
        How many rates are trained with at most where rates are tried, 1 to 10.
    """

    seconds: float | None = None
    evaluations: int | None = None
    rates: int = len(_TRIED_RATES)

    def __str__(self) -> str:
        """Say when a search ended."""
        if self.seconds is None:
            return f"A search ended after {self.evaluations:,} masks."
        return (
            f"A search ended after {self.seconds:g} seconds by the clock, with the step that had "
            "begun."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Positions of the images that train a head, stop it, and are reported; all different."""

    train: NDArray[np.int64]
    stop: NDArray[np.int64]
    report: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One way on one split.

    Attributes
    ----------
    rate : float
        The dropout rate, or the mean of the rates per unit; 0..1.
    warm_up_seconds, search_seconds, train_seconds : float
        By the clock. Searches of masks share one warm-up. A weighting's search is the time that its
        numbers and rates took, from described feature matrices on.
    evaluations : int
        Masks evaluated, or networks trained (`tried`).
    epochs : int
        Until the kept weights.
    probabilities : ndarray of float64, shape (images,)
        Of the positive class, of the reported images.
    """

    rate: float
    warm_up_seconds: float
    search_seconds: float
    train_seconds: float
    evaluations: int
    epochs: int
    probabilities: NDArray[np.float64]

    def as_dict(self) -> dict[str, Any]:
        """Give the trial as plain JSON values."""
        rounded = np.round(self.probabilities, 6).tolist()
        return asdict(self) | {"probabilities": rounded}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Trial:
        """Read what `as_dict` gave."""
        return cls(**(values | {"probabilities": np.array(values["probabilities"])}))


@dataclass(frozen=True, slots=True)
class _Choice:
    """A way's dropout, and what finding it cost."""

    dropout: nn.Module
    rate: float
    warm_up: float = 0.0
    seconds: float = 0.0
    evaluations: int = 0


class HeadTrainer:
    """The features and labels of one split, on which heads are trained.

    Parameters
    ----------
    features : Tensor of float32, shape (images, views, units)
        View 0 is the image as it is; training draws one of the views.
    labels : Tensor of int64, shape (images,)
        0 or 1.
    parts : Parts
    seed : int
        Of the first weights, the batches and the searches.
    settings : HeadSettings
    described : Tensor, shape (images, 4, units), optional
        The units' feature matrices (`pneumoscope.lab.tuning.describe_maps`); by default those of
        units without maps.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        parts: Parts,
        seed: int,
        settings: HeadSettings | None = None,
        described: Tensor | None = None,
    ) -> None:
        self.features, self.labels, self.parts, self.seed = features, labels, parts, seed
        self.settings = settings or HeadSettings()
        without_maps = features[:, 0, :, None, None]
        self.described = describe_maps(without_maps) if described is None else described

    def train(self, dropout: nn.Module, *, epochs: int | None = None) -> tuple[nn.Linear, int]:
        """Train a head; with `epochs` exactly so long, else until the stop part's loss is lowest.

        Returns
        -------
        nn.Linear, int
            The kept head, and the epoch it is of.
        """
        torch.manual_seed(self.seed)
        head = nn.Linear(self.features.shape[2], 2)
        optimiser = torch.optim.Adam(head.parameters(), self.settings.learning_rate)
        draws = np.random.default_rng([self.seed, 3])
        dropout.train()
        best, kept, at = float("inf"), copy.deepcopy(head), 0
        for epoch in range(1, (epochs or self.settings.epochs) + 1):
            self._epoch(head, dropout, optimiser, draws)
            loss = self.loss(head, self.parts.stop)
            if epochs is not None or loss < best:
                best, kept, at = loss, copy.deepcopy(head), epoch
            elif epoch - at >= self.settings.patience:
                break
        return kept, at

    def loss(self, head: nn.Linear, part: NDArray[np.int64]) -> float:
        """Mean cross-entropy of a part's images as they are, without dropout."""
        with torch.no_grad():
            logits = head(self.features[part, 0])
            return float(functional.cross_entropy(logits, self.labels[part]))

    def answers(
        self, head: nn.Linear, part: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Probability of the positive class for a part's images, by default the reported ones."""
        with torch.no_grad():
            logits = head(self.features[self.parts.report if part is None else part, 0])
        return functional.softmax(logits.double(), dim=1)[:, 1].numpy()

    def objectives(self) -> dict[str, Objective]:
        """What the searches minimise: a head warmed up with the preset rate, on drawn batches.

        Returns
        -------
        dict of str to Objective
            By the two readings of equation 4, of the same head and batches.
        """
        head, _ = self.train(nn.Dropout(PRESET), epochs=_WARM_UP_EPOCHS)
        size = min(self.settings.batch_size, len(self.parts.train) // _BATCHES)
        rng = np.random.default_rng([self.seed, 0])
        drawn = rng.choice(self.parts.train, (_BATCHES, size), replace=False)
        parts = (
            self.features[drawn.ravel(), 0].unflatten(0, drawn.shape),
            self.labels[drawn.ravel()].unflatten(0, drawn.shape),
            torch.zeros(drawn.shape, dtype=torch.int64),
            torch.ones((1, 2), dtype=torch.bool),
            head.weight,
            head.bias,
        )
        rate = self.settings.learning_rate
        return {
            "evaluation": Objective(*parts),
            "training": TrainingObjective(*parts, learning_rate=rate),
        }

    def weighted(self, way: str) -> UnitDropout:
        """Weigh the units by their feature matrices on the images that train; mean rate 0.5."""
        train = self.parts.train
        weights = unit_weights(self.described[train], self.labels[train], way)
        return UnitDropout(weighted_rates(weights, PRESET))

    def _epoch(
        self,
        head: nn.Linear,
        dropout: nn.Module,
        optimiser: torch.optim.Optimizer,
        draws: np.random.Generator,
    ) -> None:
        order = draws.permutation(self.parts.train)
        views = draws.integers(self.features.shape[1], size=len(order))
        size = self.settings.batch_size
        for first in range(0, len(order), size):
            batch = slice(first, first + size)
            values = self.features[order[batch], views[batch]]
            loss = functional.cross_entropy(head(dropout(values)), self.labels[order[batch]])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


# What a trial depends on beside its features, its split and its budget.
HEAD_CHOICES = [
    PRESET,
    _WARM_UP_EPOCHS,
    _BATCHES,
    _TRIED_RATES,
    asdict(HeadSettings()),
    SEARCHES,
    UNIT_WEIGHTS,
]


def try_all(trainer: HeadTrainer, budget: Budget) -> dict[str, Trial]:
    """Choose a dropout in every way, train a head with each, and let it answer.

    Parameters
    ----------
    trainer : HeadTrainer
    budget : Budget
        What each way that searches may take.

    Returns
    -------
    dict of str to Trial
        By the names of `WAYS`.
    """
    chosen = {name: _fixed(float(name)) for name in ("0.2", "0.5")} | {"none": _fixed(0.0)}
    began = time.monotonic()
    objectives = trainer.objectives()
    warm_up = time.monotonic() - began
    for name, method, reading in SEARCHES:
        settings = SearchSettings(
            method=method,
            rate=PRESET,
            minutes=None if budget.seconds is None else budget.seconds / 60,
            evaluations=budget.evaluations,
            generations=_NO_LIMIT,
            objective=reading,
            seed=trainer.seed,
        )
        chosen[name], per_unit = _searched(objectives[reading], settings, warm_up)
        if name == "ga":
            chosen["per-unit"] = per_unit
    chosen |= {way: _weighted(trainer, way) for way in UNIT_WEIGHTS}
    chosen["tried"] = _tried(trainer, budget)
    return {name: _trial(trainer, chosen[name]) for name in WAYS}


def _fixed(rate: float) -> _Choice:
    return _Choice(nn.Dropout(rate), rate)


def _searched(
    objective: Objective, settings: SearchSettings, warm_up: float
) -> tuple[_Choice, _Choice]:
    """Search as `tune-dropout` does: the one rate, and the rates per unit."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(
            objective, objective.units, settings, Journal.start(Path(folder) / JOURNAL, {})
        )
        found = search(ledger, settings)
        cost = (warm_up, ledger.seconds, ledger.evaluations)
    rates = found.unit_rates
    return (
        _Choice(nn.Dropout(found.rate), found.rate, *cost),
        _Choice(UnitDropout(rates), float(np.mean(rates)), *cost),
    )


def _weighted(trainer: HeadTrainer, way: str) -> _Choice:
    began = time.monotonic()
    dropout = trainer.weighted(way)
    return _Choice(dropout, PRESET, seconds=time.monotonic() - began)


def _tried(trainer: HeadTrainer, budget: Budget) -> _Choice:
    """Train with one rate after another, as people do, and take the lowest loss on the stop part.

    In random order, as the budget may not reach for all.
    """
    began = time.monotonic()
    losses: dict[float, float] = {}
    for rate in np.random.default_rng([trainer.seed, 4]).permutation(_TRIED_RATES).tolist():
        late = budget.seconds is not None and time.monotonic() - began >= budget.seconds
        if losses and (late or len(losses) >= budget.rates):
            break
        head, _ = trainer.train(nn.Dropout(rate))
        losses[rate] = trainer.loss(head, trainer.parts.stop)
    best = min(losses, key=losses.__getitem__)
    spent = time.monotonic() - began
    return _Choice(nn.Dropout(best), best, seconds=spent, evaluations=len(losses))


def _trial(trainer: HeadTrainer, choice: _Choice) -> Trial:
    began = time.monotonic()
    head, epochs = trainer.train(choice.dropout)
    return Trial(
        rate=choice.rate,
        warm_up_seconds=round(choice.warm_up, 3),
        search_seconds=round(choice.seconds, 3),
        train_seconds=round(time.monotonic() - began, 3),
        evaluations=choice.evaluations,
        epochs=epochs,
        probabilities=trainer.answers(head),
    )
