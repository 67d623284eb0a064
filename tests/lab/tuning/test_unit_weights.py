"""Numbers from feature matrices against plain loops, and the rates that follow from weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("torch")
pytest.importorskip("deap")

import torch

from pneumoscope.errors import InputError
from pneumoscope.lab.networks import MAX_UNIT_RATE, UnitDropout
from pneumoscope.lab.tuning import UNIT_WEIGHTS, describe_maps, unit_weights, weighted_rates

pytestmark = pytest.mark.lab

WEIGHTS = arrays(
    np.float64, st.integers(1, 60), elements=st.one_of(st.just(0.0), st.floats(1e-6, 1e6))
)
RATES = st.floats(0, MAX_UNIT_RATE)


@given(WEIGHTS, RATES)
def test_rates_have_the_mean_that_is_asked_for_and_stay_within_their_bounds(weights, rate):
    rates = np.array(weighted_rates(weights, rate))
    assert rates.mean() == pytest.approx(rate, abs=1e-6)
    assert rates.min() >= 0
    assert rates.max() <= MAX_UNIT_RATE
    UnitDropout(rates.tolist())


@given(WEIGHTS, RATES)
def test_a_unit_of_larger_weight_is_never_dropped_more(weights, rate):
    rates = np.array(weighted_rates(weights, rate))[np.argsort(weights)]
    assert np.all(np.diff(rates) <= 1e-12)


def test_within_the_bounds_units_are_kept_in_proportion_to_their_weights():
    rates = np.array(weighted_rates(np.array([1.0, 2.0, 3.0]), 0.6))
    assert (1 - rates).tolist() == pytest.approx([0.2, 0.4, 0.6])


@given(WEIGHTS, RATES, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_rates_do_not_depend_on_the_unit_of_measure_or_the_units_order(weights, rate, by, random):
    rates = np.array(weighted_rates(weights, rate))
    assert weighted_rates(weights * by, rate) == pytest.approx(rates, abs=1e-6)
    order = random.sample(range(len(weights)), len(weights))
    assert weighted_rates(weights[order], rate) == pytest.approx(rates[order], abs=1e-6)


@given(st.integers(1, 40), st.sampled_from([0.0, 0.25, 3.0]), RATES)
def test_equal_weights_are_plain_dropout(units, weight, rate):
    assert weighted_rates(np.full(units, weight), rate) == pytest.approx([rate] * units, abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "rate", "named"),
    [
        ([], 0.5, "weights"),
        ([1.0, -0.1], 0.5, "weights"),
        ([1.0, float("nan")], 0.5, "weights"),
        ([1.0, float("inf")], 0.5, "weights"),
        ([1.0, 2.0], 0.96, "rate"),
        ([1.0, 2.0], -0.1, "rate"),
        ([1.0, 2.0], float("nan"), "rate"),
    ],
)
def test_weights_and_rates_that_cannot_be_are_refused(weights, rate, named):
    with pytest.raises(InputError, match=f"^{named}: "):
        weighted_rates(np.array(weights), rate)


def _maps(rows=3, columns=4):
    """12 images, 5 units; the second is always 0, and the third tells the two classes."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(12, 5, rows, columns))
    maps[:, 1] = 0
    labels = np.arange(12) % 2
    maps[:, 2] += 4 * labels[:, np.newaxis, np.newaxis]
    return torch.from_numpy(maps), torch.from_numpy(labels)


def _slowly(maps, labels, way):
    found = []
    for unit in range(maps.shape[1]):
        matrices = maps[:, unit].numpy()
        means = np.array([matrix.mean() for matrix in matrices])
        if way == "activation":
            found.append(np.mean([np.abs(matrix).mean() for matrix in matrices]))
        elif way == "deviation":
            found.append(matrices.std())
        elif way == "nuclear":
            found.append(np.mean([np.linalg.norm(matrix, "nuc") for matrix in matrices]))
        elif means.std() == 0:
            found.append(0.0)
        else:  # of two classes, the correlation ratio is the absolute correlation
            found.append(abs(np.corrcoef(means, labels.numpy())[0, 1]))
    return found


@pytest.mark.parametrize("way", UNIT_WEIGHTS)
@pytest.mark.parametrize("side", [(3, 4), (1, 1)])
def test_each_number_is_that_of_a_plain_loop(way, side):
    maps, labels = _maps(*side)
    weights = unit_weights(describe_maps(maps), labels, way)
    np.testing.assert_allclose(weights, _slowly(maps, labels, way), atol=1e-12)
    assert weights[1] == 0


@pytest.mark.parametrize("way", UNIT_WEIGHTS)
def test_batches_can_be_described_one_after_the_other_and_images_in_any_order(way):
    maps, labels = _maps()
    whole = unit_weights(describe_maps(maps), labels, way)
    parts = torch.cat([describe_maps(maps[:5]), describe_maps(maps[5:])])
    np.testing.assert_allclose(unit_weights(parts, labels, way), whole)
    order = torch.from_numpy(np.random.default_rng(1).permutation(12))
    np.testing.assert_allclose(unit_weights(parts[order], labels[order], way), whole)


def test_the_unit_that_tells_the_classes_is_dropped_least_and_labels_count_for_that_alone():
    maps, labels = _maps()
    described = describe_maps(maps)
    rates = weighted_rates(unit_weights(described, labels, "difference"), 0.5)
    assert np.argmin(rates) == 2
    for way in UNIT_WEIGHTS:
        same = np.allclose(
            unit_weights(described, labels, way),
            unit_weights(described, torch.zeros_like(labels), way),
        )
        assert same == (way != "difference")


def test_the_nuclear_norm_tells_maps_apart_that_answer_as_strongly():
    flat, varied = torch.ones(1, 1, 4, 4), 4 * torch.eye(4).reshape(1, 1, 4, 4)
    described = describe_maps(torch.cat([flat, varied], dim=1))
    labels = torch.zeros(1, dtype=torch.int64)
    activation = unit_weights(described, labels, "activation")
    nuclear = unit_weights(described, labels, "nuclear")
    assert activation[0] == activation[1]
    assert nuclear == pytest.approx([4, 16])


def test_a_weight_that_does_not_exist_is_named():
    maps, labels = _maps()
    with pytest.raises(InputError, match="weight 'entropy' does not exist; there are: activation"):
        unit_weights(describe_maps(maps), labels, "entropy")
