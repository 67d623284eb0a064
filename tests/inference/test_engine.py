"""The engine answers as the graph does, and refuses a graph that is not the bundle's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumoscope.bundles import Bundle
from pneumoscope.errors import BundleError
from pneumoscope.findings import Prediction, Radiograph
from pneumoscope.imaging import to_input
from pneumoscope.inference import OnnxEngine

Alter = Callable[[Callable[[Any], object]], Bundle]


def radiograph(seed: int, shape: tuple[int, int] = (90, 70)) -> Radiograph:
    """Noise with one brighter corner, so that the classes differ."""
    pixels = np.random.default_rng(seed).random(shape, np.float32) * np.float32(0.5)
    rows, columns = np.indices(shape)
    pixels[(rows + seed) % 40 > 20] += np.float32(0.2)
    pixels[columns > shape[1] * (seed % 3) / 3] += np.float32(0.2)
    return Radiograph(pixels, f"{seed}.png", "PNG")


def by_hand(image: Radiograph, bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    """What the tiny bundle's network does, as its fixture describes it."""
    grey = to_input(image.pixels, bundle.description.input.spec())[0].astype(np.float64)
    cells = grey.reshape(8, 8, 8, 8).mean(axis=(1, 3))
    maps = np.zeros((3, 8, 8))
    maps[0, :2], maps[1, 2:, :4], maps[2, 2:, 4:] = cells[:2], cells[2:, :4], cells[2:, 4:]
    means = [cells[:2].mean(), cells[2:, :4].mean(), cells[2:, 4:].mean()]
    return 10 * np.array(means), maps


@pytest.fixture(scope="module")
def engine(tiny_bundle: Bundle) -> OnnxEngine:
    return OnnxEngine(tiny_bundle, threads=1)


@pytest.fixture
def alter(tiny_bundle: Bundle) -> Alter:
    """Return the tiny bundle with its graph changed by a function of the ONNX model."""
    onnx = pytest.importorskip("onnx")

    def apply(change: Callable[[Any], object]) -> Bundle:
        model = onnx.load_from_string(tiny_bundle.graph)
        change(model)
        return replace(tiny_bundle, graph=model.SerializeToString())

    return apply


@pytest.mark.parametrize("seed", range(4))
def test_parity_with_a_computation_by_hand(engine: OnnxEngine, seed: int) -> None:
    image = radiograph(seed)
    logits, maps = by_hand(image, engine.bundle)
    prediction = engine.predict(image)
    assert prediction.classes == ("NORMAL", "ABNORMAL", "PNEUMONIA")
    assert prediction.logits.dtype == np.float64
    np.testing.assert_allclose(prediction.logits, logits[None], atol=1e-4)
    np.testing.assert_allclose(prediction.activation_maps, maps[None], atol=1e-5)
    assert prediction.evidence is prediction.age_group_logits is prediction.distance is None


@pytest.mark.parametrize("seed", range(4))
def test_every_output_of_a_bundle_with_age_groups(grouped_bundle: Bundle, seed: int) -> None:
    image = radiograph(seed)
    logits, maps = by_hand(image, grouped_bundle)
    found = OnnxEngine(grouped_bundle, threads=1).predict(image)
    np.testing.assert_allclose(found.logits, [logits, 2 * logits], atol=1e-4)
    np.testing.assert_allclose(found.activation_maps, [maps, 2 * maps], atol=1e-5)
    np.testing.assert_allclose(found.evidence, maps[1:], atol=1e-5)
    np.testing.assert_allclose(found.age_group_logits, [logits[0], 5], atol=1e-4)
    np.testing.assert_allclose(found.distance, [logits[1], logits[1] / 2], atol=1e-4)
    for name in ("logits", "age_group_logits", "distance"):
        assert getattr(found, name).dtype == np.float64


