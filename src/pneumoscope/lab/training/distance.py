"""How unlike an image is to those that trained the network (Lee et al. 2018, Mahalanobis).

The distance is taken between the network's features of the image and those of an age group's
training images: from their mean, in units of their spread in every direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumoscope.metrics import patient_shares

# A feature, or a mixture of them, that hardly varied in the training must not make every change of
# it infinitely unlike: rounding errors would count. As a share of the features' mean size, and as a
# variance of the features in units of their spread.
LEAST_SPREAD = 1e-2
LEAST_VARIANCE = 1e-3


class Distance(nn.Module):
    """Mahalanobis distance of features from several groups of them.

    Parameters
    ----------
    mean : ndarray, shape (groups, features)
        Of each group.
    whitening : ndarray, shape (groups, features, features)
        Its product with a centred vector has unit covariance in the group.
    """

    def __init__(self, mean: NDArray[np.float64], whitening: NDArray[np.float64]) -> None:
        super().__init__()
        self.mean: Tensor
        self.whitening: Tensor
        self.register_buffer("mean", torch.from_numpy(mean).float())
        self.register_buffer("whitening", torch.from_numpy(whitening).float())

    def forward(self, embedding: Tensor) -> Tensor:
        """Distances (n, groups), 0 or more, of features (n, features)."""
        centred = embedding.unsqueeze(1) - self.mean
        white = self.whitening @ centred.unsqueeze(3)
        return white.squeeze(3).square().sum(2).sqrt()

    def of(self, embedding: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the same for features that are an array."""
        with torch.no_grad():
            return self(torch.from_numpy(embedding).float()).double().numpy()


def fit_distance(
    embedding: NDArray[np.float64],
    groups: NDArray[np.int64],
    count: int,
    patients: Sequence[str],
) -> Distance:
    """Fit the mean and the spread of each group's features; every patient counts once.

    Parameters
    ----------
    embedding : ndarray, shape (images, features)
        Of the training images.
    groups : ndarray of int64, shape (images,)
        The group of each.
    count : int
        Number of groups; each has an image.
    patients : sequence of str
        The patient of each.
    """
    owners = np.asarray(patients, dtype=np.str_)
    parts = [
        _fit(embedding[groups == group], patient_shares(owners[groups == group].tolist()))
        for group in range(count)
    ]
    return Distance(np.stack([mean for mean, _ in parts]), np.stack([w for _, w in parts]))


def _fit(
    features: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean, and whitening by the shrunk covariance of the standardised features."""
    share = weights / weights.sum()
    mean = share @ features
    centred = features - mean
    size = np.sqrt((share @ features**2).mean()) or 1.0
    spread = np.maximum(np.sqrt(share @ centred**2), LEAST_SPREAD * size)
    covariance = shrunk_covariance(centred / spread, share)
    covariance += LEAST_VARIANCE * np.eye(len(mean))
    lower = np.linalg.cholesky(covariance)
    return mean, np.linalg.solve(lower, np.diag(1 / spread))


def shrunk_covariance(
    centred: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Covariance, drawn towards that of independent features (Ledoit and Wolf 2004).

    Parameters
    ----------
    centred : ndarray, shape (images, features)
        Their weighted mean is 0.
    share : ndarray, shape (images,)
        Weights that sum to 1.

    Returns
    -------
    ndarray of float64, shape (features, features)
        Positive definite, unless no feature varies.
    """
    features = centred.shape[1]
    sample = (share[:, None] * centred).T @ centred
    level = float(np.trace(sample)) / features
    target = level * np.eye(features)
    # Squared error of the sample covariance, and how far it is from the target.
    each = (centred**2).sum(axis=1) ** 2 - 2 * ((centred @ sample) * centred).sum(axis=1)
    error = float(share**2 @ (each + (sample**2).sum()))
    far = float(((sample - target) ** 2).sum())
    shrinkage = 1.0 if far <= 0 else min(error / far, 1.0)
    return np.asarray((1 - shrinkage) * sample + shrinkage * target)
