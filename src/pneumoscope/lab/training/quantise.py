"""A graph in int8: its convolutions, calibrated on training images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.quant_utils import add_pre_process_metadata


def quantise(graph: bytes, images: NDArray[np.float32]) -> bytes:
    """Quantise the convolutions of a graph, but for the first and those by channel.

    All else stays in single precision. The first convolution sees a grey image in three channels,
    where large weights cancel out and their errors do not; one by channel (depthwise) has few
    products, and channels of very different ranges.

    Weights have a scale for each output channel, and 7 of 8 bits: processors without int8 products
    of their own add two products up in 16 bits, which would overflow, and the same graph would
    answer otherwise on another machine.

    Parameters
    ----------
    graph : bytes
        From `graph.to_graph`.
    images : ndarray of float32, shape (n, channels, size, size)
        Training images, from which the ranges of the activations are taken.

    Returns
    -------
    bytes
        A graph with the same input and outputs.
    """
    with tempfile.TemporaryDirectory() as place:
        plain, quantised = Path(place) / "plain.onnx", Path(place) / "quantised.onnx"
        _fold(graph, plain)
        quantize_static(
            plain,
            quantised,
            _Images(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=_left_out(onnx.load(plain)),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(quantised)
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _fold(graph: bytes, target: Path) -> None:
    """Widen the stored weights, and join normalisations with their convolutions."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    model = onnx.load(target)
    # Or it would be advised, on the user's terminal, to do what was just done.
    add_pre_process_metadata(model)
    onnx.save(model, target)


def _left_out(model: onnx.ModelProto) -> list[str]:
    """Name the first convolution, and those with several groups of channels."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    grouped = [
        node.name
        for node in convolutions
        if any(told.name == "group" and told.i > 1 for told in node.attribute)
    ]
    return [*(node.name for node in convolutions[:1]), *grouped]


class _Images(CalibrationDataReader):  # type: ignore[misc]
    """Hands the images over one by one."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self._left: Iterator[NDArray[np.float32]] = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Give the next image, or None."""
        image = next(self._left, None)
        return None if image is None else {"images": image[np.newaxis]}
