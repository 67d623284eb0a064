"""The Lightning module: loss with absent classes, penalties, optimiser, plateau."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.recipe import Training


def masked_logits(logits: Tensor, sources: Tensor, known: Tensor) -> Tensor:
    """Leave the logits of classes that an image's source has no label for out of the softmax.

    Parameters
    ----------
    logits : Tensor, shape (n, classes)
    sources : Tensor of int64, shape (n,)
        Source index of each image.
    known : Tensor of bool, shape (sources, classes)
        Which classes each source has labels for.

    Returns
    -------
    Tensor, shape (n, classes)
        Minus infinity where the class is absent.
    """
    return logits.masked_fill(~known[sources], float("-inf"))


class ClassifierModule(lightning.LightningModule):
    """Trains a network on several sources with one softmax.

    Parameters
    ----------
    network : Network
    known : ndarray-like of bool, shape (sources, classes)
        Which classes each source has labels for.
    settings : Training
        The recipe's section.
    steps_per_epoch : int
        Batches of the training loader.
    """

    def __init__(
        self,
        network: Network,
        known: Sequence[Sequence[bool]],
        settings: Training,
        steps_per_epoch: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.steps_per_epoch = steps_per_epoch
        self.known: Tensor
        self.register_buffer("known", torch.tensor(known, dtype=torch.bool), persistent=False)
        self._stop: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, size, size)."""
        return self.network(images.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        """Cross-entropy plus the penalties on the published kernels."""
        images, labels, sources = batch
        logits = masked_logits(self(images).float(), sources, self.known)
        loss = functional.cross_entropy(logits, labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True)
        for kernel in self.network.penalised_kernels():
            loss = loss + self.settings.l1 * kernel.abs().sum()
            loss = loss + self.settings.l2 * kernel.square().sum()
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> None:
        """Keep the stop part's losses and hits until the epoch's end."""
        images, labels, sources = batch
        logits = masked_logits(self(images).float(), sources, self.known)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        self._stop.append((losses, (logits.argmax(1) == labels).float(), sources))

    def on_validation_epoch_end(self) -> None:
        """Average over the sources, so that the larger one does not decide when to stop."""
        losses, hits, sources = (torch.cat(column) for column in zip(*self._stop, strict=True))
        self._stop.clear()
        present = sources.unique()
        loss = torch.stack([losses[sources == s].mean() for s in present]).mean()
        accuracy = torch.stack([hits[sources == s].mean() for s in present]).mean()
        self.log("stop_loss", loss, prog_bar=True)
        self.log("stop_accuracy", accuracy, prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Adam, its rate lowered on a plateau of the stop part's loss (Baral 2025, 3.2)."""
        trainable = [p for p in self.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trainable, lr=self.settings.learning_rate)
        plateau = self.settings.plateau
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=plateau.factor, patience=plateau.patience, min_lr=plateau.minimum
        )
        # Counted in steps: Lightning writes a checkpoint before the scheduler's step of an epoch,
        # and a resumed run would lose it.
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": scheduler,
                "monitor": "stop_loss",
                "interval": "step",
                "frequency": self.steps_per_epoch,
            },
        }
