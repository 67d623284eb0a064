"""Every network against the published layer tables and against autograd."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.errors import RecipeError  # noqa: E402
from pneumoscope.lab.networks import count_parameters, create  # noqa: E402
from pneumoscope.lab.networks.capsules import ClassCapsules, squash  # noqa: E402

pytestmark = pytest.mark.lab

CASES = {
    "li_cnn": ("li_cnn", 2, 64, {}),
    "extra": ("densenet_capsnet", 3, 96, {"backbone": 121}),
    "plain": ("densenet_capsnet", 3, 64, {"backbone": 121, "extra_convolution": False}),
}


def _settled(name, classes, size, options):
    """A network with running statistics that are not the initial ones."""
    torch.manual_seed(1)
    network = create(name, classes=classes, size=size, options=options)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(4, 3, size, size))
    return network.eval()


def test_li_cnn_has_the_published_layers():
    network = create("li_cnn", classes=2, size=256, options={})
    counted = [
        count_parameters(layer)
        for layer in network.modules()
        if not list(layer.children()) and count_parameters(layer)
    ]
    assert counted == [896, 128, 18496, 256, 73856, 512, 295168, 1024, 6553700, 400, 202]
    assert count_parameters(network) == 6_944_638


@pytest.mark.parametrize(
    ("backbone", "features", "extra", "total"),
    [
        (121, 7_037_504, 1_179_776, None),
        (169, 12_642_880, 1_917_056, 15_793_347),
        (201, 18_321_984, 2_211_968, 21_767_363),
    ],
)
def test_densenet_capsnet_has_the_published_layers(backbone, features, extra, total):
    network = create("densenet_capsnet", classes=3, size=224, options={"backbone": backbone})
    assert count_parameters(network.backbone) == features
    assert count_parameters(network.extra) == extra
    head = [network.primary, network.capsules, network.hidden, network.output]
    assert [count_parameters(part) for part in head] == [1_180_672, 1_536, 49_664, 1_539]
    if total:
        assert count_parameters(network) == total


def test_the_headline_variant_without_extra_convolution():
    options = {"backbone": 201, "extra_convolution": False, "frozen": True}
    network = create("densenet_capsnet", classes=3, size=224, options=options)
    assert count_parameters(network.primary) == 17_695_744
    assert count_parameters(network) == 36_070_467
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trainable == 17_748_483


def test_a_frozen_backbone_keeps_its_running_statistics():
    network = create(
        "densenet_capsnet", classes=3, size=64, options={"backbone": 121, "frozen": True}
    )
    before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
    network.train()
    network(torch.rand(2, 3, 64, 64))
    assert all(torch.equal(before[k], v) for k, v in network.backbone.state_dict().items())


@pytest.mark.parametrize("case", CASES)
def test_explain_agrees_with_autograd(case):
    name, classes, size, options = CASES[case]
    network = _settled(name, classes, size, options).double()
    images = torch.rand(2, 3, size, size, dtype=torch.float64)
    logits, maps = network.explain(images)
    torch.testing.assert_close(logits, network(images).double(), rtol=1e-5, atol=1e-5)

    features = network.features(images).detach().requires_grad_()
    original, network.features = network.features, lambda _: features
    plain, _ = network.explain(images)
    network.features = original
    for index in range(classes):
        (gradient,) = torch.autograd.grad(plain[:, index].sum(), features, retain_graph=True)
        weights = gradient.mean((2, 3), keepdim=True)
        expected = torch.relu((weights * features).sum(1))
        torch.testing.assert_close(maps[:, index], expected.detach(), rtol=1e-6, atol=1e-12)
    assert maps.amax() > 0


def test_routing_agrees_with_a_plain_loop_in_float64():
    torch.manual_seed(0)
    capsules = ClassCapsules(3, 16, 32, iterations=4).double()
    primary = squash(torch.randn(2, 40, 16, dtype=torch.float64))
    with torch.no_grad():
        fused = capsules(primary)
    weights = capsules.transform.detach()
    for n in range(2):
        logits = torch.zeros(40, 3, dtype=torch.float64)
        for iteration in range(4):
            totals = torch.zeros(3, 32, dtype=torch.float64)
            for i in range(40):
                coupling = torch.exp(logits[i]) / torch.exp(logits[i]).sum()
                for j in range(3):
                    totals[j] += coupling[j] * (primary[n, i] @ weights[j])
            lengths = totals.norm(dim=1, keepdim=True)
            outputs = lengths**2 / (1 + lengths**2) * totals / (lengths**2 + 1e-7).sqrt()
            if iteration < 3:
                for i in range(40):
                    for j in range(3):
                        logits[i, j] += (primary[n, i] @ weights[j]) @ outputs[j]
        torch.testing.assert_close(fused[n], outputs)


def test_squash_stays_below_one_and_survives_zero():
    vectors = torch.tensor([[0.0, 0.0], [1e-9, 0.0], [3.0, 4.0], [1e6, 0.0]], requires_grad=True)
    squashed = squash(vectors)
    assert (squashed.norm(dim=1) <= 1).all()
    squashed.sum().backward()
    assert torch.isfinite(vectors.grad).all()


def test_a_network_that_does_not_exist_names_those_that_do():
    with pytest.raises(RecipeError, match=r"'resnet9000'.*densenet_capsnet, li_cnn"):
        create("resnet9000", classes=3, size=224, options={})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("densenet_capsnet", {"backbone": 7}),
        ("densenet_capsnet", {"backbone": "121"}),
        ("densenet_capsnet", {"iterations": 2.5}),
        ("densenet_capsnet", {"iterations": True}),
        ("densenet_capsnet", {"frozen": "no"}),
        ("densenet_capsnet", {"frozen": 0}),
        ("li_cnn", {"layers": 3}),
        ("li_cnn", {"bad\nkey": 3}),
        ("li_cnn", {"dropout": 2}),
        ("li_cnn", {"size": 64}),
    ],
)
def test_an_impossible_option_is_refused(name, options):
    with pytest.raises(RecipeError, match=name) as caught:
        create(name, classes=3, size=64, options=options)
    assert "\n" not in str(caught.value)


def test_a_whole_number_will_do_where_a_fraction_is_asked_for():
    network = create("li_cnn", classes=3, size=32, options={"dropout": 0})
    assert {m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)} <= {0}
