"""Trials of Zeng 2020's heads: measured, kept, and not run twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.errors import InputError
from pneumoscope.files import write_files
from pneumoscope.lab.datasets import DataIdentity, Split, certify, digest
from pneumoscope.lab.studies.page import Page, provenance
from pneumoscope.lab.studies.study import Context
from pneumoscope.lab.studies.zeng2020_backbone import Frozen
from pneumoscope.lab.studies.zeng2020_heads import (
    HEAD_CHOICES,
    WAYS,
    Budget,
    HeadTrainer,
    Parts,
    Trial,
    try_all,
)
from pneumoscope.metrics import Estimate, accuracy, auroc, balanced_accuracy, bootstrap_band, f1

FIGURES = ("accuracy", "F1", "AUROC", "AUROC as published")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """Every way on one split.

    Attributes
    ----------
    truth : ndarray of bool, shape (images,)
        Which of the reported images are positive.
    trials : dict of str to Trial
    """

    truth: NDArray[np.bool_]
    trials: dict[str, Trial]

    def figures(self, way: str) -> dict[str, float]:
        """The `FIGURES` of one way."""
        found = measured(self.truth, self.trials[way].probabilities)
        return {name: float(value) for name, value in found.items()}


def measured(
    truth: NDArray[np.bool_], probabilities: Floats, weights: Floats | None = None
) -> dict[str, Floats]:
    """Measure answers; an image is called positive from a probability of 0.5.

    Parameters
    ----------
    truth : ndarray of bool, shape (images,)
    probabilities : ndarray of float64, shape (images,)
    weights : ndarray of float64, shape (sets, images), optional

    Returns
    -------
    dict of str to ndarray of float64, shape (sets,) or ()
        By the names of `FIGURES`, 0..1; NaN where undefined.
    """
    called = probabilities >= 0.5
    is_class, called_class = truth.astype(np.intp), called.astype(np.intp)
    return {
        "accuracy": accuracy(is_class, called_class, weights),
        "F1": f1(truth, called, weights),
        "AUROC": auroc(probabilities, truth, weights),
        "AUROC as published": balanced_accuracy(is_class, called_class, weights),
    }


def with_intervals(
    figures: Callable[[Floats], dict[str, Floats]], patients: Sequence[str]
) -> dict[str, Estimate]:
    """Give figures their 95% intervals from a bootstrap of whole patients (papers).

    Parameters
    ----------
    figures : callable
        Takes weights of shape (sets, images) and gives `FIGURES`, each of shape (sets,).
    patients : sequence of str
        The patient of each image.
    """

    def stacked(weights: Floats) -> Floats:
        found = figures(weights)
        return np.stack([found[name] for name in FIGURES], axis=-1)

    band = bootstrap_band(stacked, patients)
    return {name: band.estimate(place) for place, name in enumerate(FIGURES)}


class Heads:
    """The features of a frozen network, on which heads are tried split by split.

    Parameters
    ----------
    context : Context
        Its work is where trials are kept.
    frozen : Frozen
    data : DataIdentity
        Of the same images.
    positive : str
        The positive class; all others are one.
    budget : Budget
        What a search may take.
    """

    def __init__(
        self,
        context: Context,
        frozen: Frozen,
        data: DataIdentity,
        *,
        positive: str,
        budget: Budget,
    ) -> None:
        self.context, self.data, self.budget = context, data, budget
        self.units = frozen.features.shape[2]
        self._features = torch.from_numpy(frozen.features)
        self._described = torch.from_numpy(frozen.described)
        made_of = [
            hashlib.sha256(frozen.features.tobytes()).hexdigest(),
            hashlib.sha256(frozen.described.tobytes()).hexdigest(),
            positive,
            asdict(budget),
            HEAD_CHOICES,
        ]
        self._key = digest(made_of)
        labels = [stratum.rpartition(" ")[2] == positive for stratum in data.strata]
        self._labels = torch.tensor(labels).long()

    @property
    def along_one_direction(self) -> float:
        """Share of the units' variance along their first principal component, 0..1.

        Near 1, a linear head has little to choose, whatever its dropout.
        """
        plain = self._features[:, 0]
        variances = torch.linalg.svdvals(plain - plain.mean(dim=0)).square()
        return float(variances[0] / variances.sum())

    def repeats(self, page: Page, name: str, splits: Sequence[Split]) -> list[Repeat]:
        """Try every way on every split, or take what was tried; name the splits on the page.

        Raises
        ------
        InputError
            A kept file is damaged, or of other features, another split, budget or way of training.
        """
        certificates = [certify(split, self.data)["sha256"] for split in splits]
        together = digest(certificates)[:16]
        page.source(f"splits: {name}", f"{len(splits)} certificates, together {together}")
        return [
            self.repeat(f"{name}-{number + 1}", split, number)
            for number, split in enumerate(splits)
        ]

    def repeat(self, name: str, split: Split, seed: int) -> Repeat:
        """Try every way on one split, or take what was tried.

        Parameters
        ----------
        name : str
            Of the kept file.
        split : Split
            With one fold.
        seed : int
            Of the heads and the searches.

        Raises
        ------
        InputError
            See `repeats`.
        """
        fold = split.folds[0]
        parts = Parts(*(fold.indices(part) for part in ("train", "stop", "report")))
        key = digest([self._key, certify(split, self.data)["sha256"]])
        path = self.context.work / f"{name}.json"
        kept = _kept(path, key)
        if kept is None:
            trained = HeadTrainer(
                self._features, self._labels, parts, seed, described=self._described
            )
            kept = _keep(path, key, try_all(trained, self.budget))
        trials, commit = kept
        self.context.commits.add(commit)
        return Repeat(self._labels[parts.report].numpy().astype(bool), trials)


def _keep(path: Path, key: str, trials: dict[str, Trial]) -> tuple[dict[str, Trial], str]:
    made_with = provenance()
    written = {name: trial.as_dict() for name, trial in trials.items()}
    body = {"key": key, "made_with": made_with, "trials": written}
    write_files({path: (json.dumps(body, allow_nan=False) + "\n").encode()})
    # As they will be read: rounded answers may tie.
    return {name: Trial.from_dict(each) for name, each in written.items()}, made_with["commit"]


def _kept(path: Path, key: str) -> tuple[dict[str, Trial], str] | None:
    """Read the trials of this very split and the commit that made them, if there are some."""
    try:
        body: dict[str, Any] = json.loads(path.read_bytes())
        stored, commit = body["key"], body["made_with"]["commit"]
        trials = {name: Trial.from_dict(body["trials"][name]) for name in WAYS}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is damaged; remove it") from None
    if stored != key:
        raise InputError(
            f"{path}: is of other features, another split or budget; remove it, or give another "
            "--work"
        )
    return trials, commit
