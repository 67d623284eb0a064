from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from pneumoscope.lab.lungs.network import LungNet

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("size", [64, 128])
def test_two_lungs_at_the_inputs_size(size):
    network = LungNet().eval()
    with torch.no_grad():
        logits = network(torch.rand(3, 1, size, size))
    assert logits.shape == (3, 2, size, size)


def test_every_weight_takes_part():
    network = LungNet()
    network(torch.rand(2, 1, 64, 64)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_a_pixel_sees_the_whole_chest():
    network = LungNet().eval()
    image = torch.rand(1, 1, 128, 128, requires_grad=True)
    network(image)[0, :, 64, 64].sum().backward()
    seen = torch.nonzero(image.grad[0, 0])
    assert (seen.max(0).values - seen.min(0).values).min() >= 100
