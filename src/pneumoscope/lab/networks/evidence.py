"""A network that shows its evidence: a map of probabilities beside the classes.

The map is read from two depths of a backbone (strides 16 and 32), joined as in a feature pyramid
(Lin 2017). It is taught by readers' boxes where a set has them, and by the labels alone elsewhere
(multiple-instance learning). The classes are decided by the whole image and by that evidence: the
features where the map is high, and its highest cells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.capsules import SharedTransform, squash, squash_gradient
from pneumoscope.lab.networks.network import Answer, Network, grad_cam

# Of the maps: one cell for so many pixels.
EVIDENCE_STRIDE = 16
WIDTH = 96
PRIMARY_TYPES, PRIMARY_LENGTH, CLASS_LENGTH = 8, 16, 32
# The share of the cells, the highest ones, that stand for the whole map.
TOP_SHARE = 0.03


class Depths(NamedTuple):
    """What the heads read of a backbone.

    Attributes
    ----------
    fine : Tensor, shape (n, channels, rows, columns)
        At stride 16.
    coarse : Tensor, shape (n, channels, rows / 2, columns / 2)
        At stride 32.
    last : Tensor, shape (n, channels, rows / 2, columns / 2)
        The backbone's last feature map, which Grad-CAM is taken on.
    """

    fine: Tensor
    coarse: Tensor
    last: Tensor


class _Read(NamedTuple):
    """Units before the last layer, the maps' logits, and the mean features they are read from."""

    units: Tensor
    evidence: Tensor
    embedding: Tensor


def top_cells(evidence: Tensor) -> Tensor:
    """Mean logit (n, maps) of the highest cells of evidence logits (n, maps, rows, columns)."""
    cells = evidence.flatten(2)
    count = max(1, round(TOP_SHARE * cells.shape[2]))
    return cells.topk(count, dim=2).values.mean(2)


class Averaged(nn.Module):
    """The mean of the last feature map.

    Parameters
    ----------
    channels : int
        Of the last feature map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.units = channels

    def forward(self, last: Tensor) -> Tensor:
        """Vector (n, units)."""
        return last.mean((2, 3))

    def gradient(self, last: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Vector (n, units), and each score's mean gradient (1, scores, channels) on the map."""
        positions = last.shape[2] * last.shape[3]
        return self(last), (weights / positions).unsqueeze(0)


