"""Every network's graph agrees with it: logits and maps, for any number of images.

Deep backbones repeat the same few layers; they are cut to one of each, as exporting them whole
takes minutes.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from torch import nn  # noqa: E402

from pneumoscope.lab.networks import create, names  # noqa: E402
from pneumoscope.lab.training.export import TOLERANCES  # noqa: E402
from pneumoscope.lab.training.graph import (  # noqa: E402
    Exported,
    parity,
    round_to_half,
    to_graph,
)

pytestmark = pytest.mark.lab


def _patches(network):
    network.backbone = nn.Sequential(nn.Conv2d(3, 1024, 32, stride=32), nn.BatchNorm2d(1024))


def _first_of_each_stage(network):
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        setattr(network.backbone, stage, getattr(network.backbone, stage)[:1])


def _without_repeats(network):
    for block in ("Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7c"):
        delattr(network.backbone, block)


def _with_weights(network):
    network.load_pretrained()


def _one_layer(network):
    network.backbone.encoder.layers = network.backbone.encoder.layers[:1]


CASES = {
    "li_cnn": ("li_cnn", 32, {}, lambda _: None),
    "shared": ("densenet_capsnet", 96, {"backbone": 121}, _patches),
    "own": ("densenet_capsnet", 64, {"backbone": 121, "shared_transform": False}, _patches),
    "fc": ("densenet_fc", 64, {"backbone": 121}, _patches),
    # With ImageNet weights, as the features of fresh ones hardly differ. The plain head, age groups
    # and evidence are in `test_export_by_age`.
    "lite": ("efficientnet_lite", 64, {"variant": 0, "head": "capsules"}, _with_weights),
    "resnet152": ("resnet152", 64, {}, _first_of_each_stage),
    "inception_v3": ("inception_v3", 107, {}, _without_repeats),
    # With the scale of ImageNet inside the graph.
    "vision_transformer": ("vision_transformer", 48, {"pretrained": True}, _one_layer),
}


# A network that is not among them is tested as it is.
CASES |= {
    n: (n, 96, {}, lambda _: None) for n in names() if n not in {c[0] for c in CASES.values()}
}


@pytest.mark.parametrize("case", CASES)
def test_the_graph_agrees_with_the_network(case):
    name, size, options, shorten = CASES[case]
    torch.manual_seed(1)
    network = create(name, classes=3, size=size, options=options, fetch=False)
    shorten(network)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(4, 3, size, size))
    round_to_half(network.eval())
    exported = Exported(network)
    graph = to_graph(exported, size)
    for count in (1, 3):
        images = np.random.default_rng(count).random((count, 3, size, size), dtype=np.float32)
        assert network.explain(torch.from_numpy(images))[1].amax() > 0
        differences = parity(exported, graph, images)
        assert set(differences) == {"logits", "activation_maps"}
        assert all(far < TOLERANCES[name] for name, far in differences.items())
