"""A bundle that was calibrated for further engines and precisions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumoscope.bundles import (
    CARD,
    GRAPH,
    LICENCE,
    TRAINING_IMAGES,
    Bundle,
    read_bundle,
    write_bundle,
)
from pneumoscope.errors import BundleError
from pneumoscope.findings import Radiograph
from pneumoscope.inference import open_engine
from pneumoscope.workflow import Reader

SECOND = "model-int8.onnx"
Whole = dict[str, Any]


@pytest.fixture
def parts(grouped_bundle: Bundle) -> tuple[Whole, dict[str, bytes]]:
    """What `write_bundle` is given for the grouped bundle with a graph for int8.

    That graph's logits are twice the other's. Its thresholds, limits and floor are others, too.
    """
    onnx = pytest.importorskip("onnx")
    names = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)
    contents = {name: (grouped_bundle.folder / name).read_bytes() for name in names}
    model = onnx.load_from_string(contents[GRAPH])
    (gain,) = [tensor for tensor in model.graph.initializer if tensor.name == "gain"]
    gain.CopyFrom(onnx.numpy_helper.from_array(2 * onnx.numpy_helper.to_array(gain), "gain"))
    described = grouped_bundle.description.model_dump(mode="json")
    del described["files"]
    profiles = copy.deepcopy(described["profiles"])
    for profile in profiles:
        profile["calibration"]["temperature"] *= 2
        for point in profile["operating_points"]:
            point["threshold"] += 0.01
    described["variants"] = [
        {
            "engine": "onnxruntime",
            "precision": "int8",
            "graph": SECOND,
            "profiles": profiles,
            "distance_limits": {"children": 16.0, "adults": 9.0},
            "evidence_floor": 0.35,
        }
    ]
    return described, contents | {SECOND: model.SerializeToString()}


@pytest.fixture
def varied(parts: tuple[Whole, dict[str, bytes]], tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "varied", *parts)


def test_in_single_precision_it_is_what_it_was(varied: Bundle, grouped_bundle: Bundle) -> None:
    for engine in ("onnxruntime", "openvino"):
        assert varied.read_by(engine, "fp32") is varied
    assert varied.graph == grouped_bundle.graph
    assert varied.description.profiles == grouped_bundle.description.profiles


def test_a_variant_brings_its_graph_its_calibration_and_its_limits(varied: Bundle) -> None:
    found = varied.read_by("onnxruntime", "int8")
    assert found.graph == (varied.folder / SECOND).read_bytes() != varied.graph
    said = found.description
    assert said.distance_limits == {"children": 16.0, "adults": 9.0}
    assert said.evidence is not None
    assert said.evidence.floor == 0.35
    assert said.profiles == varied.description.variants[0].profiles
    assert found.identity == varied.identity


def test_a_reader_uses_them(varied: Bundle) -> None:
    """Twice the logits at twice the temperature are the same probabilities, but for the biases."""
    image = Radiograph(np.random.default_rng(1).random((64, 64), np.float32), "noise.png", "PNG")
    single = Reader(varied)
    other = Reader(varied, engine="onnxruntime", precision="int8")
    ours, theirs = (reader.score(image, age=40) for reader in (other, single))
    assert ours.probabilities == pytest.approx(theirs.probabilities)
    for point, before in zip(ours.operating_points, theirs.operating_points, strict=True):
        assert point.threshold == pytest.approx(before.threshold + 0.01)
    assert other.diagnose(image).provenance.engine.precision == "int8"


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_what_it_was_not_calibrated_for_is_refused_in_one_line(varied: Bundle, engine: str) -> None:
    precision = "bf16" if engine == "onnxruntime" else "int8"
    known = "fp32, int8" if engine == "onnxruntime" else "fp32"
    with pytest.raises(BundleError) as caught:
        open_engine(varied, name=engine, precision=precision)
    assert str(caught.value) == (
        f"precision '{precision}': the bundle grouped was not calibrated for {engine} in it; "
        f"choose one of {known}"
    )


WRONG: dict[str, tuple[Callable[[Whole], object], str]] = {
    "twice": (lambda whole: whole["variants"].append(whole["variants"][0]), "twice"),
    "a graph outside": (lambda w: w["variants"][0].update(graph="../model.onnx"), "graph"),
    "a file that is none of the bundle's": (
        lambda whole: whole["variants"][0].update(graph="model-bf16.onnx"),
        "files must be exactly",
    ),
    "no profile of an age group": (
        lambda whole: whole["variants"][0]["profiles"].pop(0),
        "no profile of children",
    ),
    "a limit missing": (
        lambda whole: whole["variants"][0]["distance_limits"].pop("adults"),
        "distance_limits",
    ),
    "no limits": (lambda w: w["variants"][0].update(distance_limits={}), "distance_limits"),
    "no floor": (lambda w: w["variants"][0].update(evidence_floor=None), "evidence_floor"),
    "an unknown key": (lambda w: w["variants"][0].update(speed=2), "speed"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_variant_that_is_not_complete_is_refused(
    parts: tuple[Whole, dict[str, bytes]], tmp_path: Path, wrong: str
) -> None:
    described, contents = parts
    change, words = WRONG[wrong]
    change(described)
    with pytest.raises(BundleError, match=words) as caught:
        write_bundle(tmp_path / "wrong", described, contents)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "wrong").exists()


def test_a_changed_graph_of_a_variant_is_refused(varied: Bundle) -> None:
    (varied.folder / SECOND).write_bytes(varied.graph)
    with pytest.raises(BundleError, match="was changed"):
        read_bundle(varied.folder)