class Capsules(nn.Module):
    """Primary capsules routed to one capsule per class (Sabour 2017, as in Baral 2025).

    Parameters
    ----------
    channels : int
        Of the last feature map.
    classes : int
        Number of class capsules.
    iterations : int
        Routing iterations.
    """

    def __init__(self, channels: int, classes: int, iterations: int) -> None:
        super().__init__()
        self.units = classes * CLASS_LENGTH
        self.primary = nn.Conv2d(channels, PRIMARY_TYPES * PRIMARY_LENGTH, 1)
        self.capsules = SharedTransform(classes, PRIMARY_LENGTH, CLASS_LENGTH, iterations)

    def forward(self, last: Tensor) -> Tensor:
        """Class capsules, flattened to a vector (n, units)."""
        return self.capsules(squash(self._vectors(last))).flatten(1)

    def gradient(self, last: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Vector (n, units), and each score's mean gradient (n, scores, channels) on the map."""
        vectors = self._vectors(last)
        routing = self.capsules.route(squash(vectors))
        capsules = routing.output
        to_capsules = weights.unflatten(-1, capsules.shape[1:]).unsqueeze(0)
        to_capsules = to_capsules.expand(last.shape[0], -1, -1, -1)
        to_primary = self.capsules.gradient(routing, to_capsules)
        to_vectors = squash_gradient(vectors.unsqueeze(1), to_primary)
        positions = last.shape[2] * last.shape[3]
        on_grid = to_vectors.unflatten(2, (positions, PRIMARY_TYPES)).flatten(3).mean(2)
        return capsules.flatten(1), on_grid @ self.primary.weight.flatten(1)

    def _vectors(self, last: Tensor) -> Tensor:
        """Primary capsules before the squash, (n, rows * columns * types, length)."""
        grid = self.primary(last).permute(0, 2, 3, 1)
        return grid.reshape(grid.shape[0], -1, PRIMARY_LENGTH)


class EvidenceNetwork(Network):
    """A backbone with a map of evidence, and classes that rest on the image and on the map.

    Parameters
    ----------
    classes : int
        Number of classes.
    channels : (int, int, int)
        Of the three maps of `Depths`.
    evidence_maps : int
        Number of classes that have a map, at least 1.
    age_groups : int
        Groups of patients that the network tells apart by the picture, at least 1.
    separate_heads : bool
        A last layer of its own for each age group.
    capsule_iterations : int or None
        Capsules with so many routing iterations in place of the average; None for the average.
    dropout : float
        Before the last layer, 0..1.
    """

    def __init__(
        self,
        classes: int,
        channels: tuple[int, int, int],
        *,
        evidence_maps: int,
        age_groups: int,
        separate_heads: bool,
        capsule_iterations: int | None,
        dropout: float,
    ) -> None:
        super().__init__()
        fine, coarse, last = channels
        self.classes = classes
        self.heads = age_groups if separate_heads else 1
        self.fine = nn.Conv2d(fine, WIDTH, 1)
        self.coarse = nn.Conv2d(coarse, WIDTH, 1)
        self.smooth = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.evidence = nn.Conv2d(WIDTH, evidence_maps, 1)
        # Most cells show nothing: the map begins there, or its loss would drown the classes'.
        nn.init.constant_(self.evidence.bias, -3.0)  # type: ignore[arg-type]
        self.whole: Averaged | Capsules = (
            Averaged(last)
            if capsule_iterations is None
            else Capsules(last, classes, capsule_iterations)
        )
        units = self.whole.units + evidence_maps * (WIDTH + 1)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(units, self.heads * classes)
        self.age_group = nn.Linear(last, age_groups) if age_groups > 1 else None

    def depths(self, images: Tensor) -> Depths:
        """Feature maps of images (n, 3, size, size) at three depths."""
        raise NotImplementedError

    def features(self, images: Tensor) -> Tensor:
        """See `Network.features`."""
        return self.depths(images).last

    def pooled(self, images: Tensor) -> Tensor:
        """See `Network.pooled`."""
        depths = self.depths(images)
        return self._read(depths, self.whole(depths.last)).units

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes), or (n, age groups, classes) where each group has its own head."""
        return self.answer(images).logits

    def answer(self, images: Tensor) -> Answer:
        """See `Network.answer`."""
        depths = self.depths(images)
        read = self._read(depths, self.whole(depths.last))
        return Answer(self._logits(read.units), read.evidence, self._age_group_logits(depths.last))

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.explain`; of the part of each logit that rests on the last feature map."""
        outputs = self.outputs(images)
        return outputs["logits"], outputs["activation_maps"]

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """See `Network.outputs`."""
        depths = self.depths(images)
        weights = self.output.weight[:, : self.whole.units]
        whole, to_last = self.whole.gradient(depths.last, weights)
        read = self._read(depths, whole)
        maps = grad_cam(to_last, depths.last)
        if self.heads > 1:
            maps = maps.unflatten(1, (self.heads, self.classes))
        outputs = {
            "logits": self._logits(read.units),
            "activation_maps": maps,
            "evidence": torch.sigmoid(read.evidence),
            "embedding": read.embedding,
        }
        group = self._age_group_logits(depths.last)
        return outputs if group is None else outputs | {"age_group_logits": group}

    def _read(self, depths: Depths, whole: Tensor) -> _Read:
        """Draw the map, and gather what the last layer reads."""
        coarse = functional.interpolate(self.coarse(depths.coarse), scale_factor=2.0)
        joined = functional.relu(self.smooth(functional.relu(self.fine(depths.fine) + coarse)))
        evidence = self.evidence(joined)
        attention = torch.softmax(evidence.flatten(2), dim=2)
        attended = attention @ joined.flatten(2).transpose(1, 2)
        units = torch.cat([whole, attended.flatten(1), top_cells(evidence)], dim=1)
        return _Read(units, evidence, joined.mean((2, 3)))

    def _logits(self, units: Tensor) -> Tensor:
        logits = self.output(self.dropout(units))
        return logits if self.heads == 1 else logits.unflatten(1, (self.heads, self.classes))

    def _age_group_logits(self, last: Tensor) -> Tensor | None:
        """Logits (n, age groups); they teach the backbone nothing, it tells the groups anyway."""
        if self.age_group is None:
            return None
        return self.age_group(last.detach().mean((2, 3)))
