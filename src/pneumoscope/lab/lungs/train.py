"""The segmenter's training: a fixed number of steps, one thread, one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumoscope.findings import InputSpec
from pneumoscope.imaging import equalise, reduce_by_area
from pneumoscope.lab.lungs.augmentation import augment
from pneumoscope.lab.lungs.examples import HAND_MADE, Example
from pneumoscope.lab.lungs.fit import fit
from pneumoscope.lab.lungs.masks import LEFT, RIGHT, UNKNOWN, Fields
from pneumoscope.lab.lungs.network import LungNet

SPEC = InputSpec(size=128, clahe_clip=2.0, clahe_tiles=8, channels=1)
STEPS = 3000
_SIDE = 192  # of what training keeps of a picture: more than the network takes, to zoom in
_BATCH = 32
_SEED = 0
_RATE, _DECAY = 4e-3, 1e-4
_HAND_MADE_SHARE = 0.45  # of what is drawn; the rest are networks' masks


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """What training draws from.

    Attributes
    ----------
    grey : ndarray of uint8, shape (n, 192, 192)
    fields : ndarray of uint8, shape (n, 192, 192)
        As of `masks`.
    sources : tuple of str
        The folder of each example.
    """

    grey: NDArray[np.uint8]
    fields: Fields
    sources: tuple[str, ...]

    @property
    def chances(self) -> NDArray[np.float64]:
        """How likely each example is drawn; they sum to 1."""
        hand_made = np.array([source == HAND_MADE for source in self.sources])
        counts = np.bincount(hand_made, minlength=2)
        weights = np.array([1 - _HAND_MADE_SHARE, _HAND_MADE_SHARE]) / np.maximum(counts, 1)
        chances: NDArray[np.float64] = weights[hand_made.astype(int)]
        return chances / chances.sum()


def gather(examples: Sequence[Example]) -> TrainingSet:
    """Read the examples whose masks can be believed and whose patients are not held out."""
    grey, fields, sources = [], [], []
    for example in examples:
        taught = None if example.held_out else example.taught_fields()
        if taught is None:
            continue
        grey.append(reduce_by_area(example.pixels(), _SIDE))
        fields.append(cv2.resize(taught, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST))
        sources.append(example.source)
    return TrainingSet(np.array(grey), np.array(fields, np.uint8), tuple(sources))


def train(examples: TrainingSet, steps: int = STEPS) -> LungNet:
    """Train a network; the same set and steps give the same network on the same machine.

    Parameters
    ----------
    examples : TrainingSet
    steps : int
        Batches of 32.

    Returns
    -------
    LungNet
        In evaluation mode.
    """
    torch.set_num_threads(1)
    torch.manual_seed(_SEED)
    rng = np.random.default_rng(_SEED)
    network = LungNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss_of_batch() -> Tensor:
        images, fields = _batch(examples, rng)
        return dice_and_cross_entropy(network(images), fields)

    fit(network, loss_of_batch, steps=steps, rate=_RATE, decay=_DECAY)
    return network


def _batch(examples: TrainingSet, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    chosen = rng.choice(len(examples.chances), size=_BATCH, p=examples.chances)
    pairs = [augment(examples.grey[i], examples.fields[i], SPEC.size, rng) for i in chosen]
    images = torch.from_numpy(np.stack([equalise(grey, SPEC) for grey, _ in pairs]))
    return (
        images.to(memory_format=torch.channels_last),
        torch.from_numpy(np.stack([fields for _, fields in pairs])),
    )


def dice_and_cross_entropy(logits: Tensor, fields: Tensor) -> Tensor:
    """Soft Dice (Milletari 2016) plus binary cross-entropy; unknown pixels count in neither.

    Parameters
    ----------
    logits : Tensor of float32, shape (n, 2, size, size)
        Of the right and the left lung.
    fields : Tensor of uint8, shape (n, size, size)
        As of `masks`.

    Returns
    -------
    Tensor of float32, scalar
        0 or more; the mean over images and lungs.
    """
    truth = torch.stack([fields == RIGHT, fields == LEFT], dim=1).float()
    known = (fields != UNKNOWN).unsqueeze(1).float()
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    found = torch.sigmoid(logits) * known
    shared = (found * truth).sum(dim=(2, 3))
    # One pixel is added to both, so that a lung that is not there and not found scores 1.
    dice = (2 * shared + 1) / (found.sum(dim=(2, 3)) + truth.sum(dim=(2, 3)) + 1)
    return (entropy * known).sum() / (2 * known.sum()).clamp(min=1) + (1 - dice).mean()
