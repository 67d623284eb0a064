"""Running a bundle's network with ONNX Runtime."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime

from pneumoscope.bundles import Bundle
from pneumoscope.errors import BundleError
from pneumoscope.findings import Prediction, Radiograph
from pneumoscope.imaging import to_input

INPUT, LOGITS, MAPS = "images", "logits", "activation_maps"


class OnnxEngine:
    """A bundle's network, ready to answer. Thread-safe: sessions may be run in parallel.

    Parameters
    ----------
    bundle : Bundle
        A verified bundle. Its graph takes `images` (n, channels, size, size) and gives `logits`
        (n, classes) and `activation_maps` (n, classes, rows, columns), the Grad-CAM of every
        class written as forward operations, so that no training framework is needed.
    threads : int or None
        Cores for one answer; None for all that this process may use.

    Raises
    ------
    BundleError
        The graph cannot be loaded or is not of this shape.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        self.bundle = bundle
        self.spec = bundle.description.input.spec()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or available_cores()
        # Weights outside the verified graph are refused: nothing can lie in a folder of this name.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", os.devnull
        )
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception:
            # The runtime raises classes of its own, without a common base.
            raise BundleError(
                f"{bundle.folder}: the graph cannot be loaded; export the bundle again"
            ) from None
        self._check_signature()

    def predict(self, radiograph: Radiograph) -> Prediction:
        """Answer for one radiograph.

        Parameters
        ----------
        radiograph : Radiograph
            As read by `imaging.read_radiograph`.

        Returns
        -------
        Prediction

        Raises
        ------
        BundleError
            The graph fails on the image, or answers with something that is no prediction.
        """
        images = to_input(radiograph.pixels, self.spec)[np.newaxis]
        try:
            logits, maps = self._session.run([LOGITS, MAPS], {INPUT: images})
        except Exception:
            raise BundleError(
                f"{self.bundle.folder}: the graph fails on an image; export the bundle again"
            ) from None
        try:
            return Prediction(
                classes=self.bundle.description.classes,
                logits=logits[0].astype(np.float64),
                activation_maps=maps[0],
            )
        except ValueError as error:
            raise BundleError(f"{self.bundle.folder}: {error}; export the bundle again") from None

    def _check_signature(self) -> None:
        nodes = [*self._session.get_inputs(), *self._session.get_outputs()]
        shapes = {node.name: node.shape for node in nodes}
        classes, spec = len(self.bundle.description.classes), self.spec
        fits = (
            [node.name for node in self._session.get_inputs()] == [INPUT]
            and set(shapes) == {INPUT, LOGITS, MAPS}
            and all(node.type == "tensor(float)" for node in nodes)
            and shapes[INPUT][1:] == [spec.channels, spec.size, spec.size]
            and shapes[LOGITS][1:] == [classes]
            and shapes[MAPS][1:2] == [classes]
            and len(shapes[MAPS]) == 4
        )
        if not fits:
            raise BundleError(
                f"{self.bundle.folder}: the graph does not fit bundle.json; export it again"
            )


def available_cores() -> int:
    """Cores that this process may use; where the system cannot say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
