"""Every scheme divides units as its publication says, and nothing crosses a border."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import DataError, InputError
from pneumoscope.lab.datasets import (
    PARTS,
    SCHEMES,
    SchemeSettings,
    draw,
    scheme_settings,
    units_of,
)

pytestmark = pytest.mark.lab

schemes = st.sampled_from(SCHEMES)
seeds = st.integers(0, 2**32 - 1)
tests = st.sampled_from([0.0, 0.2])


@st.composite
def units(draw_, by=None):
    """Two or three strata of 12 to 30 patients, each of one to three images, in any order."""
    strata, groups = [], []
    for stratum in range(draw_(st.integers(2, 3))):
        for _ in range(draw_(st.integers(12, 30))):
            size = draw_(st.integers(1, 3))
            groups += [groups[-1] + 1 if groups else 0] * size
            strata += [f"set {stratum}"] * size
    order = np.random.default_rng(draw_(st.integers(0, 99))).permutation(len(groups))
    by = by or draw_(st.sampled_from(["patient", "image"]))
    return units_of([strata[i] for i in order], np.array(groups)[order], by)


def _unit_of_image(drawn):
    return {image: unit for unit, images in enumerate(drawn.members) for image in images.tolist()}


def _sides(drawn, fold):
    """Units of each part, and those that no part holds."""
    unit = _unit_of_image(drawn)
    parts = {part: {unit[i] for i in fold.indices(part).tolist()} for part in PARTS}
    return parts, set(range(len(drawn.members))) - set().union(*parts.values())


@settings(max_examples=60)
@given(units(), schemes, seeds, tests)
def test_parts_are_disjoint_and_whole_and_nothing_is_lost(drawn, scheme, seed, test):
    asked = SchemeSettings(scheme=scheme, folds=3, seed=seed, test=test, stop=0.2, calibrate=0.2)
    folds = draw(drawn, asked).folds
    assert len(folds) == 3
    for fold in folds:
        parts, lost = _sides(drawn, fold)
        assert not lost
        assert sum(map(len, parts.values())) == len(drawn.members)
        assert all(parts.values())
        for part in PARTS:
            # A unit's images stand together, each once for every time that the unit was drawn.
            images, times = np.unique(fold.indices(part), return_counts=True)
            unit = _unit_of_image(drawn)
            assert set(images.tolist()) == {i for u in parts[part] for i in drawn.members[u]}
            drawn_times = {}
            for image, count in zip(images.tolist(), times.tolist(), strict=True):
                assert drawn_times.setdefault(unit[image], count) == count
            if not (scheme == "bootstrap" and part == "train"):
                assert set(times.tolist()) == {1}


@settings(max_examples=40)
@given(units(), schemes, seeds)
def test_a_fixed_test_set_is_the_same_for_every_fold(drawn, scheme, seed):
    asked = SchemeSettings(scheme=scheme, folds=3, seed=seed, test=0.2, calibrate=0.2)
    folds = draw(drawn, asked).folds
    first = folds[0].indices("report").tolist()
    assert all(fold.indices("report").tolist() == first for fold in folds)
    # The held-out side stops the training.
    assert len({tuple(fold.indices("stop").tolist()) for fold in folds}) > 1


@settings(max_examples=40)
@given(units(), st.sampled_from(["kfold", "stratified-kfold"]), seeds, st.integers(2, 5), tests)
def test_held_out_sides_of_folds_partition_what_is_not_the_test_set(
    drawn, scheme, seed, count, test
):
    asked = SchemeSettings(scheme=scheme, folds=count, seed=seed, test=test, stop=0, calibrate=0)
    folds = draw(drawn, asked).folds
    side = "stop" if test else "report"
    held_out = np.concatenate([fold.indices(side) for fold in folds])
    tested = folds[0].indices("report") if test else np.empty(0, int)
    everything = np.arange(sum(map(len, drawn.members)))
    assert np.sort(np.concatenate([held_out, tested])).tolist() == everything.tolist()


@settings(max_examples=40)
@given(units(), st.sampled_from(["stratified-kfold", "monte-carlo"]), seeds)
def test_stratified_schemes_hold_out_each_stratum_s_share_within_one_unit(drawn, scheme, seed):
    asked = SchemeSettings(scheme=scheme, folds=4, seed=seed, holdout=0.25)
    for fold in draw(drawn, asked).folds:
        parts, _ = _sides(drawn, fold)
        out = drawn.strata[sorted(parts["report"])]
        for name in np.unique(drawn.strata):
            assert abs((out == name).sum() - 0.25 * (drawn.strata == name).sum()) <= 1


@settings(max_examples=40)
@given(units(), seeds, st.sampled_from([0.2, 0.35, 0.5]), tests)
def test_a_bootstrap_draws_as_often_as_monte_carlo_trains_and_holds_out_the_rest(
    drawn, seed, holdout, test
):
    def folds(scheme):
        asked = SchemeSettings(
            scheme=scheme, folds=2, seed=seed, holdout=holdout, test=test, stop=0, calibrate=0
        )
        return draw(drawn, asked).folds

    unit = _unit_of_image(drawn)
    size = np.array([len(members) for members in drawn.members])
    held_out = "stop" if test else "report"
    for fold, other in zip(folds("bootstrap"), folds("monte-carlo"), strict=True):
        chosen = [unit[i] for i in fold.indices("train").tolist()]
        times = np.bincount(chosen, minlength=len(size)) / size
        parts, _ = _sides(drawn, other)
        assert times.sum() == len(parts["train"])
        # Each stratum is drawn by its share, within one unit.
        tested = {unit[i] for i in fold.indices("report").tolist()} if test else set()
        open_ = np.array([u not in tested for u in range(len(size))])
        for name in np.unique(drawn.strata):
            mine = drawn.strata == name
            assert abs(times[mine].sum() - times.sum() * mine[open_].sum() / open_.sum()) <= 1
        parts, _ = _sides(drawn, fold)
        assert parts[held_out] == set(np.flatnonzero((times == 0) & open_).tolist())


def test_every_scheme_gives_the_published_numbers_of_images():
    """Baral 2025, Table 3: 17,229 images, of which 2,229 are the fixed test set."""
    strata = np.repeat(["NORMAL", "ABNORMAL", "PNEUMONIA"], [6000, 5000, 6229])
    images = units_of(strata.tolist(), np.arange(17229), "image")
    for scheme in ("stratified-kfold", "kfold", "monte-carlo", "bootstrap"):
        asked = SchemeSettings(scheme=scheme, seed=42, test=2229 / 17229, calibrate=0)
        for fold in draw(images, asked).folds:
            train, stop, report = (fold.indices(part) for part in ("train", "stop", "report"))
            assert (len(train), len(report)) == (12000, 2229)
            if scheme == "bootstrap":
                # The published counts, less or more what two sets of five draws may differ.
                assert 8203 - 60 <= len(np.unique(train)) <= 8355 + 60
                assert len(np.unique(train)) + len(stop) == 15000
            else:
                assert len(stop) == 3000


def test_a_test_set_that_is_given_is_every_fold_s_and_leaves_the_published_numbers():
    strata = np.repeat(["NORMAL", "ABNORMAL", "PNEUMONIA"], [6000, 5000, 6229])
    images = units_of(strata.tolist(), np.arange(17229), "image")
    given_ = np.random.default_rng(1).permutation(17229)[:2229]
    for scheme in ("stratified-kfold", "kfold", "monte-carlo", "bootstrap"):
        asked = SchemeSettings(scheme=scheme, seed=42, calibrate=0)
        for fold in draw(images, asked, given_).folds:
            train, stop, report = (fold.indices(part) for part in ("train", "stop", "report"))
            np.testing.assert_array_equal(report, np.sort(given_))
            assert len(train) == 12000
            if scheme != "bootstrap":
                assert len(stop) == 3000
            parts = np.concatenate([np.unique(train), stop, report])
            np.testing.assert_array_equal(np.sort(parts), np.arange(17229))


def test_a_test_set_is_given_or_drawn_and_not_both():
    images = units_of(["set A", "set B"] * 20, np.arange(40), "image")
    with pytest.raises(ValueError, match="test must be 0"):
        draw(images, SchemeSettings(test=0.2), np.arange(8))


@settings(max_examples=30)
@given(units(), schemes, seeds, tests)
def test_the_same_seed_gives_the_same_split_and_another_another(drawn, scheme, seed, test):
    def parts(this):
        asked = SchemeSettings(
            scheme=scheme, folds=3, seed=this % 2**32, test=test, stop=0.2, calibrate=0.2
        )
        folds = draw(drawn, asked).folds
        return [fold.indices(part).tolist() for fold in folds for part in PARTS]

    assert parts(seed) == parts(seed)
    assert len({str(parts(seed + step)) for step in range(3)}) > 1


def test_without_a_stop_share_or_a_test_set_the_held_out_side_stops_the_training():
    drawn = units_of(["set A", "set B"] * 20, np.arange(40), "image")
    (fold,) = draw(drawn, SchemeSettings(scheme="holdout", folds=1, stop=0)).folds
    assert fold.indices("stop").tolist() == fold.indices("report").tolist()


# What cannot be split


def test_one_class_is_refused():
    with pytest.raises(DataError, match=r"all images have the class 'set A'.*add the others"):
        draw(units_of(["set A"] * 20, np.arange(20), "patient"), SchemeSettings())


@pytest.mark.parametrize("scheme", ["kfold", "stratified-kfold"])
def test_a_class_with_fewer_patients_than_folds_is_refused(scheme):
    strata = ["set A"] * 30 + ["set B"] * 8
    groups = np.array([*range(30), *[30] * 2, *[31] * 2, *[32] * 2, *[33] * 2])
    asked = SchemeSettings(scheme=scheme, folds=5)
    with pytest.raises(DataError, match=r"set B: 4 patient\(s\) cannot be divided into 5"):
        draw(units_of(strata, groups, "patient"), asked)


def test_a_class_left_too_few_by_the_test_set_is_refused():
    strata = ["set A"] * 30 + ["set B"] * 5
    asked = SchemeSettings(folds=5, test=0.2)
    with pytest.raises(DataError, match=r"set B: 4 .*smaller test set"):
        draw(units_of(strata, np.arange(35), "patient"), asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"scheme": "kfold", "folds": 1},
        {"calibrate": 0.95},
        {"stop": 0.01},
        {"test": 0.99, "scheme": "holdout", "folds": 1},
    ],
)
def test_shares_that_leave_nothing_are_refused_in_one_line(asked):
    with pytest.raises(DataError) as caught:
        draw(units_of(["set A", "set B"] * 10, np.arange(20), "image"), SchemeSettings(**asked))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"scheme": "leave-one-out"}, "--scheme"),
        ({"folds": 0}, "--folds"),
        ({"seed": -1}, "--seed"),
        ({"holdout": 1.0}, "--holdout"),
        ({"test": float("nan")}, "--test"),
        ({"stop": -0.1}, "--stop"),
        ({"calibrate": 2.0}, "--calibrate"),
        ({"stop": 0.5, "calibrate": 0.5}, "--calibrate"),
        # What would not be used must not look as if it were.
        ({"scheme": "kfold", "holdout": 0.3}, "--holdout"),
        ({"test": 0.2, "stop": 0.1}, "--stop"),
    ],
)
def test_an_impossible_number_is_named(asked, named):
    with pytest.raises(InputError, match=f"^{named}: "):
        scheme_settings(**{"folds": None} | asked)


@pytest.mark.parametrize("scheme", ["holdout", "monte-carlo", "bootstrap"])
def test_a_scheme_without_folds_takes_a_share(scheme):
    settings_ = scheme_settings(folds=None, scheme=scheme, holdout=0.3)
    assert settings_.holdout == 0.3
