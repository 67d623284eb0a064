"""The picture check: a small convolutional network that keeps where it saw something."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pneumoscope.inference import LEARNT_CODES

_CHANNELS = (16, 24, 48, 80)
_SUMMARY = 16


class CheckNet(nn.Module):
    """Plain 3 x 3 convolutions, and layers over all places.

    Most places are not averaged away, since where the heart and the abdomen are is the question.
    The grid of a screen may be anywhere: for it, features are pooled as well.

    Parameters
    ----------
    size : int
        Side of the input in pixels, a multiple of 16.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        first, second, third, last = _CHANNELS
        self.fine = nn.Sequential(
            _convolution(1, first, stride=2),
            _convolution(first, second, stride=2),
            _convolution(second, second),
        )
        self.middle = nn.Sequential(
            _convolution(second, third, stride=2),
            _convolution(third, third),
        )
        self.coarse = nn.Sequential(
            _convolution(third, last, stride=2),
            _convolution(last, last),
            nn.Conv2d(last, _SUMMARY, 1),
            nn.ReLU(inplace=True),
        )
        seen = 2 * second + 2 * third + _SUMMARY * (size // 16) ** 2
        self.output = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(seen, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, len(LEARNT_CODES)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Tell what is wrong.

        Parameters
        ----------
        images : Tensor of float32, shape (n, 1, size, size)
            0..1.

        Returns
        -------
        Tensor of float32, shape (n, 7)
            Logits of `LEARNT_CODES`.
        """
        fine = self.fine(images)
        middle = self.middle(fine)
        seen = [_pooled(fine), _pooled(middle), self.coarse(middle).flatten(1)]
        return torch.as_tensor(self.output(torch.cat(seen, dim=1)))


def _pooled(features: Tensor) -> Tensor:
    return torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
