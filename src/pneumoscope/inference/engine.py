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
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
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

    def predict(self, radiograph: Radiograph, *, explain: bool = True) -> Prediction:
        """Answer for one radiograph.

        Parameters
        ----------
        radiograph : Radiograph
            As read by `imaging.read_radiograph`.
        explain : bool
            Whether to compute the activation maps.

        Returns
        -------
        Prediction
        """
        images = to_input(radiograph.pixels, self.spec)[np.newaxis]
        options = onnxruntime.RunOptions()
        if not explain:
            options.add_run_config_entry("only_execute_path_to_fetches", "1")
        wanted = [LOGITS, MAPS] if explain else [LOGITS]
        outputs = self._session.run(wanted, {INPUT: images}, options)
        return Prediction(
            classes=self.bundle.description.classes,
            logits=outputs[0][0].astype(np.float64),
            activation_maps=outputs[1][0] if explain else None,
        )

    def _check_signature(self) -> None:
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        classes, spec = len(self.bundle.description.classes), self.spec
        fits = (
            list(inputs) == [INPUT]
            and inputs[INPUT][1:] == [spec.channels, spec.size, spec.size]
            and set(outputs) == {LOGITS, MAPS}
            and outputs[LOGITS][1:] == [classes]
            and outputs[MAPS][1:2] == [classes]
        )
        if not fits:
            raise BundleError(
                f"{self.bundle.folder}: the graph does not fit bundle.json; export it again"
            )
