"""How maps agree with boxes: known cases, invariances, parity with slow plain versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from pneumoscope.findings import Heatmap
from pneumoscope.metrics import (
    SALIENCY_MEASURES,
    Box,
    Estimate,
    MapFit,
    MeasuredImage,
    box_mask,
    fit_map,
    fixed_maps,
    measure_saliency,
    place_of,
)

SHAPE = (24, 16)
BOXES = (Box(0.25, 0.5, 0.25, 0.25), Box(0.5, 0.125, 0.25, 0.25))


def heat(values: np.ndarray, mask: np.ndarray | None = None) -> Heatmap:
    marked = values > 0.5 if mask is None else mask
    return Heatmap(values.astype(np.float32), marked, float(marked.mean()), (), "PNEUMONIA")


def four(fit: MapFit) -> list[float]:
    return [getattr(fit, name) for name in SALIENCY_MEASURES]


# Boxes whose borders are pixel borders, so that a mirror image has them, too.
spans = st.tuples(st.integers(0, 7), st.integers(1, 8)).filter(lambda s: s[0] + s[1] <= 8)
boxes = st.lists(
    st.builds(lambda a, b: Box(a[0] / 8, b[0] / 8, a[1] / 8, b[1] / 8), spans, spans),
    min_size=1,
    max_size=3,
)
maps = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 9, SHAPE) / 8
)


def test_a_map_of_the_boxes_themselves_is_perfect():
    assert four(fit_map(heat(box_mask(BOXES, SHAPE).astype(float)), BOXES)) == [1, 1, 1, 1]


@given(boxes=boxes)
def test_an_even_map_has_the_boxes_share_of_the_area(boxes):
    area = box_mask(boxes, SHAPE).mean()
    fit = fit_map(heat(np.full(SHAPE, 0.7), np.ones(SHAPE, bool)), boxes)
    assert four(fit) == pytest.approx([area] * 4)


def test_an_empty_map_looks_nowhere():
    fit = fit_map(heat(np.zeros(SHAPE)), BOXES)
    assert four(fit) == pytest.approx([box_mask(BOXES, SHAPE).mean(), 0, 0, 0])


def test_a_map_of_everything_else_misses():
    fit = fit_map(heat(1.0 - box_mask(BOXES, SHAPE)), BOXES)
    assert (fit.mass, fit.mask, fit.pointing) == (0, 0, 0)
    assert fit.auprc == pytest.approx(box_mask(BOXES, SHAPE).mean())


@given(values=maps, boxes=boxes, factor=st.sampled_from([1e-3, 0.3, 2.0, 77.0]))
def test_the_scale_of_a_map_changes_nothing(values, boxes, factor):
    mask = values > 0.5
    found = four(fit_map(heat(values * factor, mask), boxes))
    assert found == pytest.approx(four(fit_map(heat(values, mask), boxes)), rel=1e-5)


@given(values=maps, boxes=boxes)
def test_a_mirror_image_changes_nothing(values, boxes):
    mirrored = [Box(1 - b.x - b.width, b.y, b.width, b.height) for b in boxes]
    found = four(fit_map(heat(values[:, ::-1]), mirrored))
    assert found == pytest.approx(four(fit_map(heat(values), boxes)))


@given(values=maps, boxes=boxes)
def test_the_measures_agree_with_plain_versions(values, boxes):
    fit, inside = fit_map(heat(values), boxes), box_mask(boxes, SHAPE)
    plain = average_precision_score(inside.ravel(), values.ravel())
    assert fit.auprc == pytest.approx(plain)
    pixels = list(np.ndindex(SHAPE))
    total = sum(values[p] for p in pixels)
    assert fit.mass == pytest.approx(sum(values[p] for p in pixels if inside[p]) / total)
    marked = [p for p in pixels if values[p] > 0.5]
    assert fit.mask == pytest.approx(sum(inside[p] for p in marked) / len(marked))
    peaks = [p for p in pixels if values[p] == values.max()]
    assert fit.pointing == pytest.approx(sum(inside[p] for p in peaks) / len(peaks))


def test_a_patient_s_own_boxes_are_not_in_the_fixed_map():
    rng = np.random.default_rng(0)
    sets = [[Box(*rng.uniform(0, 0.5, 2), *rng.uniform(0.1, 0.5, 2))] for _ in range(9)]
    patients = list("aabcccdee")
    found = fixed_maps(sets, patients)
    for patient, mean in found.items():
        others = [
            box_mask(b, (64, 64)) for b, p in zip(sets, patients, strict=True) if p != patient
        ]
        np.testing.assert_allclose(mean, np.mean(others, axis=0), atol=1e-6)
    assert set(found) == set("abcde")


def test_one_patient_has_no_others():
    with pytest.raises(ValueError, match="one patient"):
        fixed_maps([BOXES, BOXES], ["a", "a"])


def measured(patient: str, heatmap: float, fixed: float, *, area=0.1, **changes):
    fits = [MapFit(*[value] * len(SALIENCY_MEASURES)) for value in (heatmap, fixed)]
    given = {"empty": False, "answered": True} | changes
    return MeasuredImage(patient, area, heatmap=fits[0], fixed=fits[1], **given)


def test_means_and_paired_differences():
    rng = np.random.default_rng(1)
    rows = rng.uniform(0, 1, (30, 2))
    images = [
        measured(str(i // 2), a, b, empty=i == 0, answered=i < 20) for i, (a, b) in enumerate(rows)
    ]
    found = measure_saliency(images, resamples=200)
    assert (found.n, found.patients, found.empty, found.answered) == (30, 15, 1, 20)
    assert found.area.value == pytest.approx(0.1)
    assert found.note is None
    for item in found.measures.values():
        assert item.heatmap.value == pytest.approx(rows[:, 0].mean())
        assert item.fixed.value == pytest.approx(rows[:, 1].mean())
        assert item.over_fixed.value == pytest.approx((rows[:, 0] - rows[:, 1]).mean())
        assert item.over_area.value == pytest.approx(rows[:, 0].mean() - 0.1)


def test_a_paired_interval_knows_that_hard_images_are_hard_for_both():
    base = np.random.default_rng(2).uniform(0, 0.9, 40)
    images = [measured(str(i), b + 0.05 + 0.001 * (i % 2), b) for i, b in enumerate(base)]
    item = measure_saliency(images, resamples=200).measures["auprc"]
    assert item.heatmap.low < item.fixed.high  # apart, they overlap
    assert item.place == "above"


@pytest.mark.parametrize(
    ("shift", "words"),
    [(0.2, "better than a fixed map"), (-0.2, "worse than a fixed map"), (0, "It is not shown")],
)
def test_the_verdict_follows_its_rule(shift, words):
    noise = np.resize([0.05, -0.05], 40)
    images = [measured(str(i), 0.4 + shift + e, 0.4) for i, e in enumerate(noise)]
    found = measure_saliency(images, resamples=200)
    assert words in found.verdict
    assert found.as_dict()["verdict"] == found.verdict


def test_one_patient_allows_no_verdict_and_few_images_are_told():
    found = measure_saliency([measured("a", 0.9, 0.1)] * 3)
    assert "no verdict" in found.verdict
    assert found.measures["auprc"].place is None
    assert found.note == "fewer than 20 images"


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [(0.1, 0.2, "above"), (-0.2, -0.1, "below"), (-0.1, 0.1, "across"), (0.0, 0.1, "across")],
)
def test_place_of_an_interval(low, high, place):
    assert place_of(Estimate(0.0, low, high)) == place
    assert place_of(Estimate(0.0)) is None
