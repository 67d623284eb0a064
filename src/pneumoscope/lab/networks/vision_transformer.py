"""Vision transformer ViT-B/16 (Dosovitskiy 2021), averaged over its patches."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.lab.networks.network import Network, PooledNetwork
from pneumoscope.lab.networks.registry import register
from pneumoscope.lab.networks.weights import SOURCE, ImageNetScale, load_imagenet

PATCH, WIDTH, HIDDEN, HEADS, LAYERS = 16, 768, 3072, 12, 12
NORM_EPSILON = 1e-6
# torchvision's names against those of torch's own encoder, which this is built of.
_RENAMED = (
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"encoder.layers.\1."),
    (r"\.ln_(\d)\.", r".norm\1."),
    (r"\.self_attention\.", ".self_attn."),
    (r"\.mlp\.(0|linear_1)\.", ".linear1."),
    (r"\.mlp\.(3|linear_2)\.", ".linear2."),
    (r"^encoder\.ln\.", "encoder.norm."),
    (r"^encoder\.pos_embedding$", "positions"),
    (r"^conv_proj\.", "patches."),
)


class _Encoder(nn.Module):
    """Patches, class token and positions through the layers: images to patch tokens as a map."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.empty(1, 1 + side**2, WIDTH))
        nn.init.normal_(self.positions, std=0.02)
        layer = nn.TransformerEncoderLayer(
            WIDTH,
            HEADS,
            HIDDEN,
            dropout=0.0,
            activation="gelu",
            layer_norm_eps=NORM_EPSILON,
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(WIDTH, NORM_EPSILON)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, norm, enable_nested_tensor=False)
        # torch's encoder copies one layer: the copies must not start alike.
        for weights in self.encoder.parameters():
            if weights.dim() > 1:
                nn.init.xavier_uniform_(weights)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        first = self.class_token.expand(patches.shape[0], -1, -1)
        tokens = self.encoder(torch.cat([first, patches], dim=1) + self.positions)
        return tokens[:, 1:].transpose(1, 2).unflatten(2, (self.side, self.side))

    def adapted(self, stored: dict[str, Tensor]) -> dict[str, Tensor]:
        """Give torchvision's weights this encoder's names and number of positions."""
        renamed = {
            _own_name(name): values
            for name, values in stored.items()
            if not name.startswith("heads.")
        }
        return renamed | {"positions": _interpolated(renamed["positions"], self.side)}


class VisionTransformer(PooledNetwork):
    """ViT-B/16: patches and a class token through twelve encoder layers; the patches' mean decides.

    The original reads the class token. The mean of the patch tokens does as well (Beyer 2022), and
    makes the logit the mean of its own activation map: nothing decides that the map leaves out.

    Parameters
    ----------
    classes : int
        Number of classes.
    size : int
        Side of the square input in pixels, a multiple of 16.
    dropout : float
        Before the last layer, 0..1.
    pretrained : bool
        ImageNet weights in all but the last layer, with their scale of the input; the position
        embeddings are interpolated to other sizes than 224.
    """

    default_size = 224
    weights_source = SOURCE

    def __init__(
        self, classes: int, size: int, dropout: float = 0.5, *, pretrained: bool = False
    ) -> None:
        super().__init__(classes, WIDTH, dropout)
        if size % PATCH:
            raise ValueError(f"input size {size} is not a multiple of {PATCH}")
        self.pretrained = pretrained
        self.scale = ImageNetScale() if pretrained else nn.Identity()
        self.backbone = _Encoder(size // PATCH)

    def features(self, images: Tensor) -> Tensor:
        """Patch tokens as a map (n, 768, size / 16, size / 16)."""
        return self.backbone(self.scale(images))

    def load_pretrained(self) -> None:
        """See `Network.load_pretrained`."""
        load_imagenet(self.backbone, "vit_b_16-c867db91.pth", self.backbone.adapted)


def _own_name(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def _interpolated(positions: Tensor, side: int) -> Tensor:
    """Position embeddings (1, 1 + s * s, width) for another number of patches per side."""
    first, grid = positions[:, :1], positions[:, 1:]
    stored = round(grid.shape[1] ** 0.5)
    if stored == side:
        return positions
    grid = grid.transpose(1, 2).unflatten(2, (stored, stored))
    grid = functional.interpolate(grid, (side, side), mode="bicubic", align_corners=False)
    return torch.cat([first, grid.flatten(2).transpose(1, 2)], dim=1)


@register
def vision_transformer(
    *, classes: int, size: int, dropout: float = 0.5, pretrained: bool = False
) -> Network:
    """Vision transformer ViT-B/16 (Dosovitskiy 2021), averaged over its patches."""
    return VisionTransformer(classes, size, dropout, pretrained=pretrained)
