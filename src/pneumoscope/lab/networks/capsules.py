"""Capsules with routing by agreement (Sabour 2017), and their reverse pass written forwards.

`ClassCapsules` routes; its two kinds differ in the prediction vectors only. With one transform
shared by all primary capsules (the code of Baral 2025) the vectors ``u_ij = W_j v_i`` never have to
exist: ``s_j = sum_i c_ij W_j v_i = W_j (sum_i c_ij v_i)`` and ``u_ij . o_j = v_i . (W_j^T o_j)``.
With a transform of each primary capsule's own (its equations) they are computed once, and nothing
is larger than they are.

Letters in the einsums: n image, i primary capsule, d its length, c class, k class capsule length,
t class whose score is explained, r term of a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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


@dataclass(frozen=True, slots=True)
class Routing:
    """Every iteration, the last one holding the result.

    Attributes
    ----------
    votes : Tensor
        What the prediction vectors are computed from, as the kind of transform needs it.
    steps : list of RoutingStep
        One per iteration.
    """

    votes: Tensor
    steps: list[RoutingStep]

    @property
    def output(self) -> Tensor:
        """Class capsules (n, c, k)."""
        return self.steps[-1].output


class _Term(NamedTuple):
    """A part ``a_ij g_j`` of the gradient on the prediction vectors.

    `coefficients` are (n, t, i, c), `vectors` (n, t, c, k).
    """

    coefficients: Tensor
    vectors: Tensor


class ClassCapsules(nn.Module):
    """One capsule per class, routed from primary capsules; see the two kinds below.

    Parameters
    ----------
    transform : Tensor
        Empty, of the kind's shape; Glorot's uniform numbers are drawn into it.
    classes : int
        Number of class capsules.
    iterations : int
        Routing iterations, at least 1.
    """

    def __init__(self, transform: Tensor, classes: int, iterations: int) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"{iterations} routing iterations: at least 1 is needed")
        self.classes, self.iterations = classes, iterations
        self.transform = nn.Parameter(transform)

    def forward(self, primary: Tensor) -> Tensor:
        """Route primary capsules (n, i, d) to class capsules (n, c, k)."""
        return self.route(primary).output

    def route(self, primary: Tensor) -> Routing:
        """Run every routing iteration and keep what each computed.

        Parameters
        ----------
        primary : Tensor, shape (n, i, d)
            Squashed primary capsules.
        """
        votes = self._votes(primary)
        agreement = primary.new_zeros(*primary.shape[:2], self.classes)
        steps: list[RoutingStep] = []
        for iteration in range(self.iterations):
            coupling = torch.softmax(agreement, dim=-1)
            total = self._gather(votes, coupling.unsqueeze(1)).squeeze(1)
            output = squash(total)
            steps.append(RoutingStep(coupling, total, output))
            if iteration < self.iterations - 1:
                agreement = agreement + self._agree(votes, output.unsqueeze(1)).squeeze(1)
        return Routing(votes, steps)

    def gradient(self, routing: Routing, gradient: Tensor) -> Tensor:
        """Carry gradients from the class capsules back to the primary capsules.

        The reverse pass of `route`, written as forward operations so that it can be exported in
        the same graph.

        Parameters
        ----------
        routing : Routing
            From `route`.
        gradient : Tensor, shape (n, t, c, k)
            One gradient per explained score t with respect to the class capsules.

        Returns
        -------
        Tensor, shape (n, t, i, d)
        """
        images, capsules, _ = routing.steps[0].coupling.shape
        to_agreement = gradient.new_zeros(images, gradient.shape[1], capsules, self.classes)
        to_output = gradient
        terms: list[_Term] = []
        for index in range(len(routing.steps) - 1, -1, -1):
            step = routing.steps[index]
            if index < len(routing.steps) - 1:
                to_output = self._gather(routing.votes, to_agreement)
                terms.append(_Term(to_agreement, step.output.unsqueeze(1).expand_as(to_output)))
            # Written out, as ONNX's einsum does not broadcast.
            coupling = step.coupling.unsqueeze(1).expand_as(to_agreement)
            to_total = squash_gradient(step.total.unsqueeze(1), to_output)
            terms.append(_Term(coupling, to_total))
            to_coupling = self._agree(routing.votes, to_total)
            mean = (coupling * to_coupling).sum(-1, keepdim=True)
            to_agreement = to_agreement + coupling * (to_coupling - mean)
        return self._carry_back(terms)

    def _votes(self, primary: Tensor) -> Tensor:
        """What the two methods below read, from primary capsules (n, i, d)."""
        raise NotImplementedError

    def _gather(self, votes: Tensor, coefficients: Tensor) -> Tensor:
        """``sum_i a_ij u_ij``: coefficients (n, t, i, c) to vectors (n, t, c, k)."""
        raise NotImplementedError

    def _agree(self, votes: Tensor, vectors: Tensor) -> Tensor:
        """``u_ij . g_j``: vectors (n, t, c, k) to (n, t, i, c)."""
        raise NotImplementedError

    def _carry_back(self, terms: list[_Term]) -> Tensor:
        """Gradient on the primary capsules (n, t, i, d): the sum of ``W_ij^T a_ij g_j``."""
        raise NotImplementedError


class SharedTransform(ClassCapsules):
    """Class capsules with one transform for all primary capsules; the votes are the primary ones.

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
        super().__init__(torch.empty(classes, primary_length, class_length), classes, iterations)
        nn.init.xavier_uniform_(self.transform)

    def _votes(self, primary: Tensor) -> Tensor:
        return primary

    def _gather(self, votes: Tensor, coefficients: Tensor) -> Tensor:
        gathered = torch.einsum("ntic,nid->ntcd", coefficients, votes)
        return torch.einsum("ntcd,cdk->ntck", gathered, self.transform)

    def _agree(self, votes: Tensor, vectors: Tensor) -> Tensor:
        folded = torch.einsum("ntck,cdk->ntcd", vectors, self.transform)
        return torch.einsum("nid,ntcd->ntic", votes, folded)

    def _carry_back(self, terms: list[_Term]) -> Tensor:
        parts = [
            torch.einsum(
                "ntic,ntcd->ntid",
                term.coefficients,
                torch.einsum("ntck,cdk->ntcd", term.vectors, self.transform),
            )
            for term in terms
        ]
        return torch.stack(parts).sum(0)


