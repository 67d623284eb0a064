"""The objective of a mask (Zeng 2020, equation 4): the loss with that mask in place.

Published as the sum of the losses over randomly drawn training batches. Not published, and fixed
here: the batches are drawn once per search and are the same for every mask, so that masks differ by
what they drop and not by their luck; images are not augmented and the network is in evaluation
mode, so everything before the mask is deterministic; the kept units are divided by the mask's own
share of ones (inverted dropout); the loss is the plain cross-entropy over the classes that an
image's source has labels for, without the recipe's class weights, smoothing and penalties.

Whatever lies before the mask therefore gives one feature vector per drawn image, computed once. The
logits of a mask m are ``(features * m / share of ones) @ W.T + b``, and those of many masks one
product with the weights ``m / share of ones * W``.

The publication's words, "the sum of the Loss values after randomly extracting some data for
training", can also mean a short training under the mask. `TrainingObjective` is that, of the last
layer alone: with what lies before it frozen, it costs several evaluations. A training of the whole
network for every mask is not offered, as a search asks for thousands of masks.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pneumoscope.errors import RecipeError
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.networks import Network
from pneumoscope.lab.training import PreparedData, Recipe, masked_logits
from pneumoscope.lab.tuning.masks import Masks
from pneumoscope.lab.tuning.settings import SearchSettings

# So many masks at once that their weights and logits stay small whatever the population.
_AT_ONCE = 128
# How often a short training passes over the drawn batches; ours.
ROUNDS = 5


class Objective:
    """Evaluates many masks at once on the features of a few drawn batches.

    Parameters
    ----------
    features : Tensor, shape (batches, batch, units)
        What the dropout before the last layer acts on.
    labels, sources : Tensor of int64, shape (batches, batch)
    known : Tensor of bool, shape (sources, classes)
        Which classes each source has labels for.
    weight : Tensor, shape (classes, units)
        Of the last layer.
    bias : Tensor, shape (classes,)
        Of the last layer.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        sources: Tensor,
        known: Tensor,
        weight: Tensor,
        bias: Tensor,
    ) -> None:
        self.images = labels.numel()
        self.batches = len(features)
        self.units = features.shape[2]
        self._features = features.detach().flatten(0, 1).double()
        self._labels = labels.flatten()
        self._sources = sources.flatten()
        self._known = known
        self._weight = weight.detach().double()
        self._bias = bias.detach().double()

    @property
    def of_guessing(self) -> float:
        """Objective of the answer that calls all classes of an image's source equally likely."""
        known = self._known[self._sources].sum(1).double()
        return float(known.log().mean()) * self.batches

    def __call__(self, masks: Masks) -> NDArray[np.float64]:
        """Sum, over the batches, the mean loss with each mask in place.

        Parameters
        ----------
        masks : ndarray of bool, shape (masks, units)
            Each keeps at least one unit.

        Returns
        -------
        ndarray, shape (masks,)
            In nats, at least 0; lower is better.
        """
        parts = torch.from_numpy(masks).split(_AT_ONCE)
        return torch.cat([self._losses(part.double()) for part in parts]).numpy()

    def _losses(self, masks: Tensor) -> Tensor:
        scaled = masks / masks.mean(1, keepdim=True)
        heads = scaled.unsqueeze(1) * self._weight
        # Batches are of one size: the sum of their means is the mean over all, times their number.
        return self._mean_losses(heads, self._bias, slice(None)) * self.batches

    def _mean_losses(self, heads: Tensor, bias: Tensor, rows: slice) -> Tensor:
        """Mean loss (masks,) of some images by each head (masks, classes, units)."""
        logits = self._features[rows] @ heads.flatten(0, 1).T
        logits = logits.unflatten(1, heads.shape[:2]).transpose(0, 1) + bias
        logits = masked_logits(logits, self._sources[rows], self._known)
        labels = self._labels[rows].expand(len(heads), -1)
        losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        return losses.unflatten(0, labels.shape).mean(1)


