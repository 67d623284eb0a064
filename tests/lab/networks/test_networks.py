"""Every registered network: shape, Grad-CAM against autograd, and what it is before its dropout."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.lab.networks import create, names  # noqa: E402
from pneumoscope.lab.networks.evidence import EvidenceNetwork  # noqa: E402

pytestmark = pytest.mark.lab

CASES = {
    "li_cnn": ("li_cnn", 2, 64, {}),
    "capsules": ("densenet_capsnet", 3, 96, {"backbone": 121}),
    "capsules-plain": ("densenet_capsnet", 3, 64, {"backbone": 121, "extra_convolution": False}),
    "capsules-own": ("densenet_capsnet", 3, 96, {"backbone": 121, "shared_transform": False}),
    "fc": ("densenet_fc", 3, 96, {"backbone": 121}),
    "fc-plain": ("densenet_fc", 2, 64, {"backbone": 121, "extra_convolution": False}),
    "resnet152": ("resnet152", 2, 64, {}),
    "inception_v3": ("inception_v3", 3, 111, {}),
    "lite": ("efficientnet_lite", 3, 64, {"variant": 0}),
    "lite-capsules": ("efficientnet_lite", 3, 64, {"variant": 1, "head": "capsules"}),
    "vision_transformer": ("vision_transformer", 3, 48, {}),
}
# A network that is not among them is tested as it is.
CASES |= {n: (n, 3, 96, {}) for n in names() if n not in {case[0] for case in CASES.values()}}
PENALISED = {"densenet_capsnet", "densenet_fc"}


@pytest.fixture(scope="module", params=CASES)
def case(request, settled):
    name, classes, size, options = CASES[request.param]
    return settled(name, classes, size, options), classes, size


def test_shapes_and_the_vector_before_the_dropout(case):
    network, classes, size = case
    images = torch.rand(2, 3, size, size)
    with torch.no_grad():
        features, units, logits = (f(images) for f in (network.features, network.pooled, network))
        again, maps = network.explain(images)
    assert logits.shape == (2, classes)
    assert maps.shape == (2, classes, *features.shape[2:])
    assert units.shape == (2, network.output.in_features)
    torch.testing.assert_close(network.output(units), logits)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4)


def test_the_dropout_is_all_that_chance_does_in_training(case):
    network, _, size = case
    images = torch.rand(2, 3, size, size)
    assert isinstance(network.dropout, torch.nn.Dropout)
    network.dropout.train()
    try:
        first, second = network(images), network(images)
    finally:
        network.eval()
    assert not torch.equal(first, second)
    assert torch.equal(network(images), network(images))


def test_explain_agrees_with_autograd(case):
    network, classes, size = case
    network = copy.deepcopy(network).double()
    images = torch.rand(2, 3, size, size, dtype=torch.float64)
    features = network.features(images).detach().requires_grad_()
    if isinstance(network, EvidenceNetwork):  # reads the backbone at other depths, too
        depths = network.depths(images)._replace(last=features)
        network.depths = lambda _: depths
    network.features = lambda _: features
    logits = network(images)
    explained, maps = network.explain(images)
    torch.testing.assert_close(explained, logits, rtol=1e-9, atol=1e-9)
    for index in range(classes):
        (gradient,) = torch.autograd.grad(logits[:, index].sum(), features, retain_graph=True)
        weights = gradient.mean((2, 3), keepdim=True)
        expected = torch.relu((weights * features).sum(1))
        torch.testing.assert_close(maps[:, index], expected, rtol=1e-6, atol=1e-12)
    assert maps.amax() > 0


def test_the_penalties_are_on_the_published_linear_layers_only(case):
    network, *_ = case
    kernels = network.penalised_kernels()
    published = any(type(network).__module__.endswith(name) for name in PENALISED)
    assert len(kernels) == (2 if published else 0)
    own = {id(parameter) for parameter in network.parameters()}
    assert all(kernel.dim() == 2 and id(kernel) in own for kernel in kernels)


def test_training_reaches_every_weight(case):
    network, _, size = case
    network.train()
    try:
        images = torch.rand(4, 3, size, size)
        loss = torch.nn.functional.cross_entropy(network(images), torch.tensor([0, 1, 0, 1]))
        loss.backward()
        unreached = [n for n, p in network.named_parameters() if p.grad is None]
    finally:
        network.eval()
        network.zero_grad(set_to_none=True)
    assert torch.isfinite(loss)
    assert not unreached


@pytest.mark.parametrize("name", ["densenet_capsnet", "densenet_fc"])
def test_a_frozen_backbone_keeps_its_weights_and_running_statistics(name):
    network = create(name, classes=3, size=64, options={"backbone": 121, "frozen": True})
    before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
    network.train()
    network(torch.rand(2, 3, 64, 64)).sum().backward()
    assert all(torch.equal(before[k], v) for k, v in network.backbone.state_dict().items())
    assert all(p.grad is None for p in network.backbone.parameters())
    assert all(p.grad is not None for p in network.output.parameters())