def test_one_head_serves_every_age_group(grouped_bundle: Bundle) -> None:
    """The grouped bundle's graph with the logits and maps of children alone."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(grouped_bundle.graph)
    for old, new in (("logits", "by_group"), ("activation_maps", "maps_of_all")):
        rename_made(model, old, new)
    for old, new in (("scores", "logits"), ("maps", "activation_maps")):
        rename(model, old, new)
    shapes = {value.name: value.type.tensor_type.shape.dim for value in model.graph.output}
    for name in ("logits", "activation_maps"):
        del shapes[name][1]
    one = replace(grouped_bundle, graph=model.SerializeToString())
    image = radiograph(1)
    logits, maps = by_hand(image, one)
    found = OnnxEngine(one, threads=1).predict(image)
    np.testing.assert_allclose(found.logits, [logits, logits], atol=1e-4)
    np.testing.assert_allclose(found.activation_maps, [maps, maps], atol=1e-5)


@pytest.mark.parametrize("name", ["evidence", "age_group_logits", "distance"])
def test_an_output_that_the_description_calls_for_must_be_there(
    grouped_bundle: Bundle, name: str
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(grouped_bundle.graph)
    kept = [value for value in model.graph.output if value.name != name]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    assert "does not fit" in refusal(replace(grouped_bundle, graph=model.SerializeToString()))


@pytest.mark.parametrize("change", [{"evidence": None}, {"distance_limits": {}}])
def test_an_output_that_the_description_does_not_know_is_refused(
    grouped_bundle: Bundle, change: dict[str, Any]
) -> None:
    said = grouped_bundle.description.model_copy(update=change)
    assert "does not fit" in refusal(replace(grouped_bundle, description=said))


def test_heads_of_another_number_of_age_groups_are_refused(grouped_bundle: Bundle) -> None:
    said = grouped_bundle.description
    three = (*said.age_groups, said.age_groups[-1])
    other = said.model_copy(update={"age_groups": three})
    assert "does not fit" in refusal(replace(grouped_bundle, description=other))


@pytest.mark.parametrize(
    ("output", "value", "words"),
    [("evidence", 2.0, "outside 0..1"), ("distance", -1.0, "negative")],
)
def test_an_output_outside_its_range_is_refused(
    grouped_bundle: Bundle, output: str, value: float, words: str
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(grouped_bundle.graph)
    rename_made(model, output, "honest")
    factor = onnx.numpy_helper.from_array(np.array([value], np.float32), "factor")
    model.graph.initializer.append(factor)
    model.graph.node.append(onnx.helper.make_node("Mul", ["honest", "factor"], [output]))
    bright = Radiograph(np.ones((64, 64), np.float32), "bright.png", "PNG")
    broken = replace(grouped_bundle, graph=model.SerializeToString())
    with pytest.raises(BundleError, match=words):
        OnnxEngine(broken, threads=1).predict(bright)


def test_images_get_answers_of_their_own(engine: OnnxEngine) -> None:
    answers = {tuple(engine.predict(radiograph(seed)).logits[0]) for seed in range(6)}
    assert len(answers) == 6


def test_many_threads_get_the_answers_of_one(engine: OnnxEngine) -> None:
    images = [radiograph(seed) for seed in range(8)]
    alone = [engine.predict(image) for image in images]

    def ask(turn: int) -> Prediction:
        return engine.predict(images[turn % 8])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(160)))
    for turn, answer in enumerate(answers):
        expected = alone[turn % 8]
        np.testing.assert_array_equal(answer.logits, expected.logits)
        np.testing.assert_array_equal(answer.activation_maps, expected.activation_maps)


def refusal(bundle: Bundle) -> str:
    """Say how the engine refuses a bundle, when it is loaded or when it answers."""
    with pytest.raises(BundleError) as caught:
        OnnxEngine(bundle, threads=1).predict(radiograph(0))
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{bundle.folder}: ")
    assert "export" in message
    return message


@pytest.mark.parametrize("graph", [b"", b"not a graph", b"\x08\x09\x12", bytes(1000)])
def test_a_graph_that_is_none_is_refused(tiny_bundle: Bundle, graph: bytes) -> None:
    assert "cannot be loaded" in refusal(replace(tiny_bundle, graph=graph))


def test_a_cut_graph_is_refused(tiny_bundle: Bundle) -> None:
    graph = tiny_bundle.graph
    for length in range(1, len(graph), len(graph) // 20):
        refusal(replace(tiny_bundle, graph=graph[:length]))


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("classes", ("A", "PNEUMONIA")),
        ("classes", ("A", "B", "C", "PNEUMONIA")),
        ("input", {"size": 96}),
        ("input", {"channels": 1}),
    ],
)
def test_a_graph_that_does_not_fit_the_description_is_refused(
    tiny_bundle: Bundle, section: str, value: Any
) -> None:
    said = tiny_bundle.description
    new = said.input.model_copy(update=value) if isinstance(value, dict) else value
    other = replace(tiny_bundle, description=said.model_copy(update={section: new}))
    assert "does not fit" in refusal(other)


def rename(model: Any, old: str, new: str) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name


def rename_made(model: Any, old: str, new: str) -> None:
    """Rename what a node makes, and leave the graph's output of that name without a maker."""
    for node in model.graph.node:
        node.output[:] = [new if name == old else name for name in node.output]


