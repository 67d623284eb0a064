"""DenseNet feature maps, as both heads of Baral 2025 read them (section 3.3.2)."""

from __future__ import annotations

import re
from typing import Self

from monai.networks.nets.densenet import DenseNet121, DenseNet169, DenseNet201
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.network import Network
from pneumoscope.lab.networks.weights import SOURCE, ImageNetScale, load_imagenet

BACKBONES = {
    121: (DenseNet121, 1024, "densenet121-a639ec97.pth"),
    169: (DenseNet169, 1664, "densenet169-b2777c0a.pth"),
    201: (DenseNet201, 1920, "densenet201-c1103571.pth"),
}
EXTRA_CHANNELS = 128
SMALLEST_SIZE = 64


def map_side(size: int) -> int:
    """Side of the feature map of square images of a side in pixels."""
    after_stem = (size + 3) // 4
    return after_stem // 8


class DenseNetNetwork(Network):
    """A DenseNet without its top, and perhaps a convolution; the heads are the subclasses'.

    Parameters
    ----------
    backbone : {121, 169, 201}
        Which DenseNet; 201 for the published headline.
    size : int
        Side of the square input in pixels, at least 64.
    extra_convolution : bool
        A 3x3 convolution to 128 channels after the backbone.
    frozen : bool
        Keep the backbone's weights and running statistics as they are.
    pretrained : bool
        ImageNet weights in the backbone, which then scales its input as they expect. (The
        publication fed them 0..1 as it was.)
    """

    default_size = 224
    weights_source = SOURCE

    def __init__(
        self, backbone: int, size: int, *, extra_convolution: bool, frozen: bool, pretrained: bool
    ) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"backbone {backbone} is none of {', '.join(map(str, BACKBONES))}")
        if size < SMALLEST_SIZE:
            raise ValueError(
                f"input size {size} leaves no feature map: at least {SMALLEST_SIZE} is needed"
            )
        build, channels, self._file = BACKBONES[backbone]
        self.pretrained = pretrained
        self.scale = ImageNetScale() if pretrained else nn.Identity()
        self.backbone = build(spatial_dims=2, in_channels=3, out_channels=1).features
        self.frozen = frozen
        self.backbone.requires_grad_(not frozen)
        self.extra = (
            nn.Conv2d(channels, EXTRA_CHANNELS, 3, padding=1) if extra_convolution else None
        )
        self.channels = EXTRA_CHANNELS if extra_convolution else channels

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a frozen backbone always stays in evaluation."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, channels, rows, columns) that the head reads."""
        features = functional.relu(self.backbone(self.scale(images)))
        return features if self.extra is None else functional.relu(self.extra(features))

    def load_pretrained(self) -> None:
        """See `Network.load_pretrained`."""
        load_imagenet(self.backbone, self._file, _of_monai)


def _of_monai(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Turn torchvision's names, in their old or their new form, into MONAI's."""
    pattern = re.compile(r"(denselayer\d+)\.(norm|conv)\.?([12])\.")
    return {
        pattern.sub(r"\1.layers.\2\3.", name.removeprefix("features.")): values
        for name, values in stored.items()
        if name.startswith("features.")
    }
