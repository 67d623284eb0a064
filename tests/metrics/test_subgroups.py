"""Subgroups: bands, order, honest notes, and the same figures as the group alone."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.metrics import NO_AGE, NOT_STATED, evaluate_predictions, measure_subgroups

CLASSES = ("A", "B", "C")


def made_up(images=120):
    rng = np.random.default_rng(2)
    true = np.arange(images) % 3
    raw = np.exp(rng.normal(0, 1, (images, 3))) * np.where(true[:, None] == np.arange(3), 3, 1)
    return raw / raw.sum(axis=1, keepdims=True), true, [CLASSES[t] for t in true]


@pytest.mark.parametrize("positive", [None, 2])
def test_a_group_has_the_figures_that_it_has_alone(positive):
    probabilities, true, labels = made_up()
    groups = ["x" if i % 2 else "y" for i in range(120)]
    patients = [str(i // 4) for i in range(120)]
    for group in measure_subgroups(
        groups, probabilities, true, labels, patients, positive=positive, resamples=50
    ):
        mine = [i for i in range(120) if groups[i] == group.name]
        alone = evaluate_predictions(
            probabilities[mine],
            [labels[i] for i in mine],
            CLASSES,
            patients=[patients[i] for i in mine],
            positive=None if positive is None else CLASSES[positive],
            resamples=50,
        ).metrics
        assert (group.n, group.patients) == (60, 30)
        assert group.accuracy == alone["accuracy"]
        assert group.balanced_accuracy == alone["balanced_accuracy"]
        assert group.auroc == alone["auroc_macro" if positive is None else "auroc"]
        assert group.note is None


def test_bands_are_in_the_order_of_age_and_the_unknown_last():
    probabilities, true, labels = made_up(8)
    groups = ["80 and over", NOT_STATED, "0 to 4", "5 to 17", NO_AGE, "40 to 64"]
    groups += ["18 to 39", "65 to 79"]
    found = measure_subgroups(
        groups, probabilities, true, labels, list("abcdefgh"), positive=None, resamples=5
    )
    assert [group.name for group in found] == [
        "0 to 4",
        "5 to 17",
        "18 to 39",
        "40 to 64",
        "65 to 79",
        "80 and over",
        "not a possible age",
        "not stated",
    ]


def test_small_and_one_sided_groups_say_so():
    probabilities, true, labels = made_up(60)
    groups = ["small" if i < 19 else CLASSES[true[i]] for i in range(60)]
    found = measure_subgroups(
        groups, probabilities, true, labels, [str(i) for i in range(60)], positive=1, resamples=5
    )
    notes = {group.name: group.note for group in found}
    assert notes["small"] == "fewer than 20 images"
    assert notes["B"] == "fewer than 20 images, only B"
    one = next(group for group in found if group.name == "B")
    assert one.auroc.value is None
    assert one.labels == {"B": one.n}


def test_images_of_no_class_are_the_rest():
    probabilities, true, labels = made_up(60)
    true = np.where(true == 0, -1, true)
    (group,) = measure_subgroups(
        ["all"] * 60, probabilities, true, labels, [str(i) for i in range(60)], positive=1
    )
    known = true >= 0
    assert group.n == 60
    assert group.accuracy.value == pytest.approx(
        (probabilities.argmax(axis=1) == true)[known].mean()
    )
