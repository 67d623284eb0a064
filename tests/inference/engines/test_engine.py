"""Every engine answers as the graph does, and refuses a graph that is not the bundle's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.bundles import Bundle, available_bundles, find_bundle
from pneumoscope.errors import BundleError, InputError
from pneumoscope.findings import Prediction, Radiograph
from pneumoscope.imaging import to_input
from pneumoscope.inference import ENGINES, Engine, available_cores, open_engine
from pneumoscope.inference.engines.engine import MOST_AT_ONCE
from pneumoscope.synthetic import draw_phantom

PACKAGED = available_bundles()

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


@pytest.fixture(scope="module", params=list(ENGINES))
def library(request: pytest.FixtureRequest) -> str:
    """An engine that is installed; its name is that of the library, too."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture(scope="module")
def engine(tiny_bundle: Bundle, library: str) -> Engine:
    return open_engine(tiny_bundle, name=library, threads=1)


@pytest.fixture(scope="module")
def engines(grouped_bundle: Bundle) -> dict[str, Engine]:
    """Every engine that is installed, with a bundle that has every output."""
    return {
        name: open_engine(grouped_bundle, name=name, threads=1)
        for name in ENGINES
        if find_spec(name) is not None
    }


@pytest.fixture(scope="module")
def alone(engines: dict[str, Engine]) -> dict[str, list[Prediction]]:
    images = [radiograph(seed, (90 + seed, 70)) for seed in range(6)]
    return {
        name: [answer for image in images for answer in engine.predict([image])]
        for name, engine in engines.items()
    }


def phantom(seed: int) -> Radiograph:
    return Radiograph(draw_phantom(seed, size=300, opacity=bool(seed % 2)).pixels, "p.png", "PNG")


def ask(bundle: Bundle, library: str, image: Radiograph) -> Prediction:
    """Open an engine for one image."""
    (found,) = open_engine(bundle, name=library, threads=1).predict([image])
    return found


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
def test_parity_with_a_computation_by_hand(tiny_bundle: Bundle, engine: Engine, seed: int) -> None:
    image = radiograph(seed)
    logits, maps = by_hand(image, tiny_bundle)
    (prediction,) = engine.predict([image])
    assert prediction.classes == ("NORMAL", "ABNORMAL", "PNEUMONIA")
    assert prediction.logits.dtype == np.float64
    np.testing.assert_allclose(prediction.logits, logits[None], atol=1e-4)
    np.testing.assert_allclose(prediction.activation_maps, maps[None], atol=1e-5)
    assert prediction.evidence is prediction.age_group_logits is prediction.distance is None


@pytest.mark.parametrize("seed", range(4))
def test_every_output_of_a_bundle_with_age_groups(
    grouped_bundle: Bundle, seed: int, library: str
) -> None:
    image = radiograph(seed)
    logits, maps = by_hand(image, grouped_bundle)
    found = ask(grouped_bundle, library, image)
    np.testing.assert_allclose(found.logits, [logits, 2 * logits], atol=1e-4)
    np.testing.assert_allclose(found.activation_maps, [maps, 2 * maps], atol=1e-5)
    np.testing.assert_allclose(found.evidence, maps[1:], atol=1e-5)
    np.testing.assert_allclose(found.age_group_logits, [logits[0], 5], atol=1e-4)
    np.testing.assert_allclose(found.distance, [logits[1], logits[1] / 2], atol=1e-4)
    for name in ("logits", "age_group_logits", "distance"):
        assert getattr(found, name).dtype == np.float64


def test_one_head_serves_every_age_group(grouped_bundle: Bundle, library: str) -> None:
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
    found = ask(one, library, image)
    np.testing.assert_allclose(found.logits, [logits, logits], atol=1e-4)
    np.testing.assert_allclose(found.activation_maps, [maps, maps], atol=1e-5)


