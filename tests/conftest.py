"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundles import CARD, GRAPH, LICENCE, TRAINING_IMAGES, Bundle, write_bundle
from pneumoscope.imaging import fingerprint

TINY_SIZE, TINY_GRID, TINY_GAIN = 64, 8, 10.0


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
    mean of those cells. One image, 64 x 64 and black, counts as one that trained it.
    """
    pytest.importorskip("onnx")
    home = tmp_path_factory.mktemp("home")
    black = np.zeros((TINY_SIZE, TINY_SIZE), np.float32)
    contents = {
        GRAPH: _tiny_graph(),
        CARD: b"# Tiny\n\nReads nothing; \xc3\xbcbt nur.\n",
        LICENCE: b"Made up; no terms.\n",
        TRAINING_IMAGES: f"{fingerprint(black)}\n".encode(),
    }
    return write_bundle(home / "bundles" / "tiny", _tiny_description(), contents)


def _tiny_description() -> dict[str, object]:
    return {
        "schema_version": 1,
        "name": "tiny",
        "version": "0.1",
        "classes": ["NORMAL", "ABNORMAL", "PNEUMONIA"],
        "input": {"size": TINY_SIZE, "clahe_clip": 2.0, "clahe_tiles": 8, "channels": 3},
        "calibration": {"temperature": 1.5},
        "operating_point": {"label": "PNEUMONIA", "threshold": 0.4, "rule": "made up"},
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


def _tiny_graph() -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    looks_at = np.zeros((1, 3, TINY_GRID, TINY_GRID), np.float32)
    looks_at[0, 0, :2] = looks_at[0, 1, 2:, :4] = looks_at[0, 2, 2:, 4:] = 1
    gain = (TINY_GAIN / looks_at.sum(axis=(2, 3))).astype(np.float32)
    cell = TINY_SIZE // TINY_GRID
    nodes = [
        helper.make_node(
            "AveragePool", ["images"], ["cells"], kernel_shape=[cell] * 2, strides=[cell] * 2
        ),
        helper.make_node("Mul", ["cells", "looks_at"], ["activation_maps"]),
        helper.make_node("ReduceSum", ["activation_maps", "sides"], ["sums"], keepdims=0),
        helper.make_node("Mul", ["sums", "gain"], ["logits"]),
    ]
    shapes = {
        "images": ["n", 3, TINY_SIZE, TINY_SIZE],
        "logits": ["n", 3],
        "activation_maps": ["n", 3, TINY_GRID, TINY_GRID],
    }
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    }
    constants = {"looks_at": looks_at, "gain": gain, "sides": np.array([2, 3], np.int64)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [values["images"]],
        [values["logits"], values["activation_maps"]],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="tests"
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())
