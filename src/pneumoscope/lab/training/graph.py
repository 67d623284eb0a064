"""A network as an ONNX graph: logits and Grad-CAM of every class, weights in half precision."""

from __future__ import annotations

import io
import logging
import warnings
from itertools import chain

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from pneumoscope.lab.networks import Network

# Below this many elements half precision saves nothing worth a node.
SMALL = 1024


class _Explained(nn.Module):
    """A network whose forward pass also explains."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.explain(images)


def round_to_half(network: Network) -> None:
    """Round large weights and running statistics to half precision in place, as the graph does.

    Rounding before calibration and evaluation makes every figure belong to the exported network.
    """
    with torch.no_grad():
        for values in chain(network.parameters(), network.buffers()):
            if values.is_floating_point() and values.numel() >= SMALL:
                values.copy_(values.half().float())


def to_graph(network: Network, size: int) -> bytes:
    """Export a network to ONNX.

    Parameters
    ----------
    network : Network
        In evaluation mode, its weights rounded by `round_to_half`.
    size : int
        Side of the square input in pixels.

    Returns
    -------
    bytes
        One self-contained graph: `images` (n, 3, size, size) to `logits` (n, classes) and
        `activation_maps` (n, classes, rows, columns). Large weights are stored in half precision
        and cast back when the graph is loaded.
    """
    # What the exporter says of itself is for programmers; `parity` says whether it did well.
    for name in ("torch.onnx", "torch.export"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            _Explained(network).eval(),
            (torch.rand(2, 3, size, size),),
            dynamo=True,
            input_names=["images"],
            output_names=["logits", "activation_maps"],
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1, max=1024)}},
            # The optimiser would fold normalisations into weights that are rounded already.
            optimize=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    _forget_origin(model)
    _store_in_half(model)
    onnx.checker.check_model(model)
    stream = io.BytesIO()
    onnx.save_model(model, stream)
    return stream.getvalue()


def parity(network: Network, graph: bytes, images: NDArray[np.float32]) -> tuple[float, float]:
    """Compare a graph with the network that it was made from.

    Parameters
    ----------
    network : Network
    graph : bytes
        From `to_graph`.
    images : ndarray of float32, shape (n, 3, size, size)

    Returns
    -------
    logits, maps : float
        Largest absolute difference, for the maps as a share of the largest value.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    logits, maps = session.run(["logits", "activation_maps"], {"images": images})
    with torch.no_grad():
        expected_logits, expected_maps = network.explain(torch.from_numpy(images))
    scale = max(float(expected_maps.max()), 1e-12)
    return (
        float(np.abs(logits - expected_logits.numpy()).max()),
        float(np.abs(maps - expected_maps.numpy()).max()) / scale,
    )


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: stack traces with paths of the machine that exported."""
    graph = model.graph
    del model.metadata_props[:]
    for part in (
        graph,
        *graph.node,
        *graph.value_info,
        *graph.initializer,
        *graph.input,
        *graph.output,
    ):
        del part.metadata_props[:]
        part.doc_string = ""


def _store_in_half(model: onnx.ModelProto) -> None:
    """Store large float weights in half precision, each with a cast back to single."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALL:
            continue
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
