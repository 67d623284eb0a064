"""A bundle in other precisions: each calibrated and measured anew, and kept only if as good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pneumoscope.bundles import GRAPH
from pneumoscope.errors import InputError
from pneumoscope.findings import Profile
from pneumoscope.inference import ENGINES, LoadedGraph, available_cores
from pneumoscope.lab.training.age_figures import measure_profiles
from pneumoscope.lab.training.answers import (
    Answers,
    answers_of,
    batches_of,
    groups_of,
    to_answers,
)
from pneumoscope.lab.training.evidence_map import evidence_floor
from pneumoscope.lab.training.finished_run import FinishedRun, distance_limits
from pneumoscope.lab.training.profiles import fit_profiles
from pneumoscope.lab.training.quantise import quantise
from pneumoscope.lab.training.reading import Reading
from pneumoscope.metrics import Estimate, auroc_macro, bootstrap, brier

MARGIN = 0.002
"""How far AUROC and Brier score may be from those in single precision, interval included."""
INT8_GRAPH = "model-int8.onnx"
_CANDIDATES = (
    ("onnxruntime", "int8", INT8_GRAPH),
    ("openvino", "int8", INT8_GRAPH),
    ("openvino", "bf16", GRAPH),
)
_CALIBRATING = 256

FloatArray = NDArray[np.float64]
_Metric = Callable[[FloatArray, NDArray[np.int64], FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Variant:
    """An engine in another precision than single, tried on a run's report part.

    Attributes
    ----------
    engine, precision, graph : str
        See `bundles.description.VariantSection`.
    auroc, brier : mapping of str to Estimate
        By age group, the difference from single precision, paired by patient: of the mean
        one-vs-rest AUROC, and of the Brier score of the calibrated probabilities.
    profiles : tuple of Profile
        Calibrated for it, with their rates on the report part.
    distance_limits : mapping of str to float
    evidence_floor : float or None
    margin : float
        How large the differences may be.
    """

    engine: str
    precision: str
    graph: str
    auroc: Mapping[str, Estimate]
    brier: Mapping[str, Estimate]
    profiles: tuple[Profile, ...]
    distance_limits: Mapping[str, float]
    evidence_floor: float | None
    margin: float

    @property
    def taken(self) -> bool:
        """Whether it is shown to be as good: every interval lies within the margin."""
        differences = (*self.auroc.values(), *self.brier.values())
        return all(is_within(each, self.margin) for each in differences)


def is_within(difference: Estimate, margin: float) -> bool:
    """Whether the whole interval lies within `margin` of 0; without one nothing is shown."""
    if difference.low is None or difference.high is None:
        return False
    return -margin <= difference.low and difference.high <= margin


def differences(
    ours: FloatArray,
    single: FloatArray,
    true: NDArray[np.int64],
    patients: list[str],
) -> tuple[Estimate, Estimate]:
    """Differences of AUROC and Brier score from single precision, with paired intervals.

    Parameters
    ----------
    ours, single : ndarray of float64, shape (images, classes)
        Calibrated probabilities of the same images.
    true : ndarray of int64, shape (images,)
    patients : list of str
        Of each image.

    Returns
    -------
    (Estimate, Estimate)
        Ours minus single: mean one-vs-rest AUROC, and Brier score.
    """

    def apart(metric: _Metric, weights: FloatArray) -> FloatArray:
        return metric(ours, true, weights) - metric(single, true, weights)

    metrics: dict[str, _Metric] = {"auroc": auroc_macro, "brier": brier}
    found = bootstrap({name: partial(apart, each) for name, each in metrics.items()}, patients)
    return found["auroc"], found["brier"]


def try_variants(
    finished: FinishedRun, graph: bytes, *, margin: float = MARGIN
) -> tuple[dict[str, bytes], tuple[Variant, ...]]:
    """Try every engine and precision that this machine can run.

    Parameters
    ----------
    finished : FinishedRun
    graph : bytes
        The bundle's own.
    margin : float
        See `Variant`.

    Returns
    -------
    dict of str to bytes
        The further graphs that the variants taken run, by file name.
    tuple of Variant
        Those that were tried, also where they are not taken.
    """
    graphs = {GRAPH: graph, INT8_GRAPH: quantise(graph, _calibration_images(finished))}
    report = finished.data.split.indices("report")
    single = answers_of(finished.network, finished.data, finished.recipe, report)
    tried = []
    for engine, precision, name in _CANDIDATES:
        try:
            loaded = ENGINES[engine](graphs[name], precision, available_cores())
        except InputError:
            continue  # not installed, or not on this processor
        tried.append(_try(finished, loaded, (engine, precision, name), single, margin))
    used = {variant.graph for variant in tried if variant.taken} - {GRAPH}
    return {name: graphs[name] for name in used}, tuple(tried)


def _try(
    finished: FinishedRun,
    loaded: LoadedGraph,
    named: tuple[str, str, str],
    single: Answers,
    margin: float,
) -> Variant:
    """Calibrate on the calibrate part, measure on the report part."""
    recipe, data = finished.recipe, finished.data
    calibrating, far = _answers(finished, loaded, data.split.indices("calibrate"))
    report = data.split.indices("report")
    answers, _ = _answers(finished, loaded, report)
    fitted = tuple(each.profile for each in fit_profiles(recipe, data, calibrating).profiles)
    reading = replace(finished.reading, profiles=fitted)
    by_group = {
        name: _compared(finished, reading, group, answers, single)
        for group, name in enumerate(reading.groups)
    }
    engine, precision, graph = named
    return Variant(
        engine=engine,
        precision=precision,
        graph=graph,
        auroc={name: each[0] for name, each in by_group.items()},
        brier={name: each[1] for name, each in by_group.items()},
        profiles=tuple(
            each.profile for each in measure_profiles(recipe, data, report, answers, reading)
        ),
        distance_limits={} if far is None else distance_limits(data, far, reading.groups, recipe),
        evidence_floor=evidence_floor(recipe, data, calibrating),
        margin=margin,
    )


def _compared(
    finished: FinishedRun, reading: Reading, group: int, answers: Answers, single: Answers
) -> tuple[Estimate, Estimate]:
    """Compare on the report part's images of an age group, each read by its own profile."""
    data = finished.data
    rows = data.split.indices("report")
    mine = groups_of(finished.recipe, data)[rows] == group
    if not mine.any():
        return Estimate(None), Estimate(None)
    return differences(
        reading.probabilities(answers.some(mine), group),
        finished.reading.probabilities(single.some(mine), group),
        data.collection.labels[rows[mine]],
        [data.collection.patients[row] for row in rows[mine]],
    )


def _answers(
    finished: FinishedRun, loaded: LoadedGraph, rows: NDArray[np.int64]
) -> tuple[Answers, NDArray[np.float64] | None]:
    """Answer some images with a graph: the answers, and the distances from the training."""
    names = [name for name in finished.exported.names if name != "activation_maps"]
    parts = [
        loaded.run(images.numpy(), names)
        for images in batches_of(finished.data, finished.recipe, rows)
    ]
    found = {
        name: np.concatenate(each)
        for name, each in zip(names, zip(*parts, strict=True), strict=True)
    }
    far = found.pop("distance", None)
    return to_answers(found, finished.recipe), None if far is None else far.astype(np.float64)


def _calibration_images(finished: FinishedRun) -> NDArray[np.float32]:
    """Training images, evenly from all of them."""
    rows = finished.data.split.indices("train")
    chosen = rows[:: max(1, len(rows) // _CALIBRATING)][:_CALIBRATING]
    parts = [images.numpy() for images in batches_of(finished.data, finished.recipe, chosen)]
    return np.concatenate(parts)