@pytest.mark.parametrize("name", ["images", "logits", "activation_maps"])
def test_other_names_in_the_graph_are_refused(alter: Alter, name: str) -> None:
    assert "does not fit" in refusal(alter(lambda model: rename(model, name, "other")))


def test_a_missing_or_further_output_is_refused(alter: Alter) -> None:
    def further(model: Any) -> None:
        added = model.graph.output.add()
        added.CopyFrom(model.graph.output[1])
        added.name = "cells"

    assert "does not fit" in refusal(alter(lambda model: model.graph.output.pop()))
    assert "does not fit" in refusal(alter(further))


def test_a_flat_activation_map_is_refused(alter: Alter) -> None:
    def flatten(model: Any) -> None:
        rename(model, "activation_maps", "maps")
        node = model.graph.node.add()
        node.op_type = "Identity"
        node.input.append("sums")
        node.output.append("activation_maps")
        model.graph.output[1].name = "activation_maps"
        del model.graph.output[1].type.tensor_type.shape.dim[2:]

    assert "does not fit" in refusal(alter(flatten))


def test_a_graph_that_takes_double_precision_is_refused(alter: Alter) -> None:
    from onnx import TensorProto, helper

    def widen(model: Any) -> None:
        rename(model, "images", "narrow")
        model.graph.input[0].name = "images"
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
        cast = helper.make_node("Cast", ["images"], ["narrow"], to=TensorProto.FLOAT)
        model.graph.node.insert(0, cast)

    assert "does not fit" in refusal(alter(widen))


def test_a_graph_for_pairs_of_images_is_refused_when_it_answers(alter: Alter) -> None:
    def pairs(model: Any) -> None:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 2

    assert "fails on an image" in refusal(alter(pairs))


def test_an_answer_that_is_not_finite_is_refused(alter: Alter) -> None:
    from onnx import numpy_helper

    def spoil(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == "gain":
                tensor.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), "gain"))

    assert "not finite" in refusal(alter(spoil))


def test_weights_outside_the_verified_graph_are_refused(
    alter: Alter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnx import TensorProto, numpy_helper

    def send_out(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == "looks_at":
                (tmp_path / "weights.bin").write_bytes(numpy_helper.to_array(tensor).tobytes())
                tensor.ClearField("raw_data")
                tensor.data_location = TensorProto.EXTERNAL
                entry = tensor.external_data.add()
                entry.key, entry.value = "location", "weights.bin"

    monkeypatch.chdir(tmp_path)
    assert "cannot be loaded" in refusal(alter(send_out))
