"""What every network offers, and the ordinary end of one: average pool, dropout, linear layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Answer(NamedTuple):
    """What a network's training compares with the truth.

    Attributes
    ----------
    logits : Tensor, shape (n, classes) or (n, age groups, classes)
        The latter where each age group has a last layer of its own.
    evidence : Tensor, shape (n, maps, rows, columns), or None
        Logits of the evidence maps.
    age_group_logits : Tensor, shape (n, age groups), or None
    """

    logits: Tensor
    evidence: Tensor | None = None
    age_group_logits: Tensor | None = None


class Network(nn.Module):
    """A classifier that explains itself: `pooled`, then `dropout`, then `output`.

    Attributes
    ----------
    default_size : int
        Input side in pixels as published.
    default_classes : int
        Number of classes as published.
    weights_source : str
        Where the weights come from that training starts with, and their terms.
    pretrained : bool
        Training starts with ImageNet weights; `load_pretrained` fetches them.
    dropout : nn.Module
        Before the last layer.
    output : nn.Linear
        The last layer.
    """

    default_size: int
    default_classes: int = 3
    weights_source: str = "random initialisation"
    pretrained: bool = False
    dropout: nn.Module
    output: nn.Linear

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, channels, rows, columns) that Grad-CAM is taken on."""
        raise NotImplementedError

    def pooled(self, images: Tensor) -> Tensor:
        """Vector (n, units) that the dropout before the last layer acts on."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, size, size) with values 0..1."""
        units = self.pooled(images)
        with torch.autocast(images.device.type, enabled=False):
            return self.output(self.dropout(units.to(self.output.weight.dtype)))

    def answer(self, images: Tensor) -> Answer:
        """Answer with all that training teaches; the logits alone unless a network says more."""
        return Answer(self(images))

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """Give what the exported graph gives, by the names of its outputs.

        `logits` and `activation_maps` (see `explain`); networks that draw evidence maps add
        `evidence` (n, maps, rows, columns), values 0..1, and `embedding` (n, features), which
        unusual images are told by; those that tell age groups apart `age_group_logits`.
        """
        logits, maps = self.explain(images)
        return {"logits": logits, "activation_maps": maps}

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Answer and say where the network looked, in operations that can be exported.

        Parameters
        ----------
        images : Tensor, shape (n, channels, size, size)
            Values 0..1.

        Returns
        -------
        logits : Tensor, shape (n, classes)
        activation_maps : Tensor, shape (n, classes, rows, columns)
            Grad-CAM of each class's logit, ``relu(sum_c mean(gradient_c) A_c)`` (Selvaraju 2017).
        """
        raise NotImplementedError

    @property
    def started_from(self) -> str:
        """The ImageNet weights that this network starts from, with their terms; empty for none."""
        return self.weights_source.partition("pretrained: ")[2] if self.pretrained else ""

    def penalised_kernels(self) -> list[Tensor]:
        """Weights that the recipe's L1 and L2 penalties apply to; none unless published."""
        return []

    def load_pretrained(self) -> None:
        """Fetch the ImageNet weights into the backbone; see `weights.load_imagenet`."""
        raise NotImplementedError


class PooledNetwork(Network):
    """A feature map, averaged over its positions, dropout, one linear layer.

    Parameters
    ----------
    classes : int
        Number of classes.
    channels : int
        Of the feature map.
    dropout : float
        Before the last layer, 0..1.
    """

    def __init__(self, classes: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels, classes)

    def pooled(self, images: Tensor) -> Tensor:
        """Mean (n, channels) of the feature map over its positions."""
        return self.features(images).mean((2, 3))

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.explain`; the gradient is the same at every position."""
        features = self.features(images)
        positions = features.shape[2] * features.shape[3]
        weights = (self.output.weight / positions).unsqueeze(0)
        return self.output(features.mean((2, 3))), grad_cam(weights, features)


def grad_cam(weights: Tensor, features: Tensor) -> Tensor:
    """Weight and sum a feature map's channels, and keep what speaks for the class.

    Parameters
    ----------
    weights : Tensor, shape (n or 1, classes, channels)
        Spatial mean of each logit's gradient on the feature map.
    features : Tensor, shape (n, channels, rows, columns)

    Returns
    -------
    Tensor, shape (n, classes, rows, columns)
        Grad-CAM (Selvaraju 2017, equation 2).
    """
    summed = weights @ features.flatten(2)
    return functional.relu(summed.unflatten(-1, features.shape[2:]))


def count_parameters(network: nn.Module) -> int:
    """Count parameters with the running statistics of the normalisations, as Keras does."""
    running = sum(
        buffer.numel()
        for name, buffer in network.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )
    return running + sum(parameter.numel() for parameter in network.parameters())
