"""Subgroups: bands, order, honest notes, and the same figures as the group alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pneumoscope.errors import DataError
from pneumoscope.evaluation import (
    LabelledImage,
    Manifest,
    age_band,
    check_columns,
    evaluate_predictions,
    group_names,
    measure_subgroups,
)

CLASSES = ("A", "B", "C")


def manifest(**columns):
    rows = zip(*columns.values(), strict=True)
    images = tuple(
        LabelledImage(Path(f"{i}"), f"{i}", "A", f"{i}", dict(zip(columns, row, strict=True)))
        for i, row in enumerate(rows)
    )
    return Manifest(images or (LabelledImage(Path("a"), "a", "A", "a"),), True)


def made_up(images=120):
    rng = np.random.default_rng(2)
    true = np.arange(images) % 3
    raw = np.exp(rng.normal(0, 1, (images, 3))) * np.where(true[:, None] == np.arange(3), 3, 1)
    return raw / raw.sum(axis=1, keepdims=True), true, [CLASSES[t] for t in true]


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("0", "0 to 4"),
        ("4.9", "0 to 4"),
        ("5", "5 to 17"),
        ("17.99", "5 to 17"),
        ("18", "18 to 39"),
        ("64", "40 to 64"),
        ("80", "80 and over"),
        ("130", "80 and over"),
        ("148", "not a possible age"),
        ("-1", "not a possible age"),
        ("nan", "not a possible age"),
        ("old", "not a possible age"),
    ],
)
def test_ages_fall_into_bands(age, band):
    assert age_band(age) == band


def test_empty_values_are_a_group_of_their_own():
    given = manifest(view=["AP", "", "PA"], age=["3", "", "90"])
    assert group_names(given.images, "view") == ["AP", "not stated", "PA"]
    assert group_names(given.images, "age") == ["0 to 4", "not stated", "80 and over"]


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
    ages = ["90", "", "3", "10", "x", "50", "20", "70"]
    groups = [age_band(age) if age else "not stated" for age in ages]
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


@pytest.mark.parametrize(
    ("columns", "by", "message"),
    [
        ({"view": ["AP"]}, ["sex"], r"no column 'sex' to group by; its further columns are: view"),
        ({}, ["view"], "it has no further column"),
        ({"view": ["AP"]}, ["label"], "no column 'label'"),
        ({"view": ["AP"]}, ["view", "view"], "named twice"),
        ({"uid": [str(i) for i in range(51)]}, ["uid"], "has 51 values"),
    ],
)
def test_columns_that_cannot_part_the_images_are_refused(columns, by, message):
    with pytest.raises(DataError, match=message):
        check_columns(manifest(**columns), by)


def test_ages_of_any_number_of_values_are_few_bands():
    check_columns(manifest(age=[str(i / 10) for i in range(1000)]), ["age"])
