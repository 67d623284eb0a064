"""Four parts that share no patient and no picture, and what must stay together."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError
from pneumoscope.lab.datasets import PARTS, linked_groups, split_four_ways, units_of

pytestmark = pytest.mark.lab

SHARES = {"train": 0.65, "stop": 0.10, "calibrate": 0.10, "report": 0.15}

links = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), min_size=1, max_size=30)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def shares(draw):
    weights = draw(st.lists(st.integers(1, 100), min_size=4, max_size=4))
    return {part: weight / sum(weights) for part, weight in zip(PARTS, weights, strict=True)}


@st.composite
def grouped(draw):
    """Strata with at least four groups each, every group of one to three images."""
    strata, groups = [], []
    for stratum, count in enumerate(draw(st.lists(st.integers(4, 40), min_size=1, max_size=3))):
        for _ in range(count):
            size = draw(st.integers(1, 3))
            group = groups[-1] + 1 if groups else 0
            strata += [f"set {stratum}"] * size
            groups += [group] * size
    order = draw(st.permutations(range(len(groups))))
    return [strata[i] for i in order], np.array([groups[i] for i in order], dtype=np.int64)


def _reachable(pairs):
    """The groups as sets of positions, by plain search along shared patients and pictures."""
    left, found = set(range(len(pairs))), []
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            edge = {
                j
                for j in left - group
                if any(pairs[j][0] == pairs[i][0] or pairs[j][1] == pairs[i][1] for i in group)
            }
        left -= group
        found.append(frozenset(group))
    return set(found)


@given(links)
def test_linked_groups_are_those_of_a_plain_search(pairs):
    numbers = linked_groups([f"p{p}" for p, _ in pairs], [f"f{f}" for _, f in pairs])
    groups = {frozenset(np.flatnonzero(numbers == n).tolist()) for n in set(numbers.tolist())}
    assert groups == _reachable(pairs)


def test_links_reach_through_others():
    # a and c share nothing but b, which is c's patient and a's picture.
    assert linked_groups(["a", "b", "b", "d"], ["x", "x", "y", "z"]).tolist() == [0, 0, 0, 1]


def test_a_patient_is_not_taken_for_a_picture_of_the_same_name():
    assert linked_groups(["same", "other"], ["x", "same"]).tolist() == [0, 1]


def _four_ways(strata, groups, wanted, by, seed):
    """The part of every image."""
    (fold,) = split_four_ways(units_of(strata, groups, by), wanted, seed).folds
    part = {i: name for name in PARTS for i in fold.indices(name).tolist()}
    assert sum(len(fold.indices(name)) for name in PARTS) == len(part) == len(strata)
    return [part[i] for i in range(len(strata))]


@given(grouped(), shares(), seeds)
def test_groups_stay_whole_and_every_stratum_is_in_every_part(data, wanted, seed):
    strata, groups = data
    part = _four_ways(strata, groups, wanted, "patient", seed)
    for group in set(groups.tolist()):
        assert len({part[i] for i in np.flatnonzero(groups == group)}) == 1
    for stratum in set(strata):
        assert {p for s, p in zip(strata, part, strict=True) if s == stratum} == set(PARTS)


@given(grouped(), shares(), seeds)
def test_parts_have_their_share_of_the_groups(data, wanted, seed):
    strata, groups = data
    part = _four_ways(strata, groups, wanted, "patient", seed)
    drawn = {
        group: (stratum, name)
        for group, stratum, name in zip(groups.tolist(), strata, part, strict=True)
    }
    sizes, counts = Counter(s for s, _ in drawn.values()), Counter(drawn.values())
    for stratum, size in sizes.items():
        # Where parts would be empty the others give way.
        tolerance = 1 if min(wanted.values()) * size >= 2 else len(PARTS) - 1
        for name in PARTS:
            assert abs(counts[stratum, name] - wanted[name] * size) <= tolerance + 1e-9


@given(st.integers(4, 60), shares(), seeds)
def test_by_image_draws_images_whatever_their_patient(count, wanted, seed):
    one_patient = np.zeros(count, dtype=np.int64)
    assert set(_four_ways(["set A"] * count, one_patient, wanted, "image", seed)) == set(PARTS)


@given(grouped(), shares(), seeds)
def test_a_group_of_several_strata_is_drawn_with_most_of_its_images(data, wanted, seed):
    strata, groups = data
    mixed = list(strata)
    for group in set(groups.tolist()):
        members = np.flatnonzero(groups == group)
        if len(members) == 3:
            mixed[members[0]] = "another"
    drawn = [_four_ways(these, groups, wanted, "patient", seed) for these in (mixed, strata)]
    assert drawn[0] == drawn[1]


@given(grouped(), seeds)
def test_the_same_seed_gives_the_same_split(data, seed):
    drawn = [_four_ways(*data, SHARES, "patient", seed) for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_another_seed_gives_another_split():
    strata, groups = ["set A"] * 60, np.arange(60)
    parts = {tuple(_four_ways(strata, groups, SHARES, "patient", seed)) for seed in range(5)}
    assert len(parts) == 5


@pytest.mark.parametrize(("by", "groups"), [("patient", [0, 0, 1, 2, 2]), ("image", [0, 1, 2])])
def test_too_few_to_split_four_ways_is_said(by, groups):
    strata = ["rsna PNEUMONIA"] * len(groups)
    with pytest.raises(DataError, match=rf"rsna PNEUMONIA: 3 {by}\(s\).*add data") as caught:
        _four_ways(strata, np.array(groups), SHARES, by, 1)
    assert "\n" not in str(caught.value)
