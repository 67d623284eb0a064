"""Inception-v3 (Szegedy 2016), as Zeng 2020 uses it: without the auxiliary classifier.

Written out here because the libraries that have it need torchvision, which cannot be imported
beside a CPU build of torch; see docs/explanation/dependencies.md. Names are those of torchvision's
weights.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.network import Network, PooledNetwork
from pneumoscope.lab.networks.registry import register
from pneumoscope.lab.networks.weights import SOURCE, ImageNetScale, load_imagenet

CHANNELS = 2048
SMALLEST_SIZE = 75
NORM_EPSILON = 1e-3
# Not torchvision's usual ones: these weights were trained in TensorFlow, on -1..1.
MEAN = DEVIATION = (0.5, 0.5, 0.5)


class Conv(NamedTuple):
    """A convolution of a branch: its name, filters, kernel (rows, columns) and stride.

    Padded so that the size stays, unless the stride is 2.
    """

    name: str
    filters: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1


class Branch(NamedTuple):
    """A chain of convolutions, perhaps after a pool, perhaps ending in two side by side."""

    chain: tuple[Conv, ...] = ()
    pool: str = ""
    ends: tuple[Conv, ...] = ()


ROW, COLUMN, SQUARE = (1, 7), (7, 1), (3, 3)


def _block_35(pool_filters: int) -> tuple[Branch, ...]:
    """Give the block of the 35 x 35 grid."""
    return (
        Branch((Conv("branch1x1", 64),)),
        Branch((Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5)))),
        Branch(
            (
                Conv("branch3x3dbl_1", 64),
                Conv("branch3x3dbl_2", 96, SQUARE),
                Conv("branch3x3dbl_3", 96, SQUARE),
            )
        ),
        Branch((Conv("branch_pool", pool_filters),), pool="average"),
    )


def _block_17(filters: int) -> tuple[Branch, ...]:
    """Give the block of the 17 x 17 grid, its 7 x 7 convolutions factorised."""
    return (
        Branch((Conv("branch1x1", 192),)),
        Branch(
            (
                Conv("branch7x7_1", filters),
                Conv("branch7x7_2", filters, ROW),
                Conv("branch7x7_3", 192, COLUMN),
            )
        ),
        Branch(
            (
                Conv("branch7x7dbl_1", filters),
                Conv("branch7x7dbl_2", filters, COLUMN),
                Conv("branch7x7dbl_3", filters, ROW),
                Conv("branch7x7dbl_4", filters, COLUMN),
                Conv("branch7x7dbl_5", 192, ROW),
            )
        ),
        Branch((Conv("branch_pool", 192),), pool="average"),
    )


def _block_8() -> tuple[Branch, ...]:
    """Give the block of the 8 x 8 grid, whose branches fan out."""
    return (
        Branch((Conv("branch1x1", 320),)),
        Branch(
            (Conv("branch3x3_1", 384),),
            ends=(Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))),
        ),
        Branch(
            (Conv("branch3x3dbl_1", 448), Conv("branch3x3dbl_2", 384, SQUARE)),
            ends=(Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
        ),
        Branch((Conv("branch_pool", 192),), pool="average"),
    )


TO_17 = (
    Branch((Conv("branch3x3", 384, SQUARE, 2),)),
    Branch(
        (
            Conv("branch3x3dbl_1", 64),
            Conv("branch3x3dbl_2", 96, SQUARE),
            Conv("branch3x3dbl_3", 96, SQUARE, 2),
        )
    ),
    Branch(pool="largest"),
)
TO_8 = (
    Branch((Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, SQUARE, 2))),
    Branch(
        (
            Conv("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, ROW),
            Conv("branch7x7x3_3", 192, COLUMN),
            Conv("branch7x7x3_4", 192, SQUARE, 2),
        )
    ),
    Branch(pool="largest"),
)
BLOCKS = {
    "Mixed_5b": _block_35(32),
    "Mixed_5c": _block_35(64),
    "Mixed_5d": _block_35(64),
    "Mixed_6a": TO_17,
    "Mixed_6b": _block_17(128),
    "Mixed_6c": _block_17(160),
    "Mixed_6d": _block_17(160),
    "Mixed_6e": _block_17(192),
    "Mixed_7a": TO_8,
    "Mixed_7b": _block_8(),
    "Mixed_7c": _block_8(),
}


class _ConvNorm(nn.Module):
    """Convolution, normalisation, ReLU."""

    def __init__(self, inputs: int, conv: Conv, *, padded: bool = True) -> None:
        super().__init__()
        keeps = padded and conv.stride == 1
        padding = (conv.kernel[0] // 2, conv.kernel[1] // 2) if keeps else (0, 0)
        self.conv = nn.Conv2d(inputs, conv.filters, conv.kernel, conv.stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(conv.filters, NORM_EPSILON)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(images)), inplace=True)


class _Mixed(nn.Module):
    """Branches side by side, their channels joined."""

    def __init__(self, inputs: int, branches: tuple[Branch, ...]) -> None:
        super().__init__()
        self.branches = branches
        self.filters = 0
        for branch in branches:
            width = inputs
            for conv in branch.chain:
                self.add_module(conv.name, _ConvNorm(width, conv))
                width = conv.filters
            for conv in branch.ends:
                self.add_module(conv.name, _ConvNorm(width, conv))
            self.filters += sum(conv.filters for conv in branch.ends) or width

    def forward(self, images: Tensor) -> Tensor:
        joined: list[Tensor] = []
        for branch in self.branches:
            values = images
            if branch.pool == "average":
                values = functional.avg_pool2d(values, 3, stride=1, padding=1)
            elif branch.pool == "largest":
                values = functional.max_pool2d(values, 3, stride=2)
            for conv in branch.chain:
                values = self.get_submodule(conv.name)(values)
            ends = [self.get_submodule(conv.name)(values) for conv in branch.ends]
            joined += ends or [values]
        return torch.cat(joined, dim=1)


def _backbone() -> nn.Sequential:
    """Stem and blocks; the stem's pools have names of their own and no weights."""
    layers = nn.Sequential()
    layers.add_module("Conv2d_1a_3x3", _ConvNorm(3, Conv("", 32, SQUARE, 2)))
    layers.add_module("Conv2d_2a_3x3", _ConvNorm(32, Conv("", 32, SQUARE), padded=False))
    layers.add_module("Conv2d_2b_3x3", _ConvNorm(32, Conv("", 64, SQUARE)))
    layers.add_module("pool1", nn.MaxPool2d(3, stride=2))
    layers.add_module("Conv2d_3b_1x1", _ConvNorm(64, Conv("", 80)))
    layers.add_module("Conv2d_4a_3x3", _ConvNorm(80, Conv("", 192, SQUARE), padded=False))
    layers.add_module("pool2", nn.MaxPool2d(3, stride=2))
    width = 192
    for name, branches in BLOCKS.items():
        block = _Mixed(width, branches)
        layers.add_module(name, block)
        width = block.filters
    return layers


