"""The published tables: parameters layer by layer, running statistics counted as Keras does."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.lab.networks import count_parameters, create  # noqa: E402

pytestmark = pytest.mark.lab

# Baral 2025: DenseNet without its top, its channels, the extra convolution.
DENSENETS = {
    121: (7_037_504, 1024, 1_179_776),
    169: (12_642_880, 1664, 1_917_056),
    201: (18_321_984, 1920, 2_211_968),
}
HEAD = 1_536 + 49_664 + 1_539
TRAINABLE = {121: 6_953_856, 169: 12_484_480, 201: 18_092_928}


def _meta(name, *, classes=3, size=224, **options):
    with torch.device("meta"):
        return create(name, classes=classes, size=size, options=options)


def _trainable(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def test_li_cnn_has_the_published_layers():
    network = _meta("li_cnn", classes=2, size=256)
    counted = [
        count_parameters(layer)
        for layer in network.modules()
        if not list(layer.children()) and count_parameters(layer)
    ]
    assert counted == [896, 128, 18496, 256, 73856, 512, 295168, 1024, 6553700, 400, 202]
    assert count_parameters(network) == 6_944_638


@pytest.mark.parametrize("backbone", DENSENETS)
def test_densenet_capsnet_with_the_extra_convolution(backbone):
    features, _, extra = DENSENETS[backbone]
    network = _meta("densenet_capsnet", backbone=backbone)
    assert count_parameters(network.backbone) == features
    assert _trainable(network.backbone) == TRAINABLE[backbone]
    assert count_parameters(network.extra) == extra
    head = [network.primary, network.capsules, network.hidden, network.output]
    assert [count_parameters(part) for part in head] == [1_180_672, 1_536, 49_664, 1_539]
    assert count_parameters(network) == features + extra + 1_180_672 + HEAD


@pytest.mark.parametrize(("backbone", "total"), [(169, 15_793_347), (201, 21_767_363)])
def test_the_published_totals(backbone, total):
    assert count_parameters(_meta("densenet_capsnet", backbone=backbone)) == total


@pytest.mark.parametrize("backbone", DENSENETS)
def test_densenet_capsnet_without_the_extra_convolution(backbone):
    features, channels, _ = DENSENETS[backbone]
    network = _meta("densenet_capsnet", backbone=backbone, extra_convolution=False)
    primary = 9 * channels * 1024 + 1024
    assert count_parameters(network.primary) == primary
    assert count_parameters(network) == features + primary + HEAD


def test_the_headline_variant():
    network = _meta("densenet_capsnet", backbone=201, extra_convolution=False, frozen=True)
    assert count_parameters(network.primary) == 17_695_744
    assert count_parameters(network) == 36_070_467
    assert _trainable(network) == 17_748_483


def test_own_transforms_are_as_many_as_the_equations_ask_for():
    shared, own = (_meta("densenet_capsnet", shared_transform=shared) for shared in (True, False))
    more = count_parameters(own) - count_parameters(shared)
    assert more == (3136 - 1) * 3 * 16 * 32


@pytest.mark.parametrize("extra", [True, False])
@pytest.mark.parametrize("backbone", DENSENETS)
def test_densenet_fc_is_the_same_without_capsules(backbone, extra):
    features, channels, convolution = DENSENETS[backbone]
    network = _meta("densenet_fc", backbone=backbone, extra_convolution=extra)
    pooled = 128 if extra else channels
    expected = features + extra * convolution + (pooled + 1) * 512 + 1_539
    assert count_parameters(network) == expected


@pytest.mark.parametrize(
    ("name", "size", "trainable", "last"),
    [
        ("resnet152", 224, 58_143_808, 2048),
        ("inception_v3", 299, 23_834_568 - 2_049_000, 2048),
        ("vision_transformer", 224, 86_567_656 - 769_000, 768),
    ],
)
def test_the_canonical_networks(name, size, trainable, last):
    network = _meta(name, classes=1000, size=size)
    assert _trainable(network.backbone) == trainable
    assert _trainable(network) == trainable + (last + 1) * 1000
