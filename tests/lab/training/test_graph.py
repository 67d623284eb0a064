"""The exported graph: what it stores, and that a wrong one is noticed."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import onnx
import torch
from onnx import TensorProto
from torch import nn

from pneumoscope.lab.training.export import TOLERANCES
from pneumoscope.lab.training.graph import SMALL, Exported, parity, round_to_half
from pneumoscope.lab.training.run import build_network

pytestmark = pytest.mark.lab


def _images(count):
    return np.random.default_rng(0).random((count, 3, 32, 32), dtype=np.float32)


def test_rounding_covers_all_that_is_large_and_is_idempotent():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(40, SMALL), nn.BatchNorm1d(SMALL), nn.Linear(SMALL, 3))
    network[1].running_mean.normal_()
    network[1].running_var.uniform_(0.5, 2)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    round_to_half(network)
    once = {name: values.clone() for name, values in network.state_dict().items()}
    for name, values in once.items():
        if before[name].numel() < SMALL:
            assert torch.equal(values, before[name])
        else:
            assert torch.equal(values, before[name].half().float())
            assert values.dtype == torch.float32
            torch.testing.assert_close(values, before[name], rtol=1e-3, atol=1e-6)
    assert not torch.equal(once["1.running_var"], before["1.running_var"])
    round_to_half(network)
    assert all(torch.equal(values, once[name]) for name, values in network.state_dict().items())


def test_large_weights_are_stored_in_half_and_lose_nothing_more(bundle, finished):
    graph = onnx.load_from_string(bundle.graph)
    large = [t for t in graph.graph.initializer if np.prod(t.dims) >= SMALL]
    assert large
    assert all(t.data_type == TensorProto.FLOAT16 for t in large)
    stored = {
        t.name.removeprefix("network.").removesuffix("_half"): onnx.numpy_helper.to_array(t)
        for t in large
    }
    weights = {k: p for k, p in finished.network.named_parameters() if p.numel() >= SMALL}
    assert set(stored) == set(weights)
    for name, values in weights.items():
        np.testing.assert_array_equal(stored[name].astype(np.float32), values.detach().numpy())


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_graph_agrees_for_any_number_of_images(bundle, finished, count):
    differences = parity(finished.exported, bundle.graph, _images(count))
    assert set(differences) == {"logits", "activation_maps"}
    assert all(far < TOLERANCES[name] for name, far in differences.items())


def test_a_graph_of_other_weights_is_noticed(bundle, finished):
    torch.manual_seed(5)
    other = build_network(finished.recipe).eval()
    differences = parity(Exported(other), bundle.graph, _images(4))
    assert all(far > TOLERANCES[name] for name, far in differences.items())
