"""From folders to the two files, on made-up radiographs: the files work, and say what they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import torch

from pneumoscope.errors import InputError, PneumoscopeError
from pneumoscope.inference import LungFields
from pneumoscope.inference.lung_fields import read_record
from pneumoscope.lab.lungs import LungsResult, train_lungs
from pneumoscope.lab.lungs.export import check_parity, to_graph
from pneumoscope.lab.lungs.network import LungNet
from pneumoscope.synthetic import draw_phantom

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def result(lung_data: Path, tmp_path_factory: pytest.TempPathFactory) -> LungsResult:
    return train_lungs(lung_data, tmp_path_factory.mktemp("out") / "lungs.onnx", steps=60)


def test_the_files_find_lungs(result: LungsResult) -> None:
    record = read_record(result.record.read_bytes())
    lungs = LungFields(result.graph.read_bytes(), record)
    phantom = draw_phantom(77, size=128)
    found = lungs.find(phantom.pixels).mask
    shared = 2 * np.sum(found & phantom.lung_mask)
    assert shared / (found.sum() + phantom.lung_mask.sum()) > 0.6
    assert {part.name for part in record.training_sets} == {
        "lungs-tb", "rsna", "rsna-normals", "nih-graded",
    }  # fmt: skip


def test_the_figures_are_of_the_held_out_and_of_every_folder(result: LungsResult) -> None:
    figures = json.loads(result.record.read_text("utf-8"))["figures"]
    assert figures == result.figures
    assert figures["agreement"]["cohen-opacity"]["images"] == 11
    assert 0.5 < figures["agreement"]["cohen-opacity"]["dice"]["value"] < 1
    assert figures["agreement"]["rsna-normals"]["images"] < 12
    assert figures["opacities"]["cohen-opacity"]["inside_given_mask"]["value"] == 1
    counted = {row["source"]: row["all"]["none"]["pictures"] for row in figures["lungs_found"]}
    # The twelfth knee is a picture of one grey, which cannot be read.
    assert counted == {
        "rsna": 12, "rsna-normals": 12, "nih-graded": 12, "nih-weak": 12, "lungs-tb": 12,
        "cohen-opacity": 12, "guangzhou": 12, "not-chest": 5, "covid-ct": 6,
    }  # fmt: skip


def test_nothing_of_this_machine_is_in_the_files(result: LungsResult, lung_data: Path) -> None:
    content = result.graph.read_bytes() + result.record.read_bytes()
    for place in (str(Path.home()), str(lung_data), str(Path(torch.__file__).parent), __file__):
        assert place.encode() not in content
    assert b".py" not in content


def test_another_ending_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.onnx"):
        train_lungs(tmp_path / "nowhere", tmp_path / "lungs.bin")


def test_a_graph_that_differs_is_not_written() -> None:
    network, images = LungNet().eval(), np.random.default_rng(0).random((2, 1, 64, 64), np.float32)
    graph = to_graph(network, 64)
    assert check_parity(network, graph, images) < 1e-4
    with torch.no_grad():
        network.output.bias += 0.01
    with pytest.raises(PneumoscopeError, match="differs"):
        check_parity(network, graph, images)
