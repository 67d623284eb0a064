"""A network as an ONNX graph: all outputs that its bundle has, weights in half precision."""

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
from onnxscript import optimizer
from torch import Tensor, nn

from pneumoscope.lab.networks import Network
from pneumoscope.lab.training.distance import Distance

# Below this many elements half precision saves nothing worth a node.
SMALL = 1024
# Of outputs without a scale of their own, what differences are a share of: the largest value, or
# this where it is less.
_SCALED = {"activation_maps": 1e-12, "distance": 1.0}
# Its products of small numbers with large ones would not survive half precision.
_IN_FULL = "distance."


class Exported(nn.Module):
    """A network with exactly the outputs that its bundle has.

    Parameters
    ----------
    network : Network
        In evaluation mode, its weights rounded by `round_to_half`.
    evidence, age_groups : bool
        Whether the bundle has evidence maps, or several age groups that the network tells apart.
    distance : Distance or None
        Of the network's embedding from the training images.

    Attributes
    ----------
    names : tuple of str
        Of the outputs, in their order.
    """

    def __init__(
        self,
        network: Network,
        *,
        evidence: bool = False,
        age_groups: bool = False,
        distance: Distance | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.distance = distance
        wanted = {
            "logits": True,
            "activation_maps": True,
            "evidence": evidence,
            "age_group_logits": age_groups,
            "distance": distance is not None,
        }
        self.names = tuple(name for name, there in wanted.items() if there)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Give the outputs of images (n, 3, size, size), in the order of `names`."""
        outputs = self.network.outputs(images)
        if self.distance is not None:
            outputs["distance"] = self.distance(outputs["embedding"])
        return tuple(outputs[name] for name in self.names)


def round_to_half(network: Network) -> None:
    """Round large weights and running statistics to half precision in place, as the graph does.

    Rounding before calibration and evaluation makes every figure belong to the exported network.
    """
    with torch.no_grad():
        for values in chain(network.parameters(), network.buffers()):
            if values.is_floating_point() and values.numel() >= SMALL:
                values.copy_(values.half().float())


def to_graph(exported: Exported, size: int) -> bytes:
    """Export a network to ONNX.

    Parameters
    ----------
    exported : Exported
    size : int
        Side of the square input in pixels.

    Returns
    -------
    bytes
        One self-contained graph: `images` (n, 3, size, size) to the outputs. Large weights of the
        network are stored in half precision and cast back when the graph is loaded.
    """
    # What the exporter says of itself is for programmers; `parity` says whether it did well.
    for name in ("torch.onnx", "torch.export"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            exported.eval(),
            (torch.rand(2, 3, size, size),),
            dynamo=True,
            input_names=["images"],
            output_names=list(exported.names),
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1, max=1024)}},
            # Not yet: it would fold normalisations into weights that are rounded already.
            optimize=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    _forget_origin(model)
    _store_in_half(model)
    # Folded shapes let the runtime join paddings and normalisations with their convolutions: it
    # then answers three times as fast. The casts keep the rounded weights as they are.
    model = optimizer.optimize(model)
    onnx.checker.check_model(model)
    stream = io.BytesIO()
    onnx.save_model(model, stream)
    return stream.getvalue()


def parity(exported: Exported, graph: bytes, images: NDArray[np.float32]) -> dict[str, float]:
    """Compare a graph with the network that it was made from.

    Parameters
    ----------
    exported : Exported
    graph : bytes
        From `to_graph`.
    images : ndarray of float32, shape (n, 3, size, size)

    Returns
    -------
    dict of str to float
        By output, the largest absolute difference; for `activation_maps` and `distance`, which have
        no scale of their own, as a share of the largest value (for the latter at least 1).
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(list(exported.names), {"images": images})
    with torch.no_grad():
        expected = [values.numpy() for values in exported(torch.from_numpy(images))]
    differences = {}
    for name, ours, theirs in zip(exported.names, expected, found, strict=True):
        scale = max(float(ours.max()), _SCALED[name]) if name in _SCALED else 1.0
        differences[name] = float(np.abs(theirs - ours).max()) / scale
    return differences


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
        if name.startswith(_IN_FULL):
            continue
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
