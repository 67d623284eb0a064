"""Weighted dropout: a number from each unit's feature matrix as that unit's weight (Zeng 2020).

The publication leaves it for the future: "different neurons be given different weights, and random
selection changed to weighted selection", the weight being "a matrix combined into a number". Which
number, it does not say; here are four. A unit's feature matrix is the map, for one image, whose
mean the unit is; a unit without a map (of a dense layer) has a matrix of one row and one column.

Weighted selection is drawing with chances in proportion to the weights: the chance of a unit to be
*kept* is its weight times one factor for all, so informative units are dropped less. The rates go
into a recipe's `network.unit_dropout`.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from torch import Tensor

from pneumoscope.errors import InputError
from pneumoscope.lab.networks import MAX_UNIT_RATE

# Each is larger for a unit that carries more:
# activation: mean of the absolute values: how strongly the unit answers.
# deviation: standard deviation over images and places: how much its answers differ.
# nuclear: the matrix's nuclear norm (sum of its singular values), mean over the images: how much,
#   in how many directions; for a unit without a map, the activation.
# difference: correlation ratio of the unit with the classes, 0..1: how far the classes' means lie
#   apart, measured by the deviation between the images.
UNIT_WEIGHTS = ("activation", "deviation", "nuclear", "difference")
_MEAN, _SQUARE, _ABSOLUTE, _NUCLEAR = range(4)
# A weight of 0 counts as this share of the largest: without one no factor could reach every rate.
_LEAST_WEIGHT = 1e-9

Floats = NDArray[np.float64]


def describe_maps(maps: Tensor) -> Tensor:
    """Describe each unit's feature matrix by what `unit_weights` needs of it.

    Parameters
    ----------
    maps : Tensor, shape (images, units, rows, columns)
        Before they are averaged, the network in evaluation mode.

    Returns
    -------
    Tensor, shape (images, 4, units)
        Mean, mean square, mean absolute value, nuclear norm. Those of several batches can be
        joined: the maps themselves need not be kept.
    """
    parts = (
        maps.mean((2, 3)),
        maps.square().mean((2, 3)),
        maps.abs().mean((2, 3)),
        torch.linalg.svdvals(maps).sum(-1),
    )
    return torch.stack(parts, dim=1)


def unit_weights(described: Tensor, labels: Tensor, way: str) -> Floats:
    """Turn the feature matrices of each unit into one number.

    Parameters
    ----------
    described : Tensor, shape (images, 4, units)
        From `describe_maps`, of images that train.
    labels : Tensor of int64, shape (images,)
        Their classes; only ``difference`` looks at them.
    way : str
        One of `UNIT_WEIGHTS`.

    Returns
    -------
    ndarray of float64, shape (units,)
        At least 0.

    Raises
    ------
    InputError
        There is no such way.
    """
    if way not in UNIT_WEIGHTS:
        raise InputError(f"weight {way!r} does not exist; there are: {', '.join(UNIT_WEIGHTS)}")
    values = described.double().numpy()
    if way == "activation":
        return np.asarray(values[:, _ABSOLUTE].mean(axis=0))
    if way == "nuclear":
        return np.asarray(values[:, _NUCLEAR].mean(axis=0))
    if way == "deviation":
        variance = values[:, _SQUARE].mean(axis=0) - values[:, _MEAN].mean(axis=0) ** 2
        return np.sqrt(np.maximum(variance, 0))
    return _correlation_ratio(values[:, _MEAN], labels.numpy())


def _correlation_ratio(values: Floats, labels: NDArray[np.int64]) -> Floats:
    """Square root of the share of each column's variance that lies between the classes."""
    total = values.var(axis=0)
    between = np.zeros_like(total)
    for label in np.unique(labels):
        chosen = labels == label
        between += chosen.mean() * (values[chosen].mean(axis=0) - values.mean(axis=0)) ** 2
    return np.sqrt(np.divide(between, total, out=np.zeros_like(total), where=total > 0))


def weighted_rates(weights: Floats, rate: float) -> tuple[float, ...]:
    """Turn the units' weights into dropout rates with a given mean.

    The chance to be kept is the weight times one factor, at least 0.05 and at most 1. The factor
    is the one that gives the mean. Only the weights' proportions count. Equal weights, or none
    above 0, give every unit the rate itself.

    Parameters
    ----------
    weights : ndarray, shape (units,)
        At least 0.
    rate : float
        Mean of the rates, 0..0.95.

    Returns
    -------
    tuple of float
        One per unit, 0..0.95; never larger for a larger weight.

    Raises
    ------
    InputError
        A weight is negative or no number, there is none, or the rate is out of range.
    """
    if not len(weights) or not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise InputError("weights: must be some, and each a number of at least 0")
    if not 0 <= rate <= MAX_UNIT_RATE:
        raise InputError(f"rate: {rate:g} is impossible; give 0 to {MAX_UNIT_RATE}")
    largest = float(weights.max())
    shares = np.maximum(weights / largest, _LEAST_WEIGHT) if largest else np.ones(len(weights))
    least_kept = 1 - MAX_UNIT_RATE

    def kept(log_factor: float) -> Floats:
        return np.clip(np.exp(log_factor) * shares, least_kept, 1)

    # From the factor that keeps every unit as little as may be, to the one that keeps all. Their
    # ends are stretched a little, so that rounding leaves a change of sign between them.
    ends = (np.log(least_kept) - 1e-6, -np.log(shares.min()) + 1e-6)
    if rate == 0:
        found = ends[1]
    elif rate == MAX_UNIT_RATE:
        found = ends[0]
    else:
        found = brentq(lambda x: float(kept(x).mean()) - (1 - rate), *ends, xtol=1e-14)
    return tuple(np.clip(1 - kept(found), 0, MAX_UNIT_RATE).tolist())
