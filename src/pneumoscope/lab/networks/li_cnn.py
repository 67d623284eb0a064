"""The four-convolution network of Li 2025 (Table 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.dropout import FastDropout
from pneumoscope.lab.networks.network import Network, grad_cam
from pneumoscope.lab.networks.registry import register

FILTERS = (32, 64, 128, 256)
SLOPE = 0.2
# Keras writes the momentum of the running statistics as 0.99; torch as its complement.
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.01


class _Block(nn.Module):
    """Convolution with stride 2, normalisation, leaky ReLU, dropout."""

    def __init__(self, inputs: int, filters: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, filters, 3, stride=2)
        self.norm = nn.BatchNorm2d(filters, NORM_EPSILON, NORM_MOMENTUM)
        self.dropout = FastDropout(dropout)

    def forward(self, images: Tensor) -> Tensor:
        # Keras' "same" at stride 2 pads an even side at its end only (sizes are multiples of 16).
        padded = functional.pad(images, (0, 1, 0, 1))
        activated = functional.leaky_relu(self.norm(self.convolution(padded)), SLOPE)
        return self.dropout(activated)


class LiCNN(Network):
    """Four strided convolutions and two linear layers (Li 2025, Table 1).

    Parameters
    ----------
    classes : int
        Number of classes; 2 as published.
    size : int
        Side of the square input, a multiple of 16; 256 as published.
    dropout : float
        Dropout rate after every block and before the last layer, 0..1; 0.2 as published.
    """

    default_size = 256
    default_classes = 2

    def __init__(self, classes: int, size: int, dropout: float = 0.2) -> None:
        super().__init__()
        if size % 16:
            raise ValueError(f"input size {size} is not a multiple of 16")
        inputs = (3, *FILTERS[:-1])
        self.blocks = nn.Sequential(
            *(_Block(i, f, dropout) for i, f in zip(inputs, FILTERS, strict=True))
        )
        self.hidden = nn.Linear(FILTERS[-1] * (size // 16) ** 2, 100)
        self.norm = nn.BatchNorm1d(100, NORM_EPSILON, NORM_MOMENTUM)
        self.dropout = FastDropout(dropout)
        self.output = nn.Linear(100, classes)

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, 256, size / 16, size / 16) after the fourth block."""
        return self.blocks(images)

    def pooled(self, images: Tensor) -> Tensor:
        """Vector (n, 100) before the last layer."""
        hidden = self.norm(self.hidden(self.features(images).flatten(1)))
        return functional.leaky_relu(hidden, SLOPE)

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.explain`; the map is of the fourth block's output."""
        features = self.features(images)
        hidden = self.norm(self.hidden(features.flatten(1)))
        logits = self.output(functional.leaky_relu(hidden, SLOPE))
        variance = self.norm.get_buffer("running_var")
        scale = self.norm.weight * torch.rsqrt(variance + NORM_EPSILON)
        slope = torch.where(hidden > 0, 1.0, SLOPE) * scale
        gradient = (slope.unsqueeze(1) * self.output.weight) @ self.hidden.weight
        _, channels, rows, columns = features.shape
        weights = gradient.unflatten(-1, (channels, rows * columns)).mean(-1)
        return logits, grad_cam(weights, features)


@register
def li_cnn(*, classes: int, size: int, dropout: float = 0.2) -> Network:
    """Four-convolution CNN for paediatric radiographs (Li 2025)."""
    return LiCNN(classes, size, dropout)
