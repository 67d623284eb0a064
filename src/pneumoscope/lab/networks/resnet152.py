"""ResNet-152 (He 2016), as Zeng 2020 uses it."""

from __future__ import annotations

from monai.networks.nets import resnet
from torch import Tensor, nn

from pneumoscope.lab.networks.network import Network, PooledNetwork
from pneumoscope.lab.networks.registry import register
from pneumoscope.lab.networks.weights import SOURCE, ImageNetScale, load_imagenet

CHANNELS = 2048
STAGES = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")


class ResNet152(PooledNetwork):
    """The 152-layer residual network, average pool, dropout, linear layer.

    Parameters
    ----------
    classes : int
        Number of classes; 2 as published.
    dropout : float
        Before the last layer, 0..1; 0.5 unless searched.
    pretrained : bool
        ImageNet weights in all but the last layer, with their scale of the input.
    """

    default_size = 224
    default_classes = 2
    weights_source = SOURCE

    def __init__(self, classes: int, dropout: float = 0.5, *, pretrained: bool = False) -> None:
        super().__init__(classes, CHANNELS, dropout)
        self.pretrained = pretrained
        self.scale = ImageNetScale() if pretrained else nn.Identity()
        # The last three make it the network of the publication; MONAI's defaults are for volumes.
        whole = resnet.resnet152(
            spatial_dims=2,
            n_input_channels=3,
            feed_forward=False,
            conv1_t_stride=2,
            bias_downsample=False,
        )
        self.backbone = nn.Sequential()
        for stage in STAGES:
            self.backbone.add_module(stage, getattr(whole, stage))

    def features(self, images: Tensor) -> Tensor:
        """Feature map (n, 2048, size / 32, size / 32) of the last stage."""
        return self.backbone(self.scale(images))

    def load_pretrained(self) -> None:
        """See `Network.load_pretrained`; torchvision's first set, trained as in 2016."""
        load_imagenet(self.backbone, "resnet152-394f9c45.pth", _without_top)


def _without_top(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: values for name, values in stored.items() if not name.startswith("fc.")}


@register
def resnet152(
    *, classes: int, size: int, dropout: float = 0.5, pretrained: bool = False
) -> Network:
    """ResNet-152, whose dropout Zeng 2020 searches."""
    if size < 32:
        raise ValueError(f"input size {size} is too small: at least 32 is needed")
    return ResNet152(classes, dropout, pretrained=pretrained)
