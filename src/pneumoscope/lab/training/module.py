"""The Lightning module: loss with absent classes, penalties, optimiser, plateau."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from pneumoscope.lab.datasets import HIDDEN
from pneumoscope.lab.networks import Answer, Network
from pneumoscope.lab.training.evidence_loss import evidence_loss
from pneumoscope.lab.training.recipe import Evidence, Training


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


def cycle(step: int, *, steps: int, warm_up: float) -> float:
    """Share of the learning rate at a step: up from a tenth, then down to a thousandth, as cosines.

    Parameters
    ----------
    step : int
        From 0.
    steps : int
        Of the whole run.
    warm_up : float
        Share of the steps that raise the rate, above 0 and below 1.
    """
    done = min(step / max(steps - 1, 1), 1.0)
    if done < warm_up:
        low, way = 0.1, done / warm_up
    else:
        low, way = 1e-3, 1 - (done - warm_up) / (1 - warm_up)
    return low + (1 - low) * (1 - math.cos(math.pi * way)) / 2


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
    seed : int
        Of the dropout's draws, every epoch's its own: a resumed run repeats what it would have
        drawn.
    class_weights : sequence of float or None
        One per class, for the training part's cross-entropy.
    groups : sequence of int or None
        The age group of each source; None for one group.
    evidence : Evidence or None
        The recipe's section, where the network draws maps.
    """

    def __init__(
        self,
        network: Network,
        known: Sequence[Sequence[bool]],
        settings: Training,
        steps_per_epoch: int,
        seed: int = 0,
        class_weights: Sequence[float] | None = None,
        groups: Sequence[int] | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.steps_per_epoch = steps_per_epoch
        self.known: Tensor
        self.register_buffer("known", torch.tensor(known, dtype=torch.bool), persistent=False)
        self.seed = seed
        self.class_weights: Tensor | None
        weights = None if class_weights is None else torch.tensor(class_weights)
        self.register_buffer("class_weights", weights, persistent=False)
        self.groups: Tensor
        self.register_buffer("groups", torch.tensor(groups or [0] * len(known)), persistent=False)
        self.evidence = evidence
        # Per source: sum of the losses, hits, images.
        self._stop: Tensor

    def forward(self, images: Tensor) -> Answer:
        """Answer to images (n, 3, size, size)."""
        return self.network.answer(images.contiguous(memory_format=torch.channels_last))

    def _logits(self, answer: Answer, sources: Tensor) -> Tensor:
        """Logits (n, classes) of each image's age group, over the classes that its source knows."""
        logits = answer.logits.float()
        if logits.ndim == 3:
            logits = logits[torch.arange(len(logits)), self.groups[sources]]
        return masked_logits(logits, sources, self.known)

    def _further_losses(self, answer: Answer, sources: Tensor, target: Tensor) -> Tensor:
        """Losses of the age groups and of the maps, where the network has them."""
        loss = target.new_zeros(())
        if answer.age_group_logits is not None:
            loss = loss + functional.cross_entropy(
                answer.age_group_logits.float(), self.groups[sources]
            )
        if answer.evidence is not None and self.evidence is not None:
            told = evidence_loss(answer.evidence.float(), target, self.evidence.positive_weight)
            loss = loss + self.evidence.weight * told.cells
            loss = loss + self.evidence.label_weight * told.labels
        return loss

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's dropout from a seed of its own, as does every process of a run."""
        torch.manual_seed(
            (self.seed + 7919 * self.current_epoch + 15_485_863 * self.global_rank) % 2**63
        )

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], _: int) -> Tensor:
        """Cross-entropy, what maps and age groups add, and the penalties on published kernels."""
        images, labels, sources, target = batch
        answer = self(images)
        logits = self._logits(answer, sources)
        loss = self._cross_entropy(logits, labels, sources)
        loss = loss + self._further_losses(answer, sources, target)
        seen = labels != HIDDEN
        hits = ((logits.argmax(1) == labels) & seen).float().sum() / seen.float().sum().clamp(min=1)
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, sync_dist=True)
        self.log("train_accuracy", hits, on_step=False, on_epoch=True, sync_dist=True)
        for kernel in self.network.penalised_kernels():
            loss = loss + self.settings.l1 * kernel.abs().sum()
            loss = loss + self.settings.l2 * kernel.square().sum()
        return loss

    def _cross_entropy(self, logits: Tensor, labels: Tensor, sources: Tensor) -> Tensor:
        """Weighted and smoothed as the recipe says, over the classes that each source knows.

        Of an image whose lungs are hidden every known class is equally true.
        """
        smoothing = self.settings.label_smoothing
        hidden = labels == HIDDEN
        if not smoothing and not hidden.any():
            return functional.cross_entropy(logits, labels, self.class_weights)
        # Not torch's own smoothing, which would give the absent classes (minus infinity) a share.
        known = self.known[sources].float()
        labels = labels.clamp(min=0)
        smooth = torch.where(hidden, 1.0, smoothing).unsqueeze(1)
        target = smooth * known / known.sum(1, keepdim=True)
        target = target + (1 - smooth) * functional.one_hot(labels, logits.shape[1])
        log_probabilities = torch.log_softmax(logits, dim=1).masked_fill(~self.known[sources], 0.0)
        losses = -(target * log_probabilities).sum(1)
        if self.class_weights is None:
            return losses.mean()
        weights = self.class_weights[labels]
        return (weights * losses).sum() / weights.sum()

    def on_validation_epoch_start(self) -> None:
        """Count anew."""
        self._stop = torch.zeros(len(self.known), 3, dtype=torch.float64, device="cpu")

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], _: int) -> None:
        """Add up the stop part's losses of the classes, hits and images by source."""
        images, labels, sources, _target = batch
        logits = self._logits(self(images), sources)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        hits = (logits.argmax(1) == labels).float()
        row = torch.stack([losses, hits, torch.ones_like(losses)], dim=1)
        self._stop.index_add_(0, sources.cpu(), row.double().cpu())

    def on_validation_epoch_end(self) -> None:
        """Average over the sources, so that the larger one does not decide when to stop."""
        # Doubles stay on the CPU until here: some accelerators have none.
        totals = self._stop.float().to(self.device)
        totals = self.trainer.strategy.reduce(totals, reduce_op="sum")
        totals = totals[totals[:, 2] > 0]
        loss, accuracy = (totals[:, :2] / totals[:, 2:]).mean(0)
        self.log("stop_loss", loss, prog_bar=True)
        self.log("stop_accuracy", accuracy, prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Adam or AdamW, with one cycle, or lowered on a plateau of the stop part's loss.

        The plateau is that of the code of Baral 2025.
        """
        trainable = [p for p in self.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            trainable,
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            fused=True,
        )
        if self.settings.one_cycle is not None:
            steps = self.steps_per_epoch * self.settings.epochs
            shape = partial(cycle, steps=steps, warm_up=self.settings.one_cycle.warm_up)
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": schedule, "interval": "step"},
            }
        plateau = self.settings.plateau
        if plateau is None:
            return optimizer
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
