"""Prediction sets: the promised coverage on simulated patients, and every patient counting once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import binom

from pneumoscope.metrics import (
    least_probability,
    measure_prediction_sets,
    patient_quantile,
    prediction_sets,
)

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


def drawn(rng, patients):
    """Patients with one to five images each, all alike in how hard they are."""
    images = rng.integers(1, 6, patients)
    owner = np.repeat(np.arange(patients), images)
    hardness = rng.exponential(1.0, patients)[owner]
    logits = rng.normal(0, 1, (owner.size, 3)) * hardness[:, None]
    labels = rng.integers(0, 3, patients)[owner]
    logits[np.arange(owner.size), labels] += 2 - hardness
    return softmax(logits, axis=1), labels, [f"p{i}" for i in owner]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
@pytest.mark.parametrize("patients", [19, 60])
def test_a_new_patient_s_set_holds_the_truth_as_often_as_promised(coverage, patients):
    """One image of one new patient per repeat: a binomial count, whose lower bound must hold."""
    rng = np.random.default_rng(patients)
    repeats, held = 1500, 0
    for _ in range(repeats):
        probabilities, labels, owners = drawn(rng, patients)
        true = probabilities[np.arange(len(labels)), labels]
        threshold = least_probability(true, owners, coverage)
        new, truth, _ = drawn(rng, 1)
        # Without the most probable class, which only adds to the promise.
        held += bool(new[0, truth[0]] >= threshold)
    assert held >= binom.ppf(1e-4, repeats, coverage)
    assert held <= binom.ppf(1 - 1e-4, repeats, coverage + 1 / (patients + 1))


values = st.lists(
    st.tuples(st.integers(0, 20).map(lambda i: i / 20), st.sampled_from("abcdefg")),
    min_size=1,
    max_size=40,
)


@given(values, st.integers(1, 100).map(lambda i: i / 100))
def test_the_quantile_counts_every_patient_once(rows, share):
    numbers, owners = np.array([v for v, _ in rows]), [p for _, p in rows]

    def reached(limit):
        each = [
            np.mean([v <= limit for v, p in rows if p == owner]) for owner in sorted(set(owners))
        ]
        return np.mean(each)

    found = patient_quantile(numbers, owners, share)
    assert reached(found) >= share - 1e-9
    assert found in numbers
    lower = numbers[numbers < found]
    assert not lower.size or reached(lower.max()) < share


@given(values, st.sampled_from([0.5, 0.8, 0.9]))
def test_the_threshold_is_the_highest_that_keeps_the_promise(rows, coverage):
    true, owners = np.array([v for v, _ in rows]), [p for _, p in rows]
    found = least_probability(true, owners, coverage)
    count = len(set(owners))

    def covered(threshold):
        return sum(
            np.mean([v >= threshold for v, p in rows if p == owner]) for owner in set(owners)
        )

    wanted = coverage * (count + 1)
    if wanted > count + 1e-6:
        assert found == 0
    else:
        assert covered(found) >= wanted - 1e-6
        assert covered(found + 1e-9) < wanted - 1e-9 or found == 1


def test_one_patient_s_many_images_do_not_outweigh_the_others():
    true = np.r_[np.full(36, 0.01), np.linspace(0.5, 0.9, 30)]
    owners = ["many"] * 36 + [f"p{i}" for i in range(30)]
    assert least_probability(true, owners, 0.9) >= 0.5
    # Each image by itself, more than half of them would pull the threshold down.
    assert least_probability(true, [str(i) for i in range(66)], 0.9) == pytest.approx(0.01)


def test_sets_hold_what_reaches_the_threshold_and_never_nothing():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.34, 0.33, 0.33], [0.9, 0.1, 0.0]])
    assert prediction_sets(probabilities, 0.3).tolist() == [[1, 1, 0], [1, 1, 1], [1, 0, 0]]
    assert prediction_sets(probabilities, 0.95).tolist() == [[1, 0, 0]] * 3
    assert prediction_sets(probabilities, 0.0).all()


def test_figures_are_counted_by_hand():
    # Patient a has two images, so each of them counts half.
    probabilities = np.array(
        [[0.6, 0.4, 0.0], [0.1, 0.2, 0.7], [0.35, 0.33, 0.32], [0.2, 0.7, 0.1]]
    )
    labels = np.array([0, 0, 1, 1])
    found = measure_prediction_sets(probabilities, labels, CLASSES, list("aabc"), 0.36)
    assert found.coverage.value == pytest.approx((0.5 + 0 + 1) / 3)
    assert found.several.value == pytest.approx(0.5 / 3)
    assert found.below.value == pytest.approx(1 / 3)
    values = {name: each.value for name, each in found.by_label.items()}
    assert values == pytest.approx({"NORMAL": 0.5, "ABNORMAL": 0.5})


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, float("nan")])
def test_an_impossible_coverage_is_refused(coverage):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        least_probability(np.array([0.5]), ["a"], coverage)


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="no quantile of 0 values"):
        least_probability(np.array([]), [], 0.9)
