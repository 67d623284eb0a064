"""Groups by a column of the labels: bands of age, and columns that cannot part the images."""

from __future__ import annotations

from pathlib import Path

import pytest

from pneumoscope.errors import DataError
from pneumoscope.evaluation import LabelledImage, Manifest, age_band, check_columns, group_names


def manifest(**columns):
    rows = zip(*columns.values(), strict=True)
    images = tuple(
        LabelledImage(Path(f"{i}"), f"{i}", "A", f"{i}", dict(zip(columns, row, strict=True)))
        for i, row in enumerate(rows)
    )
    return Manifest(images or (LabelledImage(Path("a"), "a", "A", "a"),), True)


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
