"""DenseNet with a capsule head (Baral 2025, 3.3.2 to 3.3.4, and the authors' notebooks)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.backbones import DenseNetNetwork, map_side
from pneumoscope.lab.networks.capsules import (
    ClassCapsules,
    OwnTransforms,
    SharedTransform,
    squash,
    squash_gradient,
)
from pneumoscope.lab.networks.network import Network, grad_cam
from pneumoscope.lab.networks.registry import register

PRIMARY_TYPES, PRIMARY_LENGTH = 64, 16
CLASS_LENGTH = 32


class DenseNetCapsNet(DenseNetNetwork):
    """DenseNet features, primary capsules, routed class capsules, two linear layers.

    Parameters
    ----------
    classes : int
        Number of classes; 3 as published.
    size : int
        Side of the square input in pixels, at least 64.
    backbone, extra_convolution, frozen, pretrained
        See `DenseNetNetwork`.
    shared_transform : bool
        One transform for all primary capsules, as in the authors' code; or, as in their equations,
        one for each.
    iterations : int
        Routing iterations; 4 as published.
    dropout : float
        Before the last layer, 0..1; 0.5 as published.
    """

    def __init__(
        self,
        classes: int,
        size: int,
        backbone: int = 201,
        *,
        extra_convolution: bool = True,
        frozen: bool = False,
        shared_transform: bool = True,
        iterations: int = 4,
        dropout: float = 0.5,
        pretrained: bool = False,
    ) -> None:
        super().__init__(
            backbone,
            size,
            extra_convolution=extra_convolution,
            frozen=frozen,
            pretrained=pretrained,
        )
        self.primary = nn.Conv2d(self.channels, PRIMARY_TYPES * PRIMARY_LENGTH, 3, padding=1)
        lengths = (PRIMARY_LENGTH, CLASS_LENGTH, iterations)
        number = PRIMARY_TYPES * map_side(size) ** 2
        self.capsules: ClassCapsules = (
            SharedTransform(classes, *lengths)
            if shared_transform
            else OwnTransforms(classes, number, *lengths)
        )
        self.hidden = nn.Linear(classes * CLASS_LENGTH, 512)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(512, classes)

    def pooled(self, images: Tensor) -> Tensor:
        """Vector (n, 512) before the last layer."""
        features = self.features(images)
        # Routing multiplies small numbers many times: half precision is too coarse for it.
        with torch.autocast(images.device.type, enabled=False):
            vectors = self._primary_vectors(features.to(self.primary.weight.dtype))
            capsules = self.capsules(squash(vectors))
            return functional.relu(self.hidden(capsules.flatten(1)))

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.explain`; the map is of the last convolution before the capsules."""
        features = self.features(images)
        vectors = self._primary_vectors(features)
        routing = self.capsules.route(squash(vectors))
        capsules = routing.output
        hidden = self.hidden(capsules.flatten(1))
        logits = self.output(functional.relu(hidden))

        active = torch.where(hidden > 0, 1.0, 0.0)
        to_hidden = active.unsqueeze(1) * self.output.weight
        to_capsules = (to_hidden @ self.hidden.weight).unflatten(-1, capsules.shape[1:])
        to_primary = self.capsules.gradient(routing, to_capsules)
        to_vectors = squash_gradient(vectors.unsqueeze(1), to_primary)
        weights = self._mean_gradient(to_vectors, features.shape[2], features.shape[3])
        return logits, grad_cam(weights, features)

    def penalised_kernels(self) -> list[Tensor]:
        """Return the kernels of the two linear layers."""
        return [self.hidden.weight, self.output.weight]

    def _primary_vectors(self, features: Tensor) -> Tensor:
        """Primary capsules before the squash, (n, rows * columns * types, length)."""
        grid = self.primary(features).permute(0, 2, 3, 1)
        return grid.reshape(grid.shape[0], -1, PRIMARY_LENGTH)

    def _mean_gradient(self, gradient: Tensor, rows: int, columns: int) -> Tensor:
        """Spatial mean of the gradient on the feature map, (n, t, channels).

        Grad-CAM needs only the mean, so the transposed convolution is not carried out: a kernel
        tap meets every output position but those whose input lies outside the padded border.

        Parameters
        ----------
        gradient : Tensor, shape (n, t, rows * columns * types, length)
            With respect to the primary capsules before the squash.
        rows, columns : int
            Of the feature map.
        """
        grid = gradient.reshape(*gradient.shape[:2], rows, columns, -1)
        # Tap 0 reads the row above: no such row exists for the first; tap 2 likewise below.
        row_sums = torch.stack(
            [grid[:, :, 1:].sum(2), grid.sum(2), grid[:, :, : rows - 1].sum(2)], dim=2
        )
        sums = torch.stack(
            [
                row_sums[:, :, :, 1:].sum(3),
                row_sums.sum(3),
                row_sums[:, :, :, : columns - 1].sum(3),
            ],
            dim=3,
        )
        total = torch.einsum("ntyxo,ocyx->ntc", sums, self.primary.weight)
        return total / (rows * columns)


@register
def densenet_capsnet(
    *,
    classes: int,
    size: int,
    backbone: int = 201,
    extra_convolution: bool = True,
    frozen: bool = False,
    shared_transform: bool = True,
    iterations: int = 4,
    dropout: float = 0.5,
    pretrained: bool = False,
) -> Network:
    """DenseNet-121, -169 or -201 with a capsule head (Baral 2025)."""
    return DenseNetCapsNet(
        classes,
        size,
        backbone,
        extra_convolution=extra_convolution,
        frozen=frozen,
        shared_transform=shared_transform,
        iterations=iterations,
        dropout=dropout,
        pretrained=pretrained,
    )
