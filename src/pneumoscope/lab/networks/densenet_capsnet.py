"""DenseNet with a capsule head (Baral 2025, section 3.2 and the authors' notebooks)."""

from __future__ import annotations

import torch
from monai.networks.nets.densenet import DenseNet121, DenseNet169, DenseNet201
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.capsules import ClassCapsules, squash, squash_gradient
from pneumoscope.lab.networks.registry import Network, register

BACKBONES = {121: (DenseNet121, 1024), 169: (DenseNet169, 1664), 201: (DenseNet201, 1920)}
PRIMARY_TYPES, PRIMARY_LENGTH = 64, 16
CLASS_LENGTH = 32


class DenseNetCapsNet(Network):
    """DenseNet features, primary capsules, routed class capsules, two linear layers.

    Parameters
    ----------
    classes : int
        Number of classes; 3 as published.
    backbone : {121, 169, 201}
        Which DenseNet; 201 for the published headline.
    extra_convolution : bool
        A 3x3 convolution to 128 channels before the capsules.
    frozen : bool
        Keep the backbone's weights and running statistics as they are.
    iterations : int
        Routing iterations; 4 as published.
    dropout : float
        Before the last layer, 0..1; 0.5 as published.
    """

    default_size = 224

    def __init__(
        self,
        classes: int,
        backbone: int = 201,
        *,
        extra_convolution: bool = True,
        frozen: bool = False,
        iterations: int = 4,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"backbone {backbone} is none of {', '.join(map(str, BACKBONES))}")
        build, channels = BACKBONES[backbone]
        self.backbone = build(spatial_dims=2, in_channels=3, out_channels=1).features
        self.frozen = frozen
        self.backbone.requires_grad_(not frozen)
        self.extra = nn.Conv2d(channels, 128, 3, padding=1) if extra_convolution else None
        inputs = 128 if extra_convolution else channels
        self.primary = nn.Conv2d(inputs, PRIMARY_TYPES * PRIMARY_LENGTH, 3, padding=1)
        self.capsules = ClassCapsules(classes, PRIMARY_LENGTH, CLASS_LENGTH, iterations)
        self.hidden = nn.Linear(classes * CLASS_LENGTH, 512)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(512, classes)

    def train(self, mode: bool = True) -> DenseNetCapsNet:
        """Set the mode; a frozen backbone always stays in evaluation."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, channels, rows, columns) that the capsules read."""
        features = functional.relu(self.backbone(images))
        return features if self.extra is None else functional.relu(self.extra(features))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, size, size)."""
        features = self.features(images)
        # Routing multiplies small numbers many times: half precision is too coarse for it.
        with torch.autocast(images.device.type, enabled=False):
            vectors = self._primary_vectors(features.to(self.primary.weight.dtype))
            capsules = self.capsules(squash(vectors))
            hidden = functional.relu(self.hidden(capsules.flatten(1)))
            return self.output(self.dropout(hidden))

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.explain`; the map is of the last convolution before the capsules."""
        features = self.features(images)
        vectors = self._primary_vectors(features)
        primary = squash(vectors)
        steps = self.capsules.route(primary)
        capsules = steps[-1].output
        hidden = self.hidden(capsules.flatten(1))
        logits = self.output(functional.relu(hidden))

        active = torch.where(hidden > 0, 1.0, 0.0)
        to_hidden = active.unsqueeze(1) * self.output.weight
        to_capsules = (to_hidden @ self.hidden.weight).unflatten(-1, capsules.shape[1:])
        to_primary = self.capsules.gradient(primary, steps, to_capsules)
        to_vectors = squash_gradient(vectors.unsqueeze(1), to_primary)
        weights = self._mean_gradient(to_vectors, features.shape[2], features.shape[3])
        maps = torch.einsum("ntc,nchw->nthw", weights, features)
        return logits, functional.relu(maps)

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
    iterations: int = 4,
    dropout: float = 0.5,
) -> Network:
    """DenseNet-121, -169 or -201 with a capsule head (Baral 2025)."""
    if size < 64:
        raise ValueError(f"input size {size} leaves no feature map: at least 64 is needed")
    return DenseNetCapsNet(
        classes,
        backbone,
        extra_convolution=extra_convolution,
        frozen=frozen,
        iterations=iterations,
        dropout=dropout,
    )
