"""Patients stay whole, draws repeat, and the intervals cover the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.metrics import Estimate, accuracy, bootstrap, patient_weights

patient_lists = st.lists(st.sampled_from(["p1", "p2", "p3", "p10", "ä"]), min_size=1, max_size=30)


def all_weights(patients, resamples, seed=0):
    return np.concatenate(list(patient_weights(patients, resamples, seed)))


@given(patient_lists, st.integers(1, 20), st.integers(0, 100))
def test_patients_stay_whole_and_as_many_are_drawn_as_there_are(patients, resamples, seed):
    weights = all_weights(patients, resamples, seed)
    assert weights.shape == (resamples, len(patients))
    first = {patient: patients.index(patient) for patient in patients}
    for index, patient in enumerate(patients):
        np.testing.assert_array_equal(weights[:, index], weights[:, first[patient]])
    assert (weights[:, list(first.values())].sum(axis=1) == len(first)).all()


@given(st.permutations(["a", "a", "b", "c", "c", "c", "d"]))
def test_the_order_of_the_images_does_not_matter(patients):
    reference = dict(zip("abcd", all_weights(["a", "b", "c", "d"], 5).T, strict=True))
    shuffled = all_weights(patients, 5)
    for column, patient in zip(shuffled.T, patients, strict=True):
        np.testing.assert_array_equal(column, reference[patient])


def test_draws_are_multinomial_across_many_blocks():
    patients = [str(i) for i in range(3000)]
    blocks = list(patient_weights(patients, 1000, 1))
    assert len(blocks) > 1
    weights = np.concatenate(blocks)
    assert weights.shape == (1000, 3000)
    assert len({row.tobytes() for row in weights}) == 1000
    # Each patient is drawn once on average, and left out with chance (1 - 1/n)^n, about 1/e.
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.2)
    assert (weights == 0).mean() == pytest.approx(np.exp(-1), abs=0.005)


def one_accuracy(correct):
    right = correct.astype(np.intp)
    return {"accuracy": lambda weights: accuracy(np.ones_like(right), right, weights)}


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    correct = np.random.default_rng(0).random(200) < 0.7
    patients = [str(i) for i in range(200)]

    def run(seed):
        return bootstrap(one_accuracy(correct), patients, 300, seed)["accuracy"]

    assert run(1) == run(1)
    assert (run(1).low, run(1).high) != (run(2).low, run(2).high)


def test_intervals_cover_the_truth_and_ignoring_patients_does_not():
    """200 studies of 60 patients with 4 images each, whose chance of success is the patient's."""
    rng = np.random.default_rng(11)
    patients = np.repeat(np.arange(60), 4).astype(str).tolist()
    images = [str(i) for i in range(240)]
    covered = {"patients": 0, "images": 0}
    for seed in range(200):
        chance = np.repeat(rng.beta(0.35, 0.15, 60), 4)  # mean 0.7
        metrics = one_accuracy(rng.random(240) < chance)
        for name, groups in (("patients", patients), ("images", images)):
            found = bootstrap(metrics, groups, 200, seed)["accuracy"]
            covered[name] += found.low <= 0.7 <= found.high
    assert 0.89 <= covered["patients"] / 200 <= 0.99
    assert covered["images"] < covered["patients"] - 20


def test_undefined_resamples_are_dropped_and_counted():
    patients = ["a", "b", "c"]

    def needs_a(weights):
        return np.where(weights[:, 0] > 0, weights[:, 0], np.nan)

    found = bootstrap({"metric": needs_a}, patients, 400, 0)["metric"]
    counts = all_weights(patients, 400)[:, 0]
    assert found.dropped == (counts == 0).sum() > 0
    assert [found.low, found.high] == np.quantile(counts[counts > 0], [0.025, 0.975]).tolist()


def test_no_interval_from_one_patient_from_no_draw_or_from_mostly_undefined_draws():
    def rarely(weights):
        return np.where((weights == 1).all(axis=1), 0.5, np.nan)

    patients = ["a", "b", "c", "d"]
    assert bootstrap(one_accuracy(np.array([True, False])), ["a", "a"])["accuracy"] == Estimate(0.5)
    assert bootstrap({"m": rarely}, patients, 0)["m"] == Estimate(0.5)
    found = bootstrap({"m": rarely}, patients, 100)["m"]
    assert (found.value, found.low, found.high) == (0.5, None, None)
    assert 50 < found.dropped < 100


def test_what_is_undefined_on_the_data_is_null():
    def never(weights):
        return np.full(len(weights), np.nan)

    found = bootstrap({"m": never}, ["a", "b"], 10)["m"]
    assert found.as_dict() == {"value": None, "ci95": None}


def test_an_estimate_becomes_json_values():
    assert Estimate(0.5, 0.4, 0.7, 3).as_dict() == {"value": 0.5, "ci95": [0.4, 0.7]}


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="no image"):
        bootstrap({}, [], 10)
