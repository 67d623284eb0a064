"""OpenVINO: a faster engine on x86-64 processors, from the extra ``[fast]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import InputError
from pneumoscope.inference.cores import available_cores
from pneumoscope.inference.engines.signature import INPUT, Node

# Of what the graph leaves open: an int8 graph says itself what is in int8.
_PRECISIONS = {"fp32": "f32", "int8": "f32", "bf16": "bf16"}
_DEVICE, _CAPABILITIES = "CPU", "OPTIMIZATION_CAPABILITIES"
# The key under which a tensor of an ONNX graph names the file that holds its values.
_ELSEWHERE = b"location"


class OpenVinoGraph:
    """A graph in the hands of OpenVINO; see `engine.LoadedGraph`."""

    def __init__(self, graph: bytes, precision: str, threads: int) -> None:
        library = _import()
        self.version: str = library.__version__.partition("-")[0]
        # OpenVINO would read weights outside the verified graph without a word.
        if _ELSEWHERE in graph:
            raise ValueError("the graph may refer to weights elsewhere")
        # As many answers at a time as threads allow, each with cores of its own.
        at_once = max(1, available_cores() // threads)
        core = library.Core()
        if precision == "bf16" and "BF16" not in core.get_property(_DEVICE, _CAPABILITIES):
            raise InputError(
                "precision 'bf16': this processor does not have it; leave the precision out"
            )
        model = core.read_model(graph)
        # Told before it is compiled: afterwards an output may have further names.
        self.inputs: Sequence[Node] = [_node(told) for told in model.inputs]
        self.outputs: Sequence[Node] = [_node(told) for told in model.outputs]
        self._places = {node.name: place for place, node in enumerate(self.outputs)}
        self._compiled = core.compile_model(
            model,
            _DEVICE,
            {
                # Without it the library would choose half precision where the processor has it.
                "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
                "NUM_STREAMS": at_once,
                "INFERENCE_NUM_THREADS": at_once * threads,
                # Pinned, two processes would share the first cores and leave the others idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        # One for each thread that has asked at the same time so far; each runs one thing at a time.
        self._free: list[Any] = []

    def run(self, images: NDArray[np.float32], names: Sequence[str]) -> list[NDArray[np.float32]]:
        """Give the outputs of these names for images (n, channels, size, size)."""
        try:
            request = self._free.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        answers = request.infer({INPUT: images})  # copies
        found = [np.asarray(answers[self._places[name]]) for name in names]
        self._free.append(request)
        return found


def _import() -> Any:
    """Import the library without what tells its makers of the import, over the network."""
    try:
        with _not_importable("openvino_telemetry"):
            import openvino
    except ImportError:
        raise InputError(
            "engine openvino: is not installed; install pneumoscope[fast], or leave the engine out"
        ) from None
    return openvino


@contextmanager
def _not_importable(module: str) -> Iterator[None]:
    """Make an import of a module fail that was not imported yet; its users must do without."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


def _node(told: Any) -> Node:
    shape = tuple(None if size.is_dynamic else size.get_length() for size in told.partial_shape)
    return Node(told.any_name, shape, told.element_type.get_type_name() == "f32")
