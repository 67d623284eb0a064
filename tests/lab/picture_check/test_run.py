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

from pneumoscope.errors import InputError
from pneumoscope.inference import PictureChecker
from pneumoscope.inference.picture_check import read_record
from pneumoscope.lab.lungs.examples import pictures
from pneumoscope.lab.picture_check import PictureCheckResult, train_picture_check
from pneumoscope.lab.picture_check.pictures import Part, chests_of, part_of
from pneumoscope.lab.picture_check.train import known_cross_entropy
from pneumoscope.synthetic import Phantom

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def result(check_data: Path, tmp_path_factory: pytest.TempPathFactory) -> PictureCheckResult:
    out = tmp_path_factory.mktemp("out") / "check.onnx"
    return train_picture_check(check_data, out, steps=25, phantoms=4)


def test_the_files_tell_bone_from_air(result: PictureCheckResult, phantoms: list[Phantom]) -> None:
    record = read_record(result.record.read_bytes())
    checker = PictureChecker(result.graph.read_bytes(), record)
    usual = [checker.look(phantom.pixels).scores["inverted"] for phantom in phantoms]
    inverted = [checker.look(1 - phantom.pixels).scores["inverted"] for phantom in phantoms]
    assert min(inverted) > max(usual)


def test_the_figures_are_of_the_held_out(result: PictureCheckResult, check_data: Path) -> None:
    figures = json.loads(result.record.read_text("utf-8"))["figures"]
    assert figures == result.figures
    expected = {f"{example.source} PA" for example in chests_of(check_data, Part.REPORT)}
    assert set(figures["ordinary"]) == expected | {"phantoms", "all radiographs"}
    held_out = [part_of(e) is Part.REPORT for e in pictures(check_data, "rsna")]
    assert figures["ordinary"]["rsna PA"]["refused"]["pictures"] == sum(held_out)
    # None of the external ones trained.
    assert figures["ordinary"]["cohen-opacity PA"]["refused"]["pictures"] == 20
    assert set(figures["damaged"]) == {
        "inverted", "upside_down", "rotated", "screen_photograph", "cropped", "mirrored",
    }  # fmt: skip
    assert "made up" in figures["not_chest"]


def test_a_patient_has_one_part_in_all_folders(check_data: Path) -> None:
    parts = [part_of(example) for example in pictures(check_data, "guangzhou")]
    assert set(parts) == set(Part)
    assert parts == [part_of(example) for example in pictures(check_data, "guangzhou")]


def test_nothing_of_this_machine_is_in_the_files(
    result: PictureCheckResult, check_data: Path
) -> None:
    content = result.graph.read_bytes() + result.record.read_bytes()
    for place in (str(Path.home()), str(check_data), str(Path(torch.__file__).parent), __file__):
        assert place.encode() not in content
    assert b".py" not in content


def test_another_ending_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.onnx"):
        train_picture_check(tmp_path / "nowhere", tmp_path / "check.bin")


def test_what_is_not_known_is_not_learnt() -> None:
    labels = torch.tensor([[1.0, -1.0, 0.0], [-1.0, -1.0, 0.0]])
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = known_cross_entropy(logits, labels)
    loss.backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad == 0, labels < 0)
    wrong = torch.where(labels < 0, torch.tensor(50.0), logits.detach())
    assert known_cross_entropy(wrong, labels).item() == pytest.approx(loss.item())
    assert np.isfinite(known_cross_entropy(logits, torch.full((2, 3), -1.0)).item())