class InceptionV3(PooledNetwork):
    """Inception-v3, average pool, dropout, linear layer.

    Parameters
    ----------
    classes : int
        Number of classes; 2 as published.
    dropout : float
        Before the last layer, 0..1; 0.5 unless searched.
    pretrained : bool
        ImageNet weights in all but the last layer, with their scale of the input.
    """

    default_size = 299
    default_classes = 2
    weights_source = SOURCE

    def __init__(self, classes: int, dropout: float = 0.5, *, pretrained: bool = False) -> None:
        super().__init__(classes, CHANNELS, dropout)
        self.pretrained = pretrained
        self.scale = ImageNetScale(MEAN, DEVIATION) if pretrained else nn.Identity()
        self.backbone = _backbone()

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, 2048, rows, columns) of the last block; 8 x 8 at 299 pixels."""
        return self.backbone(self.scale(images))

    def load_pretrained(self) -> None:
        """See `Network.load_pretrained`."""
        load_imagenet(self.backbone, "inception_v3_google-0cc3c7bd.pth", _without_heads)


def _without_heads(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    heads = ("fc.", "AuxLogits.")
    return {name: values for name, values in stored.items() if not name.startswith(heads)}


@register
def inception_v3(
    *, classes: int, size: int, dropout: float = 0.5, pretrained: bool = False
) -> Network:
    """Inception-v3, whose dropout Zeng 2020 searches."""
    if size < SMALLEST_SIZE:
        raise ValueError(f"input size {size} is too small: at least {SMALLEST_SIZE} is needed")
    return InceptionV3(classes, dropout, pretrained=pretrained)
