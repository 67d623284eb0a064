"""A trained network of pictures as an ONNX graph: the segmenter, the picture check."""

from __future__ import annotations

import io
import logging
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from pneumoscope.errors import PneumoscopeError
from pneumoscope.inference import LUNG_INPUT, LUNG_OUTPUT

TOLERANCE = 1e-3
"""By which a logit of the graph may differ from the network's."""


def to_graph(network: nn.Module, size: int, output: str = LUNG_OUTPUT) -> bytes:
    """Export the network: `images` (n, 1, size, size) to what it answers.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    size : int
        Side of the input in pixels.
    output : str
        Name of the graph's output.
    """
    for name in ("torch.onnx", "torch.export"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            network,
            (torch.rand(2, 1, size, size),),
            dynamo=True,
            input_names=[LUNG_INPUT],
            output_names=[output],
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1, max=4096)}},
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    _forget_origin(model)
    onnx.checker.check_model(model)
    stream = io.BytesIO()
    onnx.save_model(model, stream)
    return stream.getvalue()


def check_parity(network: nn.Module, graph: bytes, images: NDArray[np.float32]) -> float:
    """Compare a graph with its network.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    graph : bytes
        From `to_graph`.
    images : ndarray of float32, shape (n, 1, size, size)

    Returns
    -------
    float
        Largest difference of a logit.

    Raises
    ------
    PneumoscopeError
        It is above `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {LUNG_INPUT: images})
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    difference = float(np.abs(found - expected).max())
    # Written so that a graph that answers "not a number" is refused, too.
    if not difference <= TOLERANCE:
        raise PneumoscopeError(
            f"the exported graph differs from the network by {difference:.1e}; nothing was written"
        )
    return difference


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