class OwnTransforms(ClassCapsules):
    """Class capsules with a transform of each primary capsule's own; the votes are (n, c, i, k).

    Parameters
    ----------
    classes : int
        Number of class capsules.
    capsules : int
        Number of primary capsules.
    primary_length, class_length : int
        Vector lengths of the primary and the class capsules.
    iterations : int
        Routing iterations, at least 1.
    """

    def __init__(
        self,
        classes: int,
        capsules: int,
        primary_length: int = 16,
        class_length: int = 32,
        iterations: int = 4,
    ) -> None:
        shape = (capsules, primary_length, classes, class_length)
        super().__init__(torch.empty(shape), classes, iterations)
        # As wide as the shared one's: torch would count the capsules as inputs and outputs.
        bound = (6 / (class_length * (primary_length + classes))) ** 0.5
        nn.init.uniform_(self.transform, -bound, bound)

    def _votes(self, primary: Tensor) -> Tensor:
        # Every iteration reads them class by class.
        return torch.einsum("nid,idck->ncik", primary, self.transform).contiguous()

    def _gather(self, votes: Tensor, coefficients: Tensor) -> Tensor:
        return torch.einsum("ntic,ncik->ntck", coefficients, votes)

    def _agree(self, votes: Tensor, vectors: Tensor) -> Tensor:
        return torch.einsum("ncik,ntck->ntic", votes, vectors)

    def _carry_back(self, terms: list[_Term]) -> Tensor:
        # Summed before the transform, so that the large matrix is read once.
        coefficients = torch.stack([term.coefficients for term in terms])
        vectors = torch.stack([term.vectors for term in terms])
        to_votes = torch.einsum("rntic,rntck->ntick", coefficients, vectors)
        return torch.einsum("ntick,idck->ntid", to_votes, self.transform)
