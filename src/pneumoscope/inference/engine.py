"""Running a bundle's network with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pneumoscope.bundles import Bundle, BundleDescription
from pneumoscope.errors import BundleError
from pneumoscope.findings import EngineInfo, Prediction, Radiograph
from pneumoscope.imaging import to_input

INPUT = "images"
LOGITS, MAPS = "logits", "activation_maps"
EVIDENCE, AGE_GROUPS, DISTANCE = "evidence", "age_group_logits", "distance"

Shape = tuple[int | None, ...]


class OnnxEngine:
    """A bundle's network, ready to answer. Thread-safe: sessions may be run in parallel.

    Parameters
    ----------
    bundle : Bundle
        A verified bundle. Its graph takes `images` (n, channels, size, size) and gives `logits`
        (n, classes) and `activation_maps` (n, classes, rows, columns), the Grad-CAM of every
        class written as forward operations, so that no training framework is needed; either may
        have a further axis (n, age groups, ...) for heads of each group. It gives exactly those of
        the other outputs that the description calls for: `evidence` (n, evidence classes, rows,
        columns), `age_group_logits` and `distance` (n, age groups).
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
        self._outputs = _expected_outputs(bundle.description)
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

    @property
    def info(self) -> EngineInfo:
        """What runs the network; stored half-precision weights are widened when it is loaded."""
        return EngineInfo("onnxruntime", onnxruntime.__version__, "fp32")

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
        names = list(self._outputs)
        try:
            answers = self._session.run(names, {INPUT: images})
        except Exception:
            raise BundleError(
                f"{self.bundle.folder}: the graph fails on an image; export the bundle again"
            ) from None
        try:
            return self._prediction({n: a[0] for n, a in zip(names, answers, strict=True)})
        except ValueError as error:
            raise BundleError(f"{self.bundle.folder}: {error}; export the bundle again") from None

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

    def _check_signature(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        image = [self.spec.channels, self.spec.size, self.spec.size]
        fits = (
            [node.name for node in inputs] == [INPUT]
            and {node.name for node in outputs} == set(self._outputs)
            and all(node.type == "tensor(float)" for node in (*inputs, *outputs))
            and inputs[0].shape[1:] == image
            and all(_is_one_of(node.shape[1:], self._outputs[node.name]) for node in outputs)
        )
        if not fits:
            raise BundleError(
                f"{self.bundle.folder}: the graph does not fit bundle.json; export it again"
            )


def _expected_outputs(described: BundleDescription) -> dict[str, tuple[Shape, ...]]:
    """Name the outputs that a graph must have, with the shapes of one image; None is any number."""
    classes, groups = len(described.classes), len(described.age_groups)
    outputs: dict[str, tuple[Shape, ...]] = {
        LOGITS: ((classes,), (groups, classes)),
        MAPS: ((classes, None, None), (groups, classes, None, None)),
    }
    if described.evidence is not None:
        outputs[EVIDENCE] = ((len(described.evidence.classes), None, None),)
    if groups > 1:
        outputs[AGE_GROUPS] = ((groups,),)
    if described.distance_limits:
        outputs[DISTANCE] = ((groups,),)
    return outputs


def _is_one_of(shape: Sequence[object], allowed: Sequence[Shape]) -> bool:
    return any(
        len(shape) == len(one) and all(b is None or a == b for a, b in zip(shape, one, strict=True))
        for one in allowed
    )


def available_cores() -> int:
    """Cores that this process may use; where the system cannot say, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
