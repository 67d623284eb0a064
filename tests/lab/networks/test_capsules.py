"""The fused routing and its reverse pass against plain loops and autograd, in float64."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.lab.networks import create  # noqa: E402
from pneumoscope.lab.networks.capsules import (  # noqa: E402
    OwnTransforms,
    SharedTransform,
    squash,
    squash_gradient,
)

pytestmark = pytest.mark.lab

IMAGES, CAPSULES, CLASSES, LENGTH, CLASS_LENGTH = 2, 40, 3, 16, 32


def _head(kind, iterations=4):
    torch.manual_seed(0)
    if kind == "shared":
        return SharedTransform(CLASSES, iterations=iterations).double()
    return OwnTransforms(CLASSES, CAPSULES, iterations=iterations).double()


def _transform_of(head, i, j):
    weights = head.transform.detach()
    return weights[j] if weights.dim() == 3 else weights[i, :, j]


def _primary():
    return squash(torch.randn(IMAGES, CAPSULES, LENGTH, dtype=torch.float64))


def _looped(head, primary, iterations):
    """Routing of one image, capsule by capsule, as the publication writes it."""
    logits = torch.zeros(CAPSULES, CLASSES, dtype=torch.float64)
    votes = [
        [primary[i] @ _transform_of(head, i, j) for j in range(CLASSES)] for i in range(CAPSULES)
    ]
    for iteration in range(iterations):
        totals = torch.zeros(CLASSES, CLASS_LENGTH, dtype=torch.float64)
        for i in range(CAPSULES):
            coupling = torch.exp(logits[i]) / torch.exp(logits[i]).sum()
            for j in range(CLASSES):
                totals[j] += coupling[j] * votes[i][j]
        lengths = totals.norm(dim=1, keepdim=True)
        outputs = lengths**2 / (1 + lengths**2) * totals / (lengths**2 + 1e-7).sqrt()
        if iteration < iterations - 1:
            for i in range(CAPSULES):
                for j in range(CLASSES):
                    logits[i, j] += votes[i][j] @ outputs[j]
    return outputs


@pytest.mark.parametrize("iterations", [1, 4])
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_routing_agrees_with_a_plain_loop(kind, iterations):
    head, primary = _head(kind, iterations), _primary()
    with torch.no_grad():
        fused = head(primary)
    for n in range(IMAGES):
        torch.testing.assert_close(fused[n], _looped(head, primary[n], iterations))


@pytest.mark.parametrize("iterations", [1, 2, 4])
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_the_reverse_pass_agrees_with_autograd(kind, iterations):
    head, primary = _head(kind, iterations), _primary().requires_grad_()
    routing = head.route(primary)
    scores = torch.randn(IMAGES, 5, CLASSES, CLASS_LENGTH, dtype=torch.float64)
    carried = head.gradient(routing, scores)
    for t in range(5):
        (expected,) = torch.autograd.grad(
            (routing.output * scores[:, t]).sum(), primary, retain_graph=True
        )
        torch.testing.assert_close(carried[:, t], expected, rtol=1e-9, atol=1e-12)


def test_the_same_transform_for_each_is_the_shared_one():
    shared, own, primary = _head("shared"), _head("own"), _primary()
    with torch.no_grad():
        own.transform.copy_(shared.transform.transpose(0, 1).expand(CAPSULES, -1, -1, -1))
        torch.testing.assert_close(own(primary), shared(primary))


def test_both_kinds_start_equally_wide():
    shared, own = SharedTransform(CLASSES), OwnTransforms(CLASSES, 500)
    assert own.transform.std().item() == pytest.approx(shared.transform.std().item(), rel=0.05)


@pytest.mark.parametrize("size", [64, 70, 95, 96, 97, 128, 150, 161])
def test_there_is_a_transform_for_every_primary_capsule_of_the_size(size):
    options = {"backbone": 121, "shared_transform": False}
    with torch.device("meta"):
        network = create("densenet_capsnet", classes=3, size=size, options=options).eval()
        features = network.features(torch.empty(1, 3, size, size))
    assert network.capsules.transform.shape == (64 * features.shape[2] ** 2, 16, 3, 32)


def test_squash_stays_below_one_and_survives_zero():
    vectors = torch.tensor([[0.0, 0.0], [1e-9, 0.0], [3.0, 4.0], [1e6, 0.0]], requires_grad=True)
    squashed = squash(vectors)
    assert (squashed.norm(dim=1) <= 1).all()
    squashed.sum().backward()
    assert torch.isfinite(vectors.grad).all()
    carried = squash_gradient(vectors, torch.ones(4, 2))
    torch.testing.assert_close(carried, vectors.grad)


def test_no_iteration_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        SharedTransform(3, iterations=0)