class TrainingObjective(Objective):
    """The losses of a short training of the last layer under each mask, many masks at once.

    The last layer begins as it is, and passes five times over the drawn batches, in their order,
    with Adam; the units that the mask drops stay dropped, the kept ones are scaled. Nothing before
    the mask is trained. A mask's objective is the sum, over the batches, of the losses before each
    step, as a training reports them, as a mean over the five rounds: so it has the scale of
    `Objective`.

    Parameters
    ----------
    features, labels, sources, known, weight, bias
        See `Objective`.
    learning_rate : float
        Of Adam.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        sources: Tensor,
        known: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        learning_rate: float,
    ) -> None:
        super().__init__(features, labels, sources, known, weight, bias)
        self._learning_rate = learning_rate

    def _losses(self, masks: Tensor) -> Tensor:
        scaled = (masks / masks.mean(1, keepdim=True)).unsqueeze(1)
        # A last layer of its own for each mask: Adam works element by element, so none of them
        # notices the others.
        weight = self._weight.repeat(len(masks), 1, 1).requires_grad_()
        bias = self._bias.repeat(len(masks), 1, 1).requires_grad_()
        optimiser = torch.optim.Adam([weight, bias], self._learning_rate)
        size = len(self._labels) // self.batches
        total = torch.zeros(len(masks), dtype=torch.float64)
        for _ in range(ROUNDS):
            for first in range(0, len(self._labels), size):
                with torch.enable_grad():
                    losses = self._mean_losses(scaled * weight, bias, slice(first, first + size))
                    optimiser.zero_grad()
                    losses.sum().backward()
                optimiser.step()
                total += losses.detach()
        return total / ROUNDS


def build_objective(
    network: Network, recipe: Recipe, data: PreparedData, settings: SearchSettings
) -> Objective:
    """Draw batches from the train part, and compute their features once.

    Parameters
    ----------
    network : Network
        Put into evaluation mode.
    recipe : Recipe
    data : PreparedData
        Only the train part of its split is used.
    settings : SearchSettings
        Its `batches`, `seed` and `objective`; a short training has the recipe's learning rate.

    Raises
    ------
    RecipeError
        The train part is smaller than the batches, or they hold one class only.
    """
    chosen = draw_batches(recipe, data, settings.batches, settings.seed)
    dataset = RadiographDataset(data.collection, chosen.flatten(), recipe.input.spec)
    size = recipe.training.batch_size
    network.eval()
    features, labels, sources = [], [], []
    with torch.no_grad():
        for first in range(0, len(dataset), size):
            samples = [dataset[i] for i in range(first, first + size)]
            images, its_labels, its_sources = (
                torch.stack([sample[part] for sample in samples]) for part in range(3)
            )
            features.append(network.pooled(images))
            labels.append(its_labels)
            sources.append(its_sources)
    parts = (
        torch.stack(features),
        torch.stack(labels),
        torch.stack(sources),
        torch.tensor(recipe.known_classes()),
        network.output.weight,
        network.output.bias,
    )
    if settings.objective == "training":
        return TrainingObjective(*parts, learning_rate=recipe.training.learning_rate)
    return Objective(*parts)


def draw_batches(recipe: Recipe, data: PreparedData, batches: int, seed: int) -> NDArray[np.int64]:
    """Choose distinct images of the train part, the sources as likely as in training.

    Returns
    -------
    ndarray of int64, shape (batches, batch size)
        Positions in the collection.

    Raises
    ------
    RecipeError
        See `build_objective`.
    """
    part = data.split.indices("train")
    size = recipe.training.batch_size
    if batches * size > len(part):
        raise RecipeError(
            f"batches: {batches} of {size} images are more than the {len(part)} of the train part; "
            "give fewer"
        )
    chances = np.ones(len(part))
    if recipe.training.sampling == "balanced_sources":
        its_sources = data.collection.sources[part]
        chances /= np.bincount(its_sources)[its_sources]
    rng = np.random.default_rng([seed, 0])
    chosen = rng.choice(part, batches * size, replace=False, p=chances / chances.sum())
    labels = {recipe.classes[i] for i in data.collection.labels[chosen]}
    if len(labels) < 2:
        raise RecipeError(
            f"batches: every drawn image is {labels.pop()}, so a mask has nothing to tell apart; "
            "give more batches, or another seed"
        )
    return chosen.reshape(batches, size)
