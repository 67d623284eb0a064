"""The packaged check refuses what is no upright frontal chest; what surrounds it is right."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.catalogue import to_sentence
from pneumoscope.errors import BundleError
from pneumoscope.imaging import read_radiograph
from pneumoscope.inference import (
    CHECK_INPUT,
    CHECK_OUTPUT,
    LEARNT_CODES,
    PictureChecker,
    PictureCheckRecord,
    packaged_picture_check,
)
from pneumoscope.inference.picture_check import GRAPH, RECORD, read_record
from pneumoscope.synthetic import draw_ct_slice, draw_phantom, write_dicom, write_png

BAND = 8
SIZE = BAND * len(LEARNT_CODES)
FACTS: dict[str, Any] = {
    "size": SIZE,
    "clahe_clip": 2.0,
    "clahe_tiles": 4,
    "thresholds": dict.fromkeys(LEARNT_CODES, 0.5),
    "training_sets": (),
    "made_with": {},
    "figures": {},
}


def record(graph: bytes, **facts: Any) -> PictureCheckRecord:
    return PictureCheckRecord(sha256=hashlib.sha256(graph).hexdigest(), **FACTS | facts)


@pytest.fixture(scope="module")
def graph() -> bytes:
    """A network that tells the first code of a white band on top, the second of the next, ..."""
    onnx = pytest.importorskip("onnx")
    nodes = [
        onnx.helper.make_node("MatMul", ["flat", "bands"], ["sums"]),
        onnx.helper.make_node("Sub", ["sums", "four"], [CHECK_OUTPUT]),
        onnx.helper.make_node("Flatten", [CHECK_INPUT], ["flat"]),
    ]
    bands = np.kron(np.eye(len(LEARNT_CODES)), np.full((BAND * SIZE, 1), 8 / (BAND * SIZE)))
    constants = {"bands": bands.astype(np.float32), "four": np.array(4, np.float32)}
    shapes = {CHECK_INPUT: ["n", 1, SIZE, SIZE], CHECK_OUTPUT: ["n", len(LEARNT_CODES)]}
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    made = onnx.helper.make_graph(
        [nodes[2], *nodes[:2]],
        "bands",
        values[:1],
        values[1:],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(made, opset_imports=opset, ir_version=9)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def banded(graph: bytes) -> PictureChecker:
    return PictureChecker(graph, record(graph))


def white(*codes: str) -> np.ndarray:
    pixels = np.zeros((SIZE, SIZE), np.float32)
    for code in codes:
        place = LEARNT_CODES.index(code) * BAND
        pixels[place : place + BAND] = 1
    return pixels


@pytest.mark.parametrize("code", [code for code in LEARNT_CODES if code != "mirrored"])
def test_each_code_is_told_alone_with_a_way_out(banded: PictureChecker, code: str) -> None:
    check = banded.look(white(code))
    assert check.codes == (code,)
    assert check.warnings == ()
    assert max(check.scores, key=lambda name: check.scores[name]) == code
    reason = to_sentence(check.refusals[0])
    assert any(word in reason for word in ("try again", "export", "give"))


def test_several_reasons_are_told_together(banded: PictureChecker) -> None:
    assert banded.look(white("inverted", "rotated")).codes == ("rotated", "inverted")


def test_what_is_no_chest_is_refused_for_this_alone(banded: PictureChecker) -> None:
    check = banded.look(white("not_frontal_chest", "inverted", "mirrored"))
    assert check.codes == ("not_frontal_chest",)
    assert check.warnings == ()


def test_mirrored_is_a_warning_and_never_a_refusal(banded: PictureChecker) -> None:
    check = banded.look(white("mirrored"))
    assert check.refusals == ()
    assert len(check.warnings) == 1
    assert check.warnings[0].code == "mirrored"
    # A picture that is not read has no use for it.
    assert banded.look(white("mirrored", "cropped")).warnings == ()


def test_a_code_is_told_from_its_threshold_on(graph: bytes) -> None:
    pixels = white("cropped")
    score = PictureChecker(graph, record(graph)).look(pixels).scores["cropped"]
    for threshold, codes in ((score, ("cropped",)), (score + 1e-6, ())):
        thresholds = dict.fromkeys(LEARNT_CODES, 0.9) | {"cropped": threshold}
        assert PictureChecker(graph, record(graph, thresholds=thresholds)).look(pixels).codes == (
            codes
        )


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 0.005), (1, 1), (0.5, 0.5), (0.3, 0.35)])
def test_what_shows_nothing_is_refused_without_the_network(
    banded: PictureChecker, low: float, high: float
) -> None:
    ramp = np.linspace(low, high, 200 * 120, dtype=np.float32).reshape(200, 120)
    check = banded.look(ramp)
    assert check.codes == ("exposure",)
    assert check.scores == {}


def test_few_bright_pixels_on_black_show_nothing(banded: PictureChecker) -> None:
    pixels = np.zeros((100, 100), np.float32)
    pixels[:10, :10] = 1
    assert banded.look(pixels).codes == ("exposure",)


def test_a_changed_graph_is_refused(graph: bytes) -> None:
    with pytest.raises(BundleError, match="changed since"):
        PictureChecker(graph + b" ", record(graph))


@pytest.mark.parametrize("content", [b"", b"no graph"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="cannot be loaded"):
        PictureChecker(content, record(content))


def test_a_graph_of_another_size_is_refused(graph: bytes) -> None:
    with pytest.raises(BundleError, match="does not fit"):
        PictureChecker(graph, record(graph, size=96))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"size": "wide"}, "size"),
        ({"further": 1}, "further"),
        ({"sha256": "x"}, "sha256"),
        ({"thresholds": {"inverted": 0.5}}, "thresholds"),
        ({"thresholds": dict.fromkeys(LEARNT_CODES, 0.0)}, "thresholds"),
        ({"thresholds": dict.fromkeys(LEARNT_CODES, 1.5)}, "thresholds"),
    ],
)
def test_a_record_that_is_not_valid_is_refused(
    graph: bytes, change: dict[str, Any], place: str
) -> None:
    told = json.loads(record(graph).model_dump_json())
    assert read_record(json.dumps(told).encode()) == record(graph)
    with pytest.raises(BundleError, match=place):
        read_record(json.dumps(told | change).encode())


# The packaged network. Phantoms are no radiographs: they prove that it works, not how well.


@pytest.fixture(scope="module")
def checker() -> PictureChecker:
    return packaged_picture_check()


def test_the_packaged_files_are_small_and_name_their_terms() -> None:
    room = files("pneumoscope.inference")
    assert len(room.joinpath(GRAPH).read_bytes()) < 1_000_000
    told = read_record(room.joinpath(RECORD).read_bytes())
    assert {part.name for part in told.training_sets} >= {"guangzhou", "rsna", "phantoms"}
    assert "non-commercial" in " ".join(part.licence for part in told.training_sets)


@pytest.mark.parametrize("view", ["PA", "AP"])
@pytest.mark.parametrize("seed", range(6))
def test_phantoms_pass_as_files(
    checker: PictureChecker, seed: int, view: Any, tmp_path: Path
) -> None:
    phantom = draw_phantom(seed, size=512, opacity=seed % 2 == 1, view=view)
    write_png(phantom, tmp_path / "phantom.png")
    write_dicom(phantom, tmp_path / "phantom.dcm")
    for name in ("phantom.png", "phantom.dcm"):
        check = checker.look(read_radiograph(tmp_path / name).pixels)
        assert (check.codes, check.warnings) == ((), ())


@pytest.mark.parametrize("size", [128, 200, 1024, 1400])
def test_the_size_of_a_phantom_does_not_matter(checker: PictureChecker, size: int) -> None:
    assert checker.look(draw_phantom(6, size=size).pixels).codes == ()


@pytest.mark.parametrize("seed", range(4))
def test_turned_and_inverted_phantoms_are_refused(checker: PictureChecker, seed: int) -> None:
    pixels = draw_phantom(seed, size=256).pixels
    ways = {
        "inverted": [1 - pixels],
        "upside_down": [pixels[::-1, ::-1]],
        "rotated": [np.rot90(pixels), np.rot90(pixels, 3)],
    }
    for code, pictures in ways.items():
        for picture in pictures:
            assert code in checker.look(np.ascontiguousarray(picture)).codes


def test_a_mirrored_phantom_is_warned_of(checker: PictureChecker) -> None:
    pixels = draw_phantom(2, size=256).pixels
    check = checker.look(np.ascontiguousarray(pixels[:, ::-1]))
    assert check.refusals == ()
    assert check.warnings[0].code == "mirrored"


def test_other_pictures_are_refused(checker: PictureChecker) -> None:
    rng = np.random.default_rng(0)
    printed = np.full((300, 300), 255, np.uint8)
    for line in range(20, 300, 22):
        cv2.putText(printed, "Chest, frontal: clear.", (8, line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0)
    page = np.divide(printed, 255, dtype=np.float32)
    clouds = cv2.GaussianBlur(rng.random((200, 200), np.float32), (0, 0), 9)
    clouds = (clouds - clouds.min()) / np.ptp(clouds)
    for pixels in (rng.random((200, 200), np.float32), clouds, page, draw_ct_slice(5, size=256)):
        assert checker.look(pixels).codes == ("not_frontal_chest",)


def test_answers_from_many_threads_are_the_same(checker: PictureChecker) -> None:
    phantoms = [draw_phantom(seed, size=128).pixels for seed in range(4)] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(checker.look, phantoms))
    assert together == [checker.look(pixels) for pixels in phantoms]


PICTURES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=32, max_side=60),
    elements=st.floats(0, 1, width=32),
)


@given(pixels=PICTURES)
@settings(max_examples=40)
def test_any_picture_gets_an_answer_of_known_codes(pixels: np.ndarray) -> None:
    check = packaged_picture_check().look(pixels)
    assert check == packaged_picture_check().look(pixels)
    assert set(check.codes) <= {*LEARNT_CODES, "exposure"} - {"mirrored"}
    assert len(set(check.codes)) == len(check.codes)
    assert set(check.scores) in (set(), set(LEARNT_CODES))
    assert (check.scores == {}) == (check.codes == ("exposure",))


@given(
    seed=st.integers(0, 3),
    gamma=st.floats(0.75, 1.35),
    low=st.floats(0, 0.15),
    high=st.floats(0.85, 1),
)
@settings(max_examples=30)
def test_the_exposure_of_a_phantom_does_not_matter(
    seed: int, gamma: float, low: float, high: float
) -> None:
    pixels = draw_phantom(seed, size=128).pixels
    changed = (low + (high - low) * pixels**gamma).astype(np.float32)
    assert packaged_picture_check().look(changed).codes == ()
