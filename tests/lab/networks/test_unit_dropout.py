"""Dropout by unit: every unit's own rate, the mean as it was, and nothing saved or exported."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.lab.networks import MAX_UNIT_RATE, UnitDropout, create  # noqa: E402

pytestmark = pytest.mark.lab

RATES = st.lists(st.floats(0, MAX_UNIT_RATE), min_size=1, max_size=8)


@settings(max_examples=30)
@given(RATES, st.integers(0, 1000))
def test_every_unit_has_its_rate_and_keeps_its_mean(rates, seed):
    torch.manual_seed(seed)
    rows = 20_000
    values = UnitDropout(rates).train()(torch.ones(rows, len(rates), dtype=torch.float64))
    for unit, rate in zip(values.unbind(1), rates, strict=True):
        error = 6 * math.sqrt(rate * (1 - rate) / rows) + 1e-9
        dropped = (unit == 0).double().mean().item()
        assert dropped == pytest.approx(rate, abs=error)
        assert unit.mean().item() == pytest.approx(1, abs=error / (1 - rate) + 1e-6)
        assert unit[unit > 0].unique().numel() <= 1


def test_the_gradient_is_the_mask_and_a_seed_gives_it_again():
    layer = UnitDropout([0.1, 0.5, 0.9]).train()
    values = torch.rand(50, 3).add(1).requires_grad_()
    torch.manual_seed(3)
    dropped = layer(values)
    dropped.sum().backward()
    torch.testing.assert_close(values.grad, (dropped / values).detach())
    torch.manual_seed(3)
    assert torch.equal(layer(values), dropped)


def test_images_are_dropped_independently():
    torch.manual_seed(0)
    dropped = (UnitDropout([0.5] * 2).train()(torch.ones(40_000, 2)) == 0).double()
    error = 5 * (0.25 / len(dropped)) ** 0.5
    assert (dropped[:, 0] * dropped[:, 1]).mean().item() == pytest.approx(0.25, abs=error)
    assert (dropped[1:, 0] * dropped[:-1, 0]).mean().item() == pytest.approx(0.25, abs=error)


def test_evaluation_leaves_the_values_alone():
    values = torch.rand(5, 2)
    assert UnitDropout([0.9, 0.1]).eval()(values) is values


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_precision_stays(dtype):
    assert UnitDropout([0.5, 0.2]).train()(torch.ones(3, 2, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("rates", [[], [0.5, 1.0], [-0.1], [0.96], [float("nan")]])
def test_impossible_rates_are_refused(rates):
    with pytest.raises(ValueError, match="rates per unit"):
        UnitDropout(rates)


def test_a_network_s_saved_weights_are_the_same_with_and_without():
    plain = create("li_cnn", classes=2, size=32, options={})
    by_unit = create("li_cnn", classes=2, size=32, options={})
    by_unit.dropout = UnitDropout([0.3] * 100)
    assert list(plain.state_dict()) == list(by_unit.state_dict())
    by_unit.load_state_dict(plain.state_dict())
