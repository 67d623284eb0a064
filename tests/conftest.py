"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from pneumoscope.bundles import CARD, GRAPH, LICENCE, TRAINING_IMAGES, Bundle, write_bundle
from pneumoscope.imaging import fingerprint

pytest_plugins = ["made_up_diagnoses", "made_up_images"]

# How fast an example runs is the machine's affair; a busy one must not fail a test.
settings.register_profile(
    "pneumoscope", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("pneumoscope")

TINY_SIZE, TINY_GRID, TINY_GAIN = 64, 8, 10.0
TINY_CLASSES = ["NORMAL", "ABNORMAL", "PNEUMONIA"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real images beside the checkout; tests that ask for it are skipped without them."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("PNEUMOSCOPE_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip("no real images: set PNEUMOSCOPE_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small valid bundle, ``HOME/bundles/tiny`` for some ``HOME``; do not change its files.

    Its network cuts the input into 8 x 8 cells. NORMAL looks at the two rows of cells on top,
    ABNORMAL at the left half of the rest, PNEUMONIA at its right half. An activation map is the
    mean brightness of each cell that the class looks at and 0 elsewhere; a logit is 10 times the
    mean of those cells. One image, 64 x 64 and black, counts as one that trained it. It reads all
    ages alike.
    """
    pytest.importorskip("onnx")
    home = tmp_path_factory.mktemp("home")
    return write_bundle(home / "bundles" / "tiny", _tiny_description(), _contents(_tiny_graph()))


@pytest.fixture(scope="session")
def grouped_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Another, ``HOME/bundles/grouped``, with children and adults; do not change its files.

    Its network is that of `tiny_bundle`, without CLAHE before it. Logits and activation maps of
    adults are twice those of children. The image looks like one of a child if the two rows on top
    have a mean brightness above 0.5. The evidence maps are the activation maps of ABNORMAL and
    PNEUMONIA of children. The distance is the logit of ABNORMAL, for adults half of it.
    """
    pytest.importorskip("onnx")
    home = tmp_path_factory.mktemp("home")
    place = home / "bundles" / "grouped"
    return write_bundle(place, _grouped_description(), _contents(_grouped_graph()))


def _contents(graph: bytes) -> dict[str, bytes]:
    black = np.zeros((TINY_SIZE, TINY_SIZE), np.float32)
    return {
        GRAPH: graph,
        CARD: b"# Tiny\n\nReads nothing; \xc3\xbcbt nur.\n",
        LICENCE: b"Made up; no terms.\n",
        TRAINING_IMAGES: f"{fingerprint(black)}\n".encode(),
    }


def _point(purpose: str, threshold: float, sensitivity: list[float] | None) -> dict[str, object]:
    return {
        "purpose": purpose,
        "label": "PNEUMONIA",
        "threshold": threshold,
        "rule": "made up",
        "sensitivity": sensitivity,
        "specificity": None,
    }


def _profile(
    age_group: str,
    points: Sequence[dict[str, object]],
    *,
    temperature: float,
    view: str | None = None,
    biases: Mapping[str, float] | None = None,
    min_probability: float | None = None,
) -> dict[str, object]:
    biases = dict.fromkeys(TINY_CLASSES, 0.0) if biases is None else biases
    kept = (
        None if min_probability is None else {"coverage": 0.9, "min_probability": min_probability}
    )
    return {
        "age_group": age_group,
        "view": view,
        "classes": list(biases),
        "calibration": {"temperature": temperature, "biases": dict(biases)},
        "operating_points": list(points),
        "prediction_set": kept,
    }


def _tiny_description() -> dict[str, object]:
    return {
        "schema_version": 2,
        "name": "tiny",
        "picture_check": False,
        "version": "0.1",
        "classes": TINY_CLASSES,
        "input": {"size": TINY_SIZE, "clahe_clip": 2.0, "clahe_tiles": 8, "channels": 3},
        "age_groups": [{"name": "everyone", "from_age": 0, "to_age": None}],
        "profiles": [_profile("everyone", [_point("rule_out", 0.4, None)], temperature=1.5)],
        "evidence": None,
        "distance_limits": {},
        "training_sets": [
            {
                "name": "made up",
                "population": "nobody",
                "licence": "CC0",
                "images": 1,
                "absent_classes": ["ABNORMAL"],
            }
        ],
        "split_sha256": "0" * 64,
    }


def _grouped_description() -> dict[str, object]:
    both = [_point("rule_out", 0.1, [0.95, 0.9, 0.98]), _point("rule_in", 0.6, [0.8, 0.7, 0.85])]
    return _tiny_description() | {
        "name": "grouped",
        "picture_check": False,
        "input": {"size": TINY_SIZE, "clahe_clip": None, "clahe_tiles": 8, "channels": 3},
        "age_groups": [
            {"name": "children", "from_age": 0, "to_age": 13},
            {"name": "adults", "from_age": 13, "to_age": None},
        ],
        "profiles": [
            _profile(
                "children",
                both,
                temperature=1.0,
                biases={"NORMAL": 0.25, "PNEUMONIA": -0.5},
                min_probability=0.3,
            ),
            _profile("adults", both, temperature=1.5, min_probability=0.2),
            _profile("adults", [_point("rule_in", 0.8, None)], temperature=2.0, view="AP"),
        ],
        "evidence": {
            "classes": ["ABNORMAL", "PNEUMONIA"],
            "shown": "PNEUMONIA",
            "floor": 0.3,
            "outlined_for": ["adults"],
            "why_not_outlined": {"children": "nobody drew boxes for children"},
        },
        "distance_limits": {"children": 8.0, "adults": 4.5},
    }


def _tiny_graph() -> bytes:
    shapes = {"logits": ["n", 3], "activation_maps": ["n", 3, TINY_GRID, TINY_GRID]}
    return _graph(lambda helper: _cell_nodes(helper, "activation_maps", "logits"), {}, shapes)


def _grouped_graph() -> bytes:
    grid = [TINY_GRID, TINY_GRID]
    shapes = {
        "logits": ["n", 2, 3],
        "activation_maps": ["n", 2, 3, *grid],
        "evidence": ["n", 2, *grid],
        "age_group_logits": ["n", 2],
        "distance": ["n", 2],
    }
    constants = {
        "group_axis": np.array([1], np.int64),
        "group_gain": np.array([1, 2], np.float32).reshape(1, 2, 1),
        "group_map_gain": np.array([1, 2], np.float32).reshape(1, 2, 1, 1, 1),
        "shown": np.array([1, 2], np.int64),
        "to_group": np.array([[1, 0], [0, 0], [0, 0]], np.float32),
        "half": np.array([0, TINY_GAIN / 2], np.float32),
        "to_distance": np.array([[0, 0], [1, 0.5], [0, 0]], np.float32),
    }

    def nodes(helper: Any) -> list[Any]:
        make = helper.make_node
        return [
            *_cell_nodes(helper, "maps", "scores"),
            make("Unsqueeze", ["scores", "group_axis"], ["scores_by_group"]),
            make("Mul", ["scores_by_group", "group_gain"], ["logits"]),
            make("Unsqueeze", ["maps", "group_axis"], ["maps_by_group"]),
            make("Mul", ["maps_by_group", "group_map_gain"], ["activation_maps"]),
            make("Gather", ["maps", "shown"], ["evidence"], axis=1),
            make("MatMul", ["scores", "to_group"], ["likeness"]),
            make("Add", ["likeness", "half"], ["age_group_logits"]),
            make("MatMul", ["scores", "to_distance"], ["distance"]),
        ]

    return _graph(nodes, constants, shapes)


def _cell_nodes(helper: Any, maps: str, scores: str) -> list[Any]:
    cell = TINY_SIZE // TINY_GRID
    return [
        helper.make_node(
            "AveragePool", ["images"], ["cells"], kernel_shape=[cell] * 2, strides=[cell] * 2
        ),
        helper.make_node("Mul", ["cells", "looks_at"], [maps]),
        helper.make_node("ReduceSum", [maps, "sides"], ["sums"], keepdims=0),
        helper.make_node("Mul", ["sums", "gain"], [scores]),
    ]


def _graph(
    nodes: Callable[[Any], list[Any]],
    further: Mapping[str, np.ndarray],
    outputs: Mapping[str, list[str | int]],
) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    looks_at = np.zeros((1, 3, TINY_GRID, TINY_GRID), np.float32)
    looks_at[0, 0, :2] = looks_at[0, 1, 2:, :4] = looks_at[0, 2, 2:, 4:] = 1
    gain = (TINY_GAIN / looks_at.sum(axis=(2, 3))).astype(np.float32)
    constants = {"looks_at": looks_at, "gain": gain, "sides": np.array([2, 3], np.int64), **further}

    def info(name: str, shape: Sequence[str | int]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes(helper),
        "tiny",
        [info("images", ["n", 3, TINY_SIZE, TINY_SIZE])],
        [info(name, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="tests"
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())