@pytest.mark.parametrize("name", ["evidence", "age_group_logits", "distance"])
def test_an_output_that_the_description_calls_for_must_be_there(
    grouped_bundle: Bundle, name: str, library: str
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(grouped_bundle.graph)
    kept = [value for value in model.graph.output if value.name != name]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    assert "does not fit" in refusal(
        replace(grouped_bundle, graph=model.SerializeToString()), library
    )


@pytest.mark.parametrize("change", [{"evidence": None}, {"distance_limits": {}}])
def test_an_output_that_the_description_does_not_know_is_refused(
    grouped_bundle: Bundle, change: dict[str, Any], library: str
) -> None:
    said = grouped_bundle.description.model_copy(update=change)
    assert "does not fit" in refusal(replace(grouped_bundle, description=said), library)


def test_heads_of_another_number_of_age_groups_are_refused(
    grouped_bundle: Bundle, library: str
) -> None:
    said = grouped_bundle.description
    three = (*said.age_groups, said.age_groups[-1])
    other = said.model_copy(update={"age_groups": three})
    assert "does not fit" in refusal(replace(grouped_bundle, description=other), library)


@pytest.mark.parametrize(
    ("output", "value", "words"),
    [("evidence", 2.0, "outside 0..1"), ("distance", -1.0, "negative")],
)
def test_an_output_outside_its_range_is_refused(
    grouped_bundle: Bundle, output: str, value: float, words: str, library: str
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
        ask(broken, library, bright)


def test_images_get_answers_of_their_own(engine: Engine) -> None:
    answers = {tuple(engine.predict([radiograph(seed)])[0].logits[0]) for seed in range(6)}
    assert len(answers) == 6


def same(found: Prediction, expected: Prediction, far: float = 1e-5) -> None:
    """Hold two answers against each other, every output of them."""
    for output in ("logits", "activation_maps", "evidence", "age_group_logits", "distance"):
        one, other = getattr(found, output), getattr(expected, output)
        if one is None or other is None:
            assert one is other is None
        else:
            np.testing.assert_allclose(one, other, rtol=far, atol=far, err_msg=output)


@given(seeds=st.lists(st.integers(0, 5), max_size=2 * MOST_AT_ONCE + 1))
@settings(max_examples=25)
def test_images_together_get_the_answers_of_each_alone(
    engines: dict[str, Engine], alone: dict[str, list[Prediction]], seeds: list[int]
) -> None:
    """In any number and order, of any shape, also of one image several times."""
    for library, engine in engines.items():
        found = engine.predict([radiograph(seed, (90 + seed, 70)) for seed in seeds])
        assert len(found) == len(seeds)
        for seed, answer in zip(seeds, found, strict=True):
            same(answer, alone[library][seed])


def test_a_graph_for_one_image_at_a_time_answers_many(
    alter: Alter, engine: Engine, library: str
) -> None:
    def single(model: Any) -> None:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 1

    images = [radiograph(seed) for seed in range(3)]
    found = open_engine(alter(single), name=library, threads=1).predict(images)
    for answer, expected in zip(found, engine.predict(images), strict=True):
        same(answer, expected)


@pytest.mark.parametrize("bundle", sorted(PACKAGED))
def test_the_packaged_networks_answer_phantoms_together_as_alone(bundle: str, library: str) -> None:
    engine = open_engine(find_bundle(str(PACKAGED[bundle])), name=library, threads=1)
    images = [phantom(seed) for seed in range(3)]
    for image, answer in zip(images, engine.predict(images), strict=True):
        (expected,) = engine.predict([image])
        same(answer, expected)


def test_it_says_what_runs_the_network(tiny_bundle: Bundle, library: str) -> None:
    info = open_engine(tiny_bundle, name=library, threads=2).info
    assert (info.name, info.precision, info.threads) == (library, "fp32", 2)
    assert info.version == version(library)
    assert open_engine(tiny_bundle, name=library).info.threads == available_cores()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "abacus"}, "engine 'abacus': is none of onnxruntime"),
        ({"precision": "fp8"}, "precision 'fp8': "),
        ({"threads": 0}, "threads 0: must be 1 or more"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    tiny_bundle: Bundle, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        open_engine(tiny_bundle, **wrong)
    assert str(caught.value).startswith(words)
    assert str(caught.value).isprintable()


def test_many_threads_get_the_answers_of_one(engine: Engine, library: str) -> None:
    images = [radiograph(seed) for seed in range(8)]
    alone = [engine.predict([image])[0] for image in images]

    def in_turn(turn: int) -> Prediction:
        return engine.predict([images[turn % 8]])[0]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(in_turn, range(160)))
    for turn, answer in enumerate(answers):
        expected = alone[turn % 8]
        np.testing.assert_array_equal(answer.logits, expected.logits)
        np.testing.assert_array_equal(answer.activation_maps, expected.activation_maps)


