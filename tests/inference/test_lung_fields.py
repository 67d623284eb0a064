"""The packaged segmenter finds lungs; what surrounds it counts and measures them rightly."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.errors import BundleError
from pneumoscope.inference import (
    LUNG_INPUT,
    LUNG_OUTPUT,
    LungFields,
    LungFieldsRecord,
    lungs_warning,
    packaged_lung_fields,
    share_inside,
)
from pneumoscope.inference.lung_fields import GRAPH, RECORD, read_record
from pneumoscope.synthetic import draw_phantom

SIZE = 64
FACTS: dict[str, Any] = {
    "size": SIZE,
    "clahe_clip": 2.0,
    "clahe_tiles": 4,
    "least_area": 0.05,
    "least_certainty": 0.5,
    "training_sets": (),
    "made_with": {},
    "figures": {},
}


def record(graph: bytes, **facts: Any) -> LungFieldsRecord:
    return LungFieldsRecord(sha256=hashlib.sha256(graph).hexdigest(), **FACTS | facts)


def painted_graph(size: int = SIZE) -> bytes:
    """A network that takes white for lung: the right one in the left half, the left one beside."""
    onnx = pytest.importorskip("onnx")
    half = np.zeros((1, 2, size, size), np.float32)
    half[0, 0, :, : size // 2] = half[0, 1, :, size // 2 :] = 10
    nodes = [
        onnx.helper.make_node("Mul", [LUNG_INPUT, "half"], ["bright"]),
        onnx.helper.make_node("Sub", ["bright", "five"], [LUNG_OUTPUT]),
    ]
    shapes = {LUNG_INPUT: ["n", 1, size, size], LUNG_OUTPUT: ["n", 2, size, size]}
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    constants = {"half": half, "five": np.array(5, np.float32)}
    graph = onnx.helper.make_graph(
        nodes,
        "painted",
        values[:1],
        values[1:],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def graph() -> bytes:
    return painted_graph()


@pytest.fixture(scope="module")
def painted(graph: bytes) -> LungFields:
    return LungFields(graph, record(graph))


def picture(*boxes: tuple[int, int, int, int], scale: int = 1) -> np.ndarray:
    """White boxes (top, bottom, left, right) on black."""
    pixels = np.zeros((SIZE, SIZE), np.float32)
    for top, bottom, left, right in boxes:
        pixels[top:bottom, left:right] = 1
    return np.kron(pixels, np.ones((scale, scale), np.float32))


RIGHT, LEFT = (10, 50, 6, 26), (10, 50, 40, 60)


def test_two_lungs_are_found_where_they_are(painted: LungFields) -> None:
    found = painted.find(picture(RIGHT, LEFT))
    assert np.array_equal(found.mask, picture(RIGHT, LEFT) > 0)
    assert found.right_area == found.left_area == 40 * 20 / SIZE**2
    assert found.lungs_found == 2
    assert min(found.right_certainty, found.left_certainty) > 0.9


def test_holes_are_filled_and_smaller_pieces_are_no_lung(painted: LungFields) -> None:
    pixels = picture(RIGHT, LEFT, (56, 62, 8, 20))
    pixels[20:30, 12:20] = 0
    found = painted.find(pixels)
    assert np.array_equal(found.mask, picture(RIGHT, LEFT) > 0)
    assert found.right_area == found.left_area


def test_narrow_bays_are_filled_and_wide_ones_are_not(painted: LungFields) -> None:
    pixels = picture(RIGHT, LEFT)
    pixels[22:25, 16:26] = 0
    filled = painted.find(pixels)
    assert filled.mask[22:25, 16:23].all()  # its mouth stays rounded
    assert filled.lungs_found == 2
    pixels[15:35, 16:26] = 0
    assert painted.find(pixels).mask[15:35, 16:26].mean() < 0.2


def test_right_is_the_patients_right(painted: LungFields) -> None:
    found = painted.find(picture(RIGHT))
    assert (found.right_area > 0, found.left_area, found.left_certainty) == (True, 0, 0)
    assert found.lungs_found == 1
    assert painted.find(picture(LEFT)).right_area == 0


def test_a_warning_says_how_many_lungs_were_found(painted: LungFields) -> None:
    assert lungs_warning(painted.find(picture(RIGHT, LEFT))) is None
    one, none = (lungs_warning(painted.find(picture(*boxes))) for boxes in ([LEFT], []))
    assert one is not None
    assert none is not None
    assert (one.code, none.code) == ("one_lung_found", "no_lung_found")


def test_what_is_small_or_uncertain_is_no_lung(graph: bytes) -> None:
    small = picture(RIGHT, (10, 20, 40, 50))
    assert LungFields(graph, record(graph)).find(small).lungs_found == 1
    assert LungFields(graph, record(graph, least_area=0.01)).find(small).lungs_found == 2
    whole = picture(RIGHT, LEFT)
    assert LungFields(graph, record(graph, least_certainty=1)).find(whole).lungs_found == 0


@pytest.mark.parametrize("shape", [(50, 90), (300, 128), (64, 64), (32, 1000)])
def test_the_mask_has_the_size_of_the_image(painted: LungFields, shape: tuple[int, int]) -> None:
    rows, columns = np.indices(shape) / np.array(shape)[:, None, None]
    lungs = (abs(rows - 0.5) < 0.3) & (abs(abs(columns - 0.5) - 0.25) < 0.15)
    found = painted.find(lungs.astype(np.float32))
    assert found.mask.shape == shape
    assert np.mean(found.mask != lungs) < 0.07
    assert found.right_area + found.left_area == pytest.approx(found.mask.mean(), abs=0.05)


def test_a_black_picture_has_no_lungs(painted: LungFields) -> None:
    found = painted.find(np.zeros((70, 80), np.float32))
    assert not found.mask.any()
    assert (found.right_area, found.left_area, found.lungs_found) == (0, 0, 0)


def test_a_changed_graph_is_refused(graph: bytes) -> None:
    with pytest.raises(BundleError, match="changed since"):
        LungFields(graph + b" ", record(graph))


@pytest.mark.parametrize("content", [b"", b"no graph"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="cannot be loaded"):
        LungFields(content, record(content))


def test_a_graph_of_another_size_is_refused(graph: bytes) -> None:
    with pytest.raises(BundleError, match="does not fit"):
        LungFields(graph, record(graph, size=96))


@pytest.mark.parametrize(
    ("change", "place"),
    [({"size": "wide"}, "size"), ({"further": 1}, "further"), ({"sha256": "x"}, "sha256")],
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
def lungs() -> LungFields:
    return packaged_lung_fields()


def test_the_packaged_files_are_small_and_name_their_terms() -> None:
    room = files("pneumoscope.inference")
    assert len(room.joinpath(GRAPH).read_bytes()) < 1_000_000
    told = read_record(room.joinpath(RECORD).read_bytes())
    assert {part.name for part in told.training_sets} >= {"lungs-tb", "rsna"}
    licences = " ".join(part.licence for part in told.training_sets)
    assert "non-commercial" in licences
    assert "CC BY-NC-SA" in licences


@pytest.mark.parametrize("seed", range(5))
def test_lungs_of_phantoms_are_found_with_and_without_opacities(
    lungs: LungFields, seed: int
) -> None:
    for opacity in (False, True):
        phantom = draw_phantom(seed, size=256, opacity=opacity)
        found = lungs.find(phantom.pixels)
        shared = 2 * np.sum(found.mask & phantom.lung_mask)
        assert shared / (found.mask.sum() + phantom.lung_mask.sum()) > 0.8
        assert found.lungs_found == 2


def test_a_mirror_exchanges_the_lungs(lungs: LungFields) -> None:
    pixels = draw_phantom(3, size=256).pixels
    found, mirrored = lungs.find(pixels), lungs.find(np.ascontiguousarray(pixels[:, ::-1]))
    assert found.right_area > 1.1 * found.left_area  # the heart lies on the left
    assert mirrored.left_area == pytest.approx(found.right_area, rel=0.1)
    assert mirrored.right_area == pytest.approx(found.left_area, rel=0.1)


def test_resolution_hardly_changes_the_mask(lungs: LungFields) -> None:
    areas = [lungs.find(draw_phantom(2, size=size).pixels).mask.mean() for size in (200, 512, 1400)]
    assert max(areas) - min(areas) < 0.02


def test_pictures_without_lungs_have_fewer_than_two(lungs: LungFields) -> None:
    rng = np.random.default_rng(0)
    noise = rng.random((200, 200), np.float32)
    tiles = draw_phantom(1, size=128).pixels.reshape(4, 32, 4, 32).transpose(0, 2, 1, 3)
    mixed = rng.permutation(tiles.reshape(16, 32, 32)).reshape(4, 4, 32, 32)
    for pixels in (noise, np.ascontiguousarray(mixed.transpose(0, 2, 1, 3).reshape(128, 128))):
        found = lungs.find(pixels)
        assert found.lungs_found < 2
        assert lungs_warning(found) is not None


def test_answers_from_many_threads_are_the_same(lungs: LungFields) -> None:
    phantoms = [draw_phantom(seed, size=128).pixels for seed in range(4)] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lungs.find, phantoms))
    for pixels, found in zip(phantoms, together, strict=True):
        assert np.array_equal(found.mask, lungs.find(pixels).mask)


MAPS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.floats(0, 8, width=32),
)


@given(values=MAPS, seed=st.integers(0, 1000), scale=st.sampled_from([1, 2, 5]))
def test_shares_inside_and_outside_make_the_whole(
    values: np.ndarray, seed: int, scale: int
) -> None:
    mask = np.random.default_rng(seed).random(np.multiply(values.shape, scale)) < 0.5
    inside, outside = share_inside(values, mask), share_inside(values, ~mask)
    if values.sum() == 0:
        assert inside == outside == 0
    else:
        assert 0 <= inside <= 1
        assert inside + outside == pytest.approx(1, abs=1e-5)
        assert share_inside(values, np.ones_like(mask)) == pytest.approx(1, abs=1e-6)


def test_a_share_counts_cells_that_are_cut_through() -> None:
    mask = np.zeros((40, 40), np.bool_)
    mask[:, :10] = True
    # The mask covers the first of four columns: wholly, or half of the first of two.
    assert share_inside(np.ones((4, 4), np.float32), mask) == pytest.approx(0.25)
    assert share_inside(np.array([[3, 1]], np.float32), mask) == pytest.approx(3 / 8)


@pytest.mark.shared
def test_held_out_lungs_that_were_drawn_by_hand_are_found(
    lungs: LungFields, shared_data: Path
) -> None:
    examples = pytest.importorskip("pneumoscope.lab.lungs.examples")
    held_out = [e for e in examples.pictures(shared_data, "lungs-tb") if e.held_out and e.mask][:15]
    shares = []
    for example in held_out:
        found, drawn = lungs.find(example.pixels()).mask, example.fields() > 0
        shares.append(2 * np.sum(found & drawn) / (found.sum() + drawn.sum()))
    stated = lungs.record.figures["agreement"]["lungs-tb"]["dice"]["value"]
    assert np.mean(shares) == pytest.approx(stated, abs=0.02)


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_the_packaged_network_finds_no_lungs_in_a_picture_of_one_grey(grey: float) -> None:
    found = packaged_lung_fields().find(np.full((256, 256), grey, np.float32))
    assert found.lungs_found == 0
    assert not found.mask.any()
