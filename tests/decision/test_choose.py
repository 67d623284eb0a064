"""Which age group and which profile an image is read by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.decision import choose_age_group, choose_profile
from pneumoscope.findings import AgeGroup, AgeGroupChoice, Profile

GROUPS = (AgeGroup("infants", 0, 1), AgeGroup("children", 1, 13), AgeGroup("adults", 13))
BIASES = {"A": 0.0, "B": 0.0}


@given(st.floats(0, 130), hnp.arrays(np.float64, 3, elements=st.floats(-50, 50)))
def test_a_known_age_decides_whatever_the_image_looks_like(age: float, logits: np.ndarray) -> None:
    choice = choose_age_group(GROUPS, age, logits)
    (group,) = (each for each in GROUPS if each.name == choice.name)
    assert group.from_age <= age < (math.inf if group.to_age is None else group.to_age)
    assert (choice.chosen_by, choice.probability) == ("age", None)


@given(hnp.arrays(np.float64, 3, elements=st.floats(-700, 700)))
def test_without_an_age_the_image_decides(logits: np.ndarray) -> None:
    choice = choose_age_group(GROUPS, None, logits)
    assert choice.chosen_by == "image"
    assert choice.name == GROUPS[int(logits.argmax())].name
    others = math.fsum(math.exp(float(z - logits.max())) for z in logits)
    assert choice.probability == pytest.approx(1 / others)


@pytest.mark.parametrize("age", [None, 5.0])
def test_one_group_needs_neither_age_nor_image(age: float | None) -> None:
    choice = choose_age_group((AgeGroup("everyone", 0),), age, None)
    assert choice == AgeGroupChoice("everyone", "only")


def test_a_choice_needs_something_to_choose_by() -> None:
    with pytest.raises(ValueError, match="neither an age"):
        choose_age_group(GROUPS, None, None)
    with pytest.raises(ValueError, match="no age group covers"):
        choose_age_group(GROUPS[1:], 0.5, None)


def test_a_view_has_its_profile_and_the_others_that_of_any_view() -> None:
    profiles = {
        (group, view): Profile(group, ("A", "B"), 1.0, BIASES, view)
        for group, view in (("children", ""), ("adults", "AP"), ("adults", ""))
    }
    for group, view, expected in (
        ("adults", "AP", "AP"),
        ("adults", "PA", ""),
        ("adults", "", ""),
        ("children", "AP", ""),
    ):
        chosen = choose_profile(tuple(profiles.values()), group, view)
        assert chosen is profiles[group, expected]