def refusal(bundle: Bundle, library: str) -> str:
    """Say how the engine refuses a bundle, when it is loaded or when it answers."""
    with pytest.raises(BundleError) as caught:
        ask(bundle, library, radiograph(0))
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{bundle.folder}: ")
    assert "export" in message
    return message


@pytest.mark.parametrize("graph", [b"", b"not a graph", b"\x08\x09\x12", bytes(1000)])
def test_a_graph_that_is_none_is_refused(tiny_bundle: Bundle, graph: bytes, library: str) -> None:
    assert "cannot be loaded" in refusal(replace(tiny_bundle, graph=graph), library)


def test_a_cut_graph_is_refused(tiny_bundle: Bundle, library: str) -> None:
    graph = tiny_bundle.graph
    for length in range(1, len(graph), len(graph) // 20):
        refusal(replace(tiny_bundle, graph=graph[:length]), library)


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
    tiny_bundle: Bundle, section: str, value: Any, library: str
) -> None:
    said = tiny_bundle.description
    new = said.input.model_copy(update=value) if isinstance(value, dict) else value
    other = replace(tiny_bundle, description=said.model_copy(update={section: new}))
    assert "does not fit" in refusal(other, library)


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
def test_other_names_in_the_graph_are_refused(alter: Alter, name: str, library: str) -> None:
    assert "does not fit" in refusal(alter(lambda model: rename(model, name, "other")), library)


def test_a_missing_or_further_output_is_refused(alter: Alter, library: str) -> None:
    def further(model: Any) -> None:
        added = model.graph.output.add()
        added.CopyFrom(model.graph.output[1])
        added.name = "cells"

    assert "does not fit" in refusal(alter(lambda model: model.graph.output.pop()), library)
    assert "does not fit" in refusal(alter(further), library)


def test_a_flat_activation_map_is_refused(alter: Alter, library: str) -> None:
    def flatten(model: Any) -> None:
        rename(model, "activation_maps", "maps")
        node = model.graph.node.add()
        node.op_type = "Identity"
        node.input.append("sums")
        node.output.append("activation_maps")
        model.graph.output[1].name = "activation_maps"
        del model.graph.output[1].type.tensor_type.shape.dim[2:]

    assert "does not fit" in refusal(alter(flatten), library)


def test_a_graph_that_takes_double_precision_is_refused(alter: Alter, library: str) -> None:
    from onnx import TensorProto, helper

    def widen(model: Any) -> None:
        rename(model, "images", "narrow")
        model.graph.input[0].name = "images"
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
        cast = helper.make_node("Cast", ["images"], ["narrow"], to=TensorProto.FLOAT)
        model.graph.node.insert(0, cast)

    assert "does not fit" in refusal(alter(widen), library)


def test_a_graph_for_pairs_of_images_is_refused_when_it_answers(alter: Alter, library: str) -> None:
    def pairs(model: Any) -> None:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 2

    assert "fails on an image" in refusal(alter(pairs), library)


def test_an_answer_that_is_not_finite_is_refused(alter: Alter, library: str) -> None:
    from onnx import numpy_helper

    def spoil(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == "gain":
                tensor.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), "gain"))

    assert "not finite" in refusal(alter(spoil), library)


def test_weights_outside_the_verified_graph_are_refused(
    alter: Alter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
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
    assert "cannot be loaded" in refusal(alter(send_out), library)
