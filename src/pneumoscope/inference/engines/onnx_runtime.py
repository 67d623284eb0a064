"""ONNX Runtime: the engine of the plain install."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pneumoscope.inference.engines.signature import INPUT, Node


class OnnxRuntimeGraph:
    """A graph in the hands of ONNX Runtime; see `engine.LoadedGraph`.

    Stored half-precision weights are widened when it is loaded. The precision is the graph's own.
    """

    version: str = onnxruntime.__version__

    def __init__(self, graph: bytes, precision: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # Weights outside the verified graph are refused: nothing can lie in a folder of this name.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", os.devnull
        )
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self.inputs: Sequence[Node] = [_node(told) for told in self._session.get_inputs()]
        self.outputs: Sequence[Node] = [_node(told) for told in self._session.get_outputs()]

    def run(self, images: NDArray[np.float32], names: Sequence[str]) -> list[NDArray[np.float32]]:
        """Give the outputs of these names for images (n, channels, size, size)."""
        return list(self._session.run(list(names), {INPUT: images}))


def _node(told: onnxruntime.NodeArg) -> Node:
    shape = tuple(size if isinstance(size, int) else None for size in told.shape)
    return Node(told.name, shape, told.type == "tensor(float)")
