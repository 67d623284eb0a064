"""The picture check: a small convolutional network that keeps where it saw something."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pneumoscope.inference import LEARNT_CODES

_CHANNELS = (16, 24, 48, 80)
_SUMMARY = 16


class CheckNet(nn.Module):
    """Plain 3 x 3 convolutions and one linear layer over all places.

    The places are not averaged away, since where the heart and the abdomen are is the question.

    Parameters
    ----------
    size : int
        Side of the input in pixels, a multiple of 16.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        first, second, third, last = _CHANNELS
        self.features = nn.Sequential(
            _convolution(1, first, stride=2),
            _convolution(first, second, stride=2),
            _convolution(second, second),
            _convolution(second, third, stride=2),
            _convolution(third, third),
            _convolution(third, last, stride=2),
            _convolution(last, last),
            nn.Conv2d(last, _SUMMARY, 1),
            nn.ReLU(inplace=True),
        )
        self.output = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(_SUMMARY * (size // 16) ** 2, 64),
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
        return torch.as_tensor(self.output(self.features(images)))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
