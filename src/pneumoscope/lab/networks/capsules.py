"""Capsules with routing by agreement (Sabour 2017), and their reverse pass written forwards.

With one transform shared by all primary capsules (Baral 2025, section 3.2) the prediction vectors
``u_ij = W_j v_i`` never have to exist: ``s_j = sum_i c_ij W_j v_i = W_j (sum_i c_ij v_i)`` and
``u_ij . o_j = v_i . (W_j^T o_j)``. That is a thirtieth of the memory and no loop over capsules.

Letters in the einsums: n image, i primary capsule, d its length, c class, k class capsule length,
t class whose score is explained.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EPSILON = 1e-7


def squash(s: Tensor) -> Tensor:
    """Shrink vectors to a length below 1, keeping their direction.

    Parameters
    ----------
    s : Tensor, shape (..., length)

    Returns
    -------
    Tensor, shape (..., length)
        ``|s|^2 / (1 + |s|^2) * s / sqrt(|s|^2 + eps)``.
    """
    square = s.square().sum(-1, keepdim=True)
    return square / (1 + square) * s * torch.rsqrt(square + EPSILON)


def squash_gradient(s: Tensor, gradient: Tensor) -> Tensor:
    """Carry a gradient from ``squash(s)`` back to ``s``.

    Parameters
    ----------
    s, gradient : Tensor, shape (..., length)
        Broadcastable against each other.

    Returns
    -------
    Tensor, shape (..., length)
        With ``f = q / ((1 + q) sqrt(q + eps))`` and ``q = |s|^2``: ``f g + 2 f' (s . g) s``.
    """
    square = s.square().sum(-1, keepdim=True)
    factor = square / (1 + square) * torch.rsqrt(square + EPSILON)
    slope = (
        torch.rsqrt(square + EPSILON)
        / (1 + square)
        * (1 / (1 + square) - 0.5 * square / (square + EPSILON))
    )
    return factor * gradient + 2 * slope * (s * gradient).sum(-1, keepdim=True) * s


@dataclass(frozen=True, slots=True)
class RoutingStep:
    """What one routing iteration computed; the reverse pass needs it again.

    Attributes
    ----------
    coupling : Tensor, shape (n, i, c)
        Softmax over the classes; sums to 1 for every primary capsule.
    total : Tensor, shape (n, c, k)
        ``s_j`` before the squash.
    output : Tensor, shape (n, c, k)
        ``squash(s_j)``.
    """

    coupling: Tensor
    total: Tensor
    output: Tensor


class ClassCapsules(nn.Module):
    """One capsule per class, routed from primary capsules through one shared transform.

    Parameters
    ----------
    classes : int
        Number of class capsules.
    primary_length, class_length : int
        Vector lengths of the primary and the class capsules.
    iterations : int
        Routing iterations, at least 1.
    """

    def __init__(
        self, classes: int, primary_length: int = 16, class_length: int = 32, iterations: int = 4
    ) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"{iterations} routing iterations: at least 1 is needed")
        self.iterations = iterations
        self.transform = nn.Parameter(torch.empty(classes, primary_length, class_length))
        nn.init.xavier_uniform_(self.transform)

    def forward(self, primary: Tensor) -> Tensor:
        """Route primary capsules (n, i, d) to class capsules (n, c, k)."""
        return self.route(primary)[-1].output

    def route(self, primary: Tensor) -> list[RoutingStep]:
        """Run every routing iteration and keep what each computed.

        Parameters
        ----------
        primary : Tensor, shape (n, i, d)
            Squashed primary capsules.

        Returns
        -------
        list of RoutingStep
            One per iteration, the last one holding the result.
        """
        images, capsules, _ = primary.shape
        agreement = primary.new_zeros(images, capsules, self.transform.shape[0])
        steps: list[RoutingStep] = []
        for iteration in range(self.iterations):
            coupling = torch.softmax(agreement, dim=-1)
            gathered = torch.einsum("nic,nid->ncd", coupling, primary)
            total = torch.einsum("ncd,cdk->nck", gathered, self.transform)
            output = squash(total)
            steps.append(RoutingStep(coupling, total, output))
            if iteration < self.iterations - 1:
                back = torch.einsum("nck,cdk->ncd", output, self.transform)
                agreement = agreement + torch.einsum("nid,ncd->nic", primary, back)
        return steps

    def gradient(self, primary: Tensor, steps: list[RoutingStep], gradient: Tensor) -> Tensor:
        """Carry gradients from the class capsules back to the primary capsules.

        The reverse pass of `route`, written as forward operations so that it can be exported in
        the same graph.

        Parameters
        ----------
        primary : Tensor, shape (n, i, d)
        steps : list of RoutingStep
            From `route` on the same `primary`.
        gradient : Tensor, shape (n, t, c, k)
            One gradient per explained score t with respect to the class capsules.

        Returns
        -------
        Tensor, shape (n, t, i, d)
        """
        images, capsules, _ = primary.shape
        scores = gradient.shape[1]
        to_agreement = primary.new_zeros(images, scores, capsules, self.transform.shape[0])
        to_primary = primary.new_zeros(images, scores, capsules, primary.shape[-1])
        to_output = gradient
        for index in range(len(steps) - 1, -1, -1):
            step = steps[index]
            if index < len(steps) - 1:
                back = torch.einsum("nck,cdk->ncd", step.output, self.transform)
                pulled = torch.einsum("ntic,nid->ntcd", to_agreement, primary)
                to_output = torch.einsum("ntcd,cdk->ntck", pulled, self.transform)
                to_primary = to_primary + torch.einsum("ntic,ncd->ntid", to_agreement, back)
            to_total = squash_gradient(step.total.unsqueeze(1), to_output)
            folded = torch.einsum("ntck,cdk->ntcd", to_total, self.transform)
            to_primary = to_primary + torch.einsum("nic,ntcd->ntid", step.coupling, folded)
            to_coupling = torch.einsum("nid,ntcd->ntic", primary, folded)
            coupling = step.coupling.unsqueeze(1)
            mean = (coupling * to_coupling).sum(-1, keepdim=True)
            to_agreement = to_agreement + coupling * (to_coupling - mean)
        return to_primary
