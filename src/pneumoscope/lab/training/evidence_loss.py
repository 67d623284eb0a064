"""The loss of the maps of evidence."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from pneumoscope.lab.datasets import LABEL_ONLY
from pneumoscope.lab.networks import top_cells


class EvidenceLoss(NamedTuple):
    """Mean loss of the cells that are known, and of the maps of which only the label is."""

    cells: Tensor
    labels: Tensor


def evidence_loss(logits: Tensor, target: Tensor, positive_weight: float) -> EvidenceLoss:
    """Compare maps of evidence with what is known of them.

    Parameters
    ----------
    logits : Tensor, shape (n, maps, rows, columns)
    target : Tensor, shape (n, maps, rows, columns)
        See `pneumoscope.lab.datasets.EvidenceLessons.target`.
    positive_weight : float
        Weight of what lies inside a box.

    Returns
    -------
    EvidenceLoss
        Binary cross-entropies; 0 where there is nothing to compare. The highest cells stand for a
        map of which only the label is known (multiple-instance learning).
    """
    known = target >= 0
    weight = logits.new_tensor(positive_weight)
    losses = functional.binary_cross_entropy_with_logits(
        logits, target.clamp(min=0), pos_weight=weight, reduction="none"
    )
    cells = (losses * known).sum() / known.sum().clamp(min=1)
    told = target[:, :, 0, 0] == LABEL_ONLY
    missed = functional.softplus(-top_cells(logits))
    return EvidenceLoss(cells, (missed * told).sum() / told.sum().clamp(min=1))
