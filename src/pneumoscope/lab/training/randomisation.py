"""Whether heatmaps depend on what was learnt: the weight randomisation check.

After Adebayo et al. 2018 (Sanity Checks for Saliency Maps, section 3): weights are replaced by
fresh ones from the top down, first those of the head, then all. A heatmap that stays the same shows
the image or the architecture, not the network's reasons. How alike is too alike follows Arun et al.
2021 (Radiology: Artificial Intelligence 3:e200267): the map must come to resemble the trained
network's map of the same image less than its maps of other patients do.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from pneumoscope.lab.networks import Network
from pneumoscope.metrics import Estimate, Place, bootstrap_band, place_of

SEEDS = 5

Show = Callable[[Network, Tensor], Tensor]

_VERDICTS: dict[Place | None, str] = {
    "below": "passes",
    "across": "undecided",
    "above": "fails",
    None: "undecided",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """How alike the heatmaps stay when some weights are fresh.

    Attributes
    ----------
    name : str
        Which weights are fresh: "head" or "everything".
    similarity : Estimate
        Mean Spearman rank correlation of an image's map with the trained network's, -1..1, over
        images and seeds; the interval is over the patients.
    seeds : (float, float)
        The lowest and the highest mean that a single seed gave.
    over_others : Estimate
        `similarity` minus that of the trained network's maps of other patients, paired by image.
    verdict : {"passes", "undecided", "fails"}
        Whether the interval of `over_others` lies below 0, across it or above it.
    """

    name: str
    similarity: Estimate
    seeds: tuple[float, float]
    over_others: Estimate
    verdict: str


@dataclass(frozen=True, slots=True)
class Randomisation:
    """What `check_randomisation` found.

    Attributes
    ----------
    images, patients : int
        Images, and their distinct patients.
    others : Estimate
        Mean Spearman rank correlation of the trained network's maps of different patients.
    stages : tuple of Stage
        In the order of the cascade.
    """

    images: int
    patients: int
    others: Estimate
    stages: tuple[Stage, ...]


def check_randomisation(
    network: Network,
    build: Callable[[], Network],
    images: Tensor,
    patients: Sequence[str],
    show: Show,
    seed: int,
) -> Randomisation:
    """Compare the heatmaps before and after the weights are made fresh.

    Parameters
    ----------
    network : Network
        Trained, in evaluation mode; left as it is.
    build : callable
        Builds the same network with fresh weights, drawn by torch.
    images : Tensor, shape (n, 3, size, size)
        Held out from the training.
    patients : sequence of str
        The patient of each image.
    show : callable
        Gives a network's heatmaps (n, rows, columns) of images.
    seed : int
        The seeds of the fresh weights follow it.

    Returns
    -------
    Randomisation
    """
    trained = _maps(show(network, images))
    cascade = {
        "head": head_weights(network, images[:1]),
        "everything": frozenset(network.state_dict()),
    }

    def similarity(fresh: frozenset[str], number: int) -> NDArray[np.float64]:
        maps = _maps(show(randomised(network, build, fresh, number), images))
        return np.diagonal(rank_correlations(trained, maps))

    seeds = range(seed + 1, seed + 1 + SEEDS)
    alike = np.array([[similarity(fresh, n) for n in seeds] for fresh in cascade.values()])
    return _summary(alike, _with_others(trained, patients), patients, tuple(cascade))


def head_weights(network: Network, images: Tensor) -> frozenset[str]:
    """Name the weights that the feature map of Grad-CAM does not depend on.

    Parameters
    ----------
    network : Network
    images : Tensor, shape (n, 3, size, size)

    Returns
    -------
    frozenset of str
        Keys of the network's state: parameters, and running statistics beside them.
    """
    probe = copy.deepcopy(network).requires_grad_(True)
    names, weights = zip(*probe.named_parameters(), strict=True)
    features = probe.features(images)
    gradients = torch.autograd.grad(features.sum(), weights, allow_unused=True)
    unused = zip(names, gradients, strict=True)
    owners = {name.rpartition(".")[0] for name, gradient in unused if gradient is None}
    return frozenset(key for key in probe.state_dict() if key.rpartition(".")[0] in owners)


def randomised(
    network: Network, build: Callable[[], Network], fresh: Collection[str], seed: int
) -> Network:
    """Copy a network with some weights as built from a seed; torch's own seed stays as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        built = build()
    trained, new = network.state_dict(), built.state_dict()
    built.load_state_dict({key: (new if key in fresh else trained)[key] for key in new})
    built.eval()
    return built


def rank_correlations(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Spearman's rank correlation of every map with every other.

    Parameters
    ----------
    first : ndarray, shape (n, cells)
    second : ndarray, shape (m, cells)

    Returns
    -------
    ndarray of float64, shape (n, m)
        -1..1. A constant map has no order: 0 with any other, 1 with another constant one.
    """
    scaled = []
    for maps in (first, second):
        ranks = rankdata(maps, axis=1)
        ranks -= ranks.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(ranks, axis=1, keepdims=True)
        scaled.append(np.divide(ranks, norms, out=np.zeros_like(ranks), where=norms > 0))
    constant = [~each.any(axis=1) for each in scaled]
    return np.where(np.outer(*constant), 1.0, scaled[0] @ scaled[1].T)


def _maps(shown: Tensor) -> NDArray[np.float64]:
    """Heatmaps as rows (images, cells)."""
    return shown.flatten(1).double().numpy()


def _with_others(trained: NDArray[np.float64], patients: Sequence[str]) -> NDArray[np.float64]:
    """Mean rank correlation of each image's map with those of other patients; NaN without any."""
    owners = np.asarray(patients, dtype=np.str_)
    other = owners[:, None] != owners
    total = np.where(other, rank_correlations(trained, trained), 0).sum(axis=1)
    count = other.sum(axis=1)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _summary(
    alike: NDArray[np.float64],
    others: NDArray[np.float64],
    patients: Sequence[str],
    names: Sequence[str],
) -> Randomisation:
    """Average over images and seeds, with intervals over the patients."""
    each = alike.mean(axis=1)
    values = np.vstack([others, each, each - others]).T

    def means(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(weights @ values / weights.sum(axis=-1, keepdims=True))

    band = bootstrap_band(means, patients)
    stages = []
    for index, name in enumerate(names):
        per_seed = alike[index].mean(axis=1)
        difference = band.estimate(1 + len(names) + index)
        stages.append(
            Stage(
                name,
                band.estimate(1 + index),
                (float(per_seed.min()), float(per_seed.max())),
                difference,
                _VERDICTS[place_of(difference)],
            )
        )
    return Randomisation(len(patients), len(set(patients)), band.estimate(0), tuple(stages))
