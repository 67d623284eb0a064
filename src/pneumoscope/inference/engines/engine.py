"""What every engine does, and what a library must offer to be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle
from pneumoscope.errors import BundleError, InputError
from pneumoscope.findings import EngineInfo, Prediction, Radiograph
from pneumoscope.imaging import to_input
from pneumoscope.inference.engines.signature import (
    AGE_GROUPS,
    DISTANCE,
    EVIDENCE,
    LOGITS,
    MAPS,
    Node,
    expected_outputs,
    fits,
)

MOST_AT_ONCE = 16
"""Images that a graph is given at once: more are no faster on a processor, and cost memory."""


class Engine(Protocol):
    """A bundle's network, ready to answer. Thread-safe."""

    @property
    def info(self) -> EngineInfo:
        """What runs the network, and how."""
        ...

    def predict(self, images: Sequence[Radiograph]) -> list[Prediction]:
        """Answer for some radiographs, in their order.

        Parameters
        ----------
        images : sequence of Radiograph
            As read by `imaging.read_radiograph`; any number, also none.

        Returns
        -------
        list of Prediction
            The answer to an image does not depend on those beside it, but for the last digits of
            single precision.

        Raises
        ------
        BundleError
            The graph fails on an image, or answers with something that is no prediction.
        """
        ...


class LoadedGraph(Protocol):
    """A graph in the hands of a library. Thread-safe.

    Attributes
    ----------
    version : str
        Of the library.
    inputs, outputs : sequence of Node
    """

    version: str
    inputs: Sequence[Node]
    outputs: Sequence[Node]

    def run(self, images: NDArray[np.float32], names: Sequence[str]) -> list[NDArray[np.float32]]:
        """Give the outputs of these names for images (n, channels, size, size)."""
        ...


Load = Callable[[bytes, str, int], LoadedGraph]
"""From a verified ONNX graph, a precision and a number of threads; raises what the library does.

It must not read anything outside the graph: weights elsewhere are not verified.
"""


class GraphEngine:
    """An `Engine` that runs the bundle's graph with a library.

    Parameters
    ----------
    bundle : Bundle
        A verified bundle. Its graph takes `images` (n, channels, size, size) and gives `logits`
        (n, classes) and `activation_maps` (n, classes, rows, columns), the Grad-CAM of every
        class written as forward operations, so that no training framework is needed; either may
        have a further axis (n, age groups, ...) for heads of each group. It gives exactly those of
        the other outputs that the description calls for: `evidence` (n, evidence classes, rows,
        columns), `age_group_logits` and `distance` (n, age groups).
    load : callable
        See `Load`.
    name, precision : str
        Of the engine; see `EngineInfo`.
    threads : int
        Cores for one answer.

    Raises
    ------
    BundleError
        The graph cannot be loaded or is not of this shape.
    InputError
        The library is not installed.
    """

    def __init__(
        self, bundle: Bundle, load: Load, *, name: str, precision: str, threads: int
    ) -> None:
        self.bundle = bundle
        self._spec = bundle.description.input.spec()
        self._names = list(expected_outputs(bundle.description))
        try:
            self._graph = load(bundle.graph, precision, threads)
        except InputError:
            raise
        except Exception:
            # The libraries raise classes of their own, without a common base.
            raise BundleError(
                f"{bundle.folder}: the graph cannot be loaded; export the bundle again"
            ) from None
        if not fits(bundle.description, self._graph.inputs, self._graph.outputs):
            raise BundleError(
                f"{bundle.folder}: the graph does not fit bundle.json; export it again"
            )
        self._info = EngineInfo(name, self._graph.version, precision, threads)

    @property
    def info(self) -> EngineInfo:
        """What runs the network, and how."""
        return self._info

    def predict(self, images: Sequence[Radiograph]) -> list[Prediction]:
        """Answer for some radiographs; see `Engine.predict`."""
        return [each for some in self._parts(images) for each in self._answer(some)]

    def _parts(self, images: Sequence[Radiograph]) -> Iterator[Sequence[Radiograph]]:
        """Part the images into as many as the graph takes at once."""
        at_once = MOST_AT_ONCE if self._graph.inputs[0].shape[0] is None else 1
        for first in range(0, len(images), at_once):
            yield images[first : first + at_once]

    def _answer(self, images: Sequence[Radiograph]) -> Iterator[Prediction]:
        inputs = np.stack([to_input(image.pixels, self._spec) for image in images])
        try:
            answers = self._graph.run(inputs, self._names)
        except Exception:
            raise BundleError(
                f"{self.bundle.folder}: the graph fails on an image; export the bundle again"
            ) from None
        for outputs in zip(*answers, strict=True):
            try:
                yield self._prediction(dict(zip(self._names, outputs, strict=True)))
            except ValueError as error:
                raise BundleError(
                    f"{self.bundle.folder}: {error}; export the bundle again"
                ) from None

    def _prediction(self, outputs: dict[str, NDArray[np.float32]]) -> Prediction:
        """Give every age group a head of its own, and the numbers their precision."""
        classes = self.bundle.description.classes
        heads = (len(self.bundle.description.age_groups), len(classes))
        choice, distance = outputs.get(AGE_GROUPS), outputs.get(DISTANCE)
        return Prediction(
            classes=classes,
            logits=np.broadcast_to(outputs[LOGITS].astype(np.float64), heads),
            activation_maps=np.broadcast_to(outputs[MAPS], (*heads, *outputs[MAPS].shape[-2:])),
            evidence=outputs.get(EVIDENCE),
            age_group_logits=None if choice is None else choice.astype(np.float64),
            distance=None if distance is None else distance.astype(np.float64),
        )
