"""Other precisions: calibrated and measured anew, and in the bundle only where as good."""

from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import onnx

from pneumoscope.bundles import read_bundle
from pneumoscope.evaluation import read_manifest
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import open_engine
from pneumoscope.lab.training import export
from pneumoscope.lab.training.graph import to_graph
from pneumoscope.lab.training.quantise import quantise
from pneumoscope.lab.training.variants import INT8_GRAPH, differences, is_within
from pneumoscope.metrics import Estimate, auroc_macro, brier
from pneumoscope.workflow import Reader

pytestmark = pytest.mark.lab

INSTALLED = [name for name in ("onnxruntime", "openvino") if find_spec(name) is not None]


@pytest.mark.parametrize(
    ("low", "high", "within"),
    [
        (-0.002, 0.002, True),
        (-0.0021, 0.0, False),
        (0.0, 0.0021, False),
        (0.003, 0.004, False),
        (None, None, False),
    ],
)
def test_the_whole_interval_must_lie_within_the_margin(low, high, within):
    assert is_within(Estimate(0.0, low, high), 0.002) is within


def test_without_a_difference_the_interval_is_0_and_a_difference_has_its_sign():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 2, 300)
    given = 0.8 * np.eye(2)[true] + 0.2 * rng.dirichlet([1, 1], 300)
    patients = [str(i // 2) for i in range(300)]
    for same in differences(given, given, true, patients):
        assert (same.value, same.low, same.high) == (0, 0, 0)
    guessed = rng.dirichlet([1, 1], 300)
    auroc, score = differences(guessed, given, true, patients)
    assert auroc.value == auroc_macro(guessed, true) - auroc_macro(given, true)
    assert score.value == brier(guessed, true) - brier(given, true)
    assert auroc.low <= auroc.value <= auroc.high < -0.3
    assert score.high >= score.value >= score.low > 0.3


def test_the_interval_is_paired_by_image():
    """What is the same in both does not widen it, however little is known of either."""
    rng = np.random.default_rng(2)
    true = rng.integers(0, 2, 60)
    given = rng.dirichlet([1, 1], 60)
    shifted = given + 1e-4 * np.array([1, -1])
    for found in differences(shifted, given, true, [str(i) for i in range(60)]):
        assert is_within(found, 0.002)


def test_the_convolutions_are_in_int8_and_the_answers_near(finished):
    graph = to_graph(finished.exported, finished.recipe.input.size)
    images = np.random.default_rng(3).random((8, 3, 32, 32), np.float32)
    small = quantise(graph, images)
    model, plain = onnx.load_from_string(small), onnx.load_from_string(graph)
    for ours, theirs in (
        (model.graph.input, plain.graph.input),
        (model.graph.output, plain.graph.output),
    ):
        assert [value.name for value in ours] == [value.name for value in theirs]
    made_by = {name: node for node in model.graph.node for name in node.output}
    first, *others = [node for node in model.graph.node if node.op_type == "Conv"]
    assert made_by.get(first.input[0], first).op_type != "DequantizeLinear"
    assert others
    for node in others:
        assert {made_by[name].op_type for name in node.input[:2]} == {"DequantizeLinear"}
    assert b"/tmp" not in small


@pytest.fixture(scope="module")
def with_variants(run, data_folder, tmp_path_factory):
    """The run's bundle with every variant that this machine can run, however good."""
    return export(run, tmp_path_factory.mktemp("kept") / "bundle", variants=True, margin=10)


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_variant_is_read_with_its_own_graph_and_calibration(
    with_variants, bundle, data_folder, engine
):
    assert read_bundle(with_variants.folder).sha256 == with_variants.sha256
    assert with_variants.graph == bundle.graph
    assert with_variants.description.profiles == bundle.description.profiles
    described = with_variants.read_by(engine, "int8").description
    assert described.profiles != bundle.description.profiles
    images = [read_radiograph(i.path) for i in read_manifest(data_folder / "adults").images]
    single = open_engine(bundle).predict(images)
    found = open_engine(with_variants, name=engine, precision="int8").predict(images)
    apart = [np.abs(a.logits - b.logits).max() for a, b in zip(found, single, strict=True)]
    size = np.ptp([each.logits for each in single])
    assert 0 < max(apart) < 0.2 * size
    reader = Reader(with_variants, engine=engine, precision="int8")
    points = reader.score(images[0], age=50).operating_points
    assert points == described.profiles[0].profile().operating_points


def test_what_is_not_shown_to_be_as_good_is_left_out(run, data_folder, tmp_path):
    found = export(run, tmp_path / "bundle", variants=True, margin=0)
    assert found.description.variants == ()
    assert not (found.folder / INT8_GRAPH).exists()
    assert "## In other precisions" in found.card
    assert "| onnxruntime | int8 | everyone |" in found.card
    assert "| yes |" not in found.card.partition("## In other precisions")[2]


def test_the_card_says_what_was_taken(with_variants, bundle):
    assert "## In other precisions" not in bundle.card
    told = with_variants.card.partition("## In other precisions")[2]
    assert told.count("| int8 | everyone |") == len(INSTALLED)
    assert "| no |" not in told.partition("##")[0]
