"""DenseNet with a plain fully connected head: what the capsules are compared with (Baral 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.backbones import DenseNetNetwork
from pneumoscope.lab.networks.network import Network, grad_cam
from pneumoscope.lab.networks.registry import register


class DenseNetFC(DenseNetNetwork):
    """DenseNet features, global average pool, two linear layers (Baral 2025, Table 10).

    The publication does not describe its plain head. This one leaves out what makes the capsules,
    and nothing else: their convolution and routing give way to DenseNet's own average pool, while
    the backbone, the extra convolution, the two linear layers with their penalties and the dropout
    stay. Whatever the comparison shows is then the capsules' doing.

    Parameters
    ----------
    classes : int
        Number of classes; 3 as published.
    size : int
        Side of the square input in pixels, at least 64.
    backbone, extra_convolution, frozen, pretrained
        See `DenseNetNetwork`.
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
        self.hidden = nn.Linear(self.channels, 512)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(512, classes)

    def pooled(self, images: Tensor) -> Tensor:
        """Vector (n, 512) before the last layer."""
        return functional.relu(self.hidden(self.features(images).mean((2, 3))))

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.explain`; the map is of what the head reads."""
        features = self.features(images)
        hidden = self.hidden(features.mean((2, 3)))
        logits = self.output(functional.relu(hidden))
        active = torch.where(hidden > 0, 1.0, 0.0)
        gradient = (active.unsqueeze(1) * self.output.weight) @ self.hidden.weight
        return logits, grad_cam(gradient / (features.shape[2] * features.shape[3]), features)

    def penalised_kernels(self) -> list[Tensor]:
        """Return the kernels of the two linear layers."""
        return [self.hidden.weight, self.output.weight]


@register
def densenet_fc(
    *,
    classes: int,
    size: int,
    backbone: int = 201,
    extra_convolution: bool = True,
    frozen: bool = False,
    dropout: float = 0.5,
    pretrained: bool = False,
) -> Network:
    """DenseNet-121, -169 or -201 with a plain head, to compare the capsules with (Baral 2025)."""
    return DenseNetFC(
        classes,
        size,
        backbone,
        extra_convolution=extra_convolution,
        frozen=frozen,
        dropout=dropout,
        pretrained=pretrained,
    )
