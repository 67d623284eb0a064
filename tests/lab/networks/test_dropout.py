"""The fast dropout does what torch's does: rate, mean, gradient, seed, layout."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.lab.networks import create  # noqa: E402
from pneumoscope.lab.networks.dropout import FastDropout  # noqa: E402

pytestmark = pytest.mark.lab


def _drop(p, values, seed=0):
    torch.manual_seed(seed)
    return FastDropout(p).train()(values)


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5, 0.9])
def test_rate_and_mean(p):
    count = 400_000
    dropped = _drop(p, torch.ones(count))
    kept = dropped[dropped > 0]
    error = 5 * (p * (1 - p) / count) ** 0.5
    assert 1 - len(kept) / count == pytest.approx(p, abs=error)
    assert kept.unique().numel() == 1
    assert kept[0].item() == pytest.approx(1 / (1 - p), rel=1e-3)
    assert dropped.mean().item() == pytest.approx(1, abs=error / (1 - p))


def test_every_element_of_a_draw_is_as_likely_and_independent():
    count = 400_000
    dropped = (_drop(0.5, torch.ones(count)) == 0).double().unflatten(0, (-1, 4))
    error = 5 * (0.25 / len(dropped)) ** 0.5
    assert dropped.mean(0).sub(0.5).abs().max() < error
    together = dropped.T @ dropped / len(dropped)
    assert together[~torch.eye(4, dtype=torch.bool)].sub(0.25).abs().max() < error


def test_the_gradient_is_the_mask():
    values = torch.rand(7, 5, 3, 3).add(1).requires_grad_()
    dropped = _drop(0.3, values)
    dropped.sum().backward()
    torch.testing.assert_close(values.grad, (dropped / values).detach())


def test_a_seed_gives_the_mask_again():
    values = torch.ones(1000)
    assert torch.equal(_drop(0.5, values, seed=3), _drop(0.5, values, seed=3))
    assert not torch.equal(_drop(0.5, values, seed=3), _drop(0.5, values, seed=4))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (2, 3), (2, 3, 5, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_any_shape_and_precision(shape, dtype):
    dropped = _drop(0.5, torch.ones(shape, dtype=dtype))
    assert (dropped.shape, dropped.dtype) == (shape, dtype)


def test_the_memory_layout_stays():
    values = torch.rand(2, 8, 4, 4).to(memory_format=torch.channels_last)
    assert _drop(0.5, values).is_contiguous(memory_format=torch.channels_last)
    sliced = torch.rand(4, 6)[:, ::2]
    dropped = _drop(0.5, sliced)
    torch.testing.assert_close(dropped[dropped > 0], 2 * sliced[dropped > 0])


def test_nothing_is_dropped_in_evaluation_or_at_rate_0_and_all_at_rate_1():
    values = torch.rand(100)
    assert torch.equal(FastDropout(0.5).eval()(values), values)
    assert torch.equal(_drop(0.0, values), values)
    assert torch.equal(_drop(1.0, values), torch.zeros(100))
    with pytest.raises(ValueError, match="probability"):
        FastDropout(1.1)


def test_the_network_keeps_its_weights_names():
    network = create("li_cnn", classes=2, size=32, options={})
    fast = [m for m in network.modules() if isinstance(m, FastDropout)]
    assert len(fast) == 5
    assert not any("dropout" in name for name in network.state_dict())
