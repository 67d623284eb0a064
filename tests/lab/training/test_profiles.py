"""Profiles: a large source does not decide for a small one, and each age group has its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import RecipeError
from pneumoscope.findings import Purpose
from pneumoscope.lab.datasets import PARTS, Collection, DataIdentity, Fold, Split
from pneumoscope.lab.training import Recipe
from pneumoscope.lab.training.answers import Answers
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.profiles import fit_profiles, operating_points, taught_classes

pytestmark = pytest.mark.lab

NORMAL, ABNORMAL, PNEUMONIA = 0, 1, 2
GROUPS = [{"name": "children", "from_age": 0, "to_age": 13}, {"name": "adults", "from_age": 13}]


def calibrate_part(rows):
    """Images of the calibrate part, given as (source, label, view), after one of the report part.

    Two images that follow each other are of one patient.
    """
    sources, labels, views = zip((0, PNEUMONIA, ""), *rows, strict=True)
    names = tuple(str(i) for i in range(len(labels)))
    collection = Collection(
        pixels=np.zeros((len(labels), 32, 32), np.uint8),
        labels=np.array(labels),
        sources=np.array(sources),
        files=names,
        patients=tuple(f"p{i // 2}" for i in range(len(labels))),
        fingerprints=names,
        hashes=names,
        extra=tuple({"view": view} for view in views),
    )
    at = {"report": np.array([0]), "calibrate": np.arange(1, len(labels))}
    fold = Fold({part: at.get(part, np.empty(0, int)) for part in PARTS})
    identity = DataIdentity(names, names, names, names)
    return PreparedData(collection, identity, Split("four-way", "patient", 1, (fold,)), {})


@pytest.fixture(scope="module")
def recipe(contents):
    return Recipe.model_validate(contents)


@pytest.fixture(scope="module")
def by_age(contents):
    children, adults = contents["sources"]
    sources = [children | {"age_group": "children"}, adults | {"age_group": "adults"}]
    return Recipe.model_validate(contents | {"age_groups": GROUPS, "sources": sources})


# Operating points


def points_of(recipe, sources, labels, probability):
    found = operating_points(
        recipe, np.array(sources), np.array(probability), np.array(labels) == PNEUMONIA
    )
    return {point.purpose: point for point in found}


scored = st.lists(
    st.tuples(st.integers(0, 1), st.booleans(), st.integers(0, 20).map(lambda i: i / 20)),
    min_size=2,
    max_size=60,
).filter(lambda rows: len({truth for _, truth, _ in rows}) == 2)


@given(scored)
def test_both_targets_are_met_in_every_source_and_the_order_holds(rows):
    recipe = Recipe.model_construct(
        positive_class="PNEUMONIA",
        positive_sensitivity=0.95,
        positive_specificity=0.9,
        sources=[type("Source", (), {"name": name}) for name in ("a", "b")],
    )
    sources, truth, given_ = (np.array(column) for column in zip(*rows, strict=True))
    out, into = operating_points(recipe, sources, given_, truth)
    assert (out.purpose, into.purpose) == (Purpose.RULE_OUT, Purpose.RULE_IN)
    assert out.threshold <= into.threshold
    for source in (0, 1):
        positive, negative = (given_[(sources == source) & (truth == side)] for side in (1, 0))
        if positive.size:
            assert (positive >= out.threshold).mean() >= 0.95 - 1e-12
        if negative.size and into.threshold < 1:
            assert (negative < into.threshold).mean() >= 0.9 - 1e-12


@pytest.mark.parametrize("large", [0, 1])
def test_the_rule_out_point_serves_the_small_source_too(recipe, large):
    # 100 positives above 0.8 in one source, 10 from 0.30 to 0.39 in the other.
    high, low = np.linspace(0.8, 0.99, 100), 0.3 + np.arange(10) / 100
    point = points_of(
        recipe,
        [large] * 100 + [1 - large] * 10 + [0] * 5,
        [PNEUMONIA] * 110 + [NORMAL] * 5,
        [*high, *low, *[0.35] * 5],
    )[Purpose.RULE_OUT]
    # Pooled, most of the large source would do, and none of the small one's.
    assert point.threshold == pytest.approx(0.3)
    assert point.label == "PNEUMONIA"
    assert f"{(100, 10)[large]} of children" in point.rule
    assert f"{(10, 100)[large]} of adults" in point.rule


def test_thresholds_that_cross_change_places_and_say_so(recipe):
    probability = [*np.linspace(0.1, 0.3, 20), *np.linspace(0.7, 0.9, 20)]
    found = points_of(recipe, [0] * 40, [NORMAL] * 20 + [PNEUMONIA] * 20, probability)
    out, into = found[Purpose.RULE_OUT], found[Purpose.RULE_IN]
    assert 0.1 < out.threshold <= 0.3 + 1e-9
    assert 0.7 <= into.threshold < 0.9
    for point in (out, into):
        assert "crossed and changed places" in point.rule
    apart = points_of(recipe, [0] * 4, [NORMAL, PNEUMONIA] * 2, [0.2, 0.1, 0.4, 0.3])
    assert not any("crossed" in point.rule for point in apart.values())


def test_a_source_without_the_positive_class_has_no_say_in_the_rule_out_point(recipe):
    found = points_of(
        recipe,
        [0] * 5 + [1] * 11,
        [NORMAL] * 5 + [PNEUMONIA] * 10 + [NORMAL],
        [0.7] * 5 + [0.6] * 11,
    )
    assert found[Purpose.RULE_OUT].threshold == pytest.approx(0.6)
    assert "children" not in found[Purpose.RULE_OUT].rule
    assert "5 of children, 1 of adults" in found[Purpose.RULE_IN].rule


@pytest.mark.parametrize(
    ("label", "said"), [(NORMAL, "no image of PNEUMONIA"), (PNEUMONIA, "anything but PNEUMONIA")]
)
def test_a_part_without_one_side_is_refused(recipe, label, said):
    with pytest.raises(RecipeError, match=said):
        points_of(recipe, [0] * 5, [label] * 5, [0.1] * 5)


# Calibration


def lead(right):
    """A lead of 2 for PNEUMONIA, which is right for the images marked."""
    labels = [PNEUMONIA if one else NORMAL for one in right]
    return np.tile([0.0, -50.0, 2.0], (len(right), 1)), labels


def test_the_sources_count_the_same(recipe):
    # A lead is right for 90 of 100 children and for 7 of 10 adults: 80% if both count the same.
    logits, labels = lead([True] * 90 + [False] * 10 + [True] * 7 + [False] * 3)
    rows = [(s, label, "") for s, label in zip([0] * 100 + [1] * 10, labels, strict=True)]
    (fitted,) = fit_profiles(recipe, calibrate_part(rows), Answers(logits[:, None])).profiles
    profile = fitted.profile
    difference = 2 / profile.temperature + profile.biases["PNEUMONIA"] - profile.biases["NORMAL"]
    assert 1 / (1 + np.exp(-difference)) == pytest.approx(0.8, abs=1e-4)
    assert (fitted.images, profile.age_group, profile.view) == (110, "everyone", "")


def drawn(count, biases, seed=0, spread=2.0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (count, 3))
    shares = softmax(logits + biases, axis=1).cumsum(axis=1)
    labels = np.minimum((rng.random((count, 1)) > shares).sum(axis=1), 2)
    return logits, labels


@pytest.mark.parametrize(
    ("biases", "way"),
    [((0.0, -1.5, 1.5), "temperature and biases"), ((0.0, 0.0, 0.0), "temperature")],
)
@pytest.mark.parametrize("seed", range(3))
def test_biases_are_taken_where_they_are_shown_to_pay_on_other_patients(recipe, biases, way, seed):
    logits, labels = drawn(600, np.array(biases), seed)
    data = calibrate_part([(1, int(label), "") for label in labels])
    (fitted,) = fit_profiles(recipe, data, Answers(logits[:, None])).profiles
    assert fitted.way == way
    gain = fitted.calibrators["temperature and biases"].over_temperature
    assert (gain.high < 0) == (way == "temperature and biases")
    assert set(fitted.calibrators) == {"temperature", "temperature and biases", "isotonic", "beta"}


def test_an_untaught_class_has_no_part_in_a_group(by_age):
    assert taught_classes(by_age, 0) == ("NORMAL", "PNEUMONIA")
    assert taught_classes(by_age, 1) == ("NORMAL", "ABNORMAL", "PNEUMONIA")
    logits, labels = drawn(300, np.zeros(3))
    labels[:100] = np.where(labels[:100] == ABNORMAL, NORMAL, labels[:100])
    rows = [(int(i >= 100), int(label), "") for i, label in enumerate(labels)]
    heads = np.stack([logits, logits], axis=1)
    heads[:, 0, ABNORMAL] = 99.0
    children, adults = (
        each.profile for each in fit_profiles(by_age, calibrate_part(rows), Answers(heads)).profiles
    )
    assert children.classes == tuple(children.biases) == ("NORMAL", "PNEUMONIA")
    assert adults.classes == ("NORMAL", "ABNORMAL", "PNEUMONIA")
    # Children are calibrated by their own head alone.
    other = heads.copy()
    other[:100, 1] = np.random.default_rng(1).normal(0, 9, (100, 3))
    other[100:, 0] = np.random.default_rng(2).normal(0, 9, (200, 3))
    found = fit_profiles(by_age, calibrate_part(rows), Answers(other)).profiles
    again = [each.profile for each in found]
    assert again == [children, adults]


@pytest.mark.parametrize(
    ("ap", "biases", "tried", "views"),
    [
        (300, (0.0, -2.0, 2.0), True, ["", "AP"]),
        (300, (0.0, 0.0, 0.0), True, [""]),
        (50, (0.0, -2.0, 2.0), False, [""]),
    ],
    ids=["needed", "not needed", "too few"],
)
def test_a_view_has_its_own_profile_where_it_is_shown_to_need_one(by_age, ap, biases, tried, views):
    logits, labels = drawn(300, np.zeros(3))
    more_logits, more_labels = drawn(ap, np.array(biases), seed=1)
    rows = [(0, NORMAL, ""), (0, PNEUMONIA, "")]
    rows += [(1, int(label), "ap") for label in more_labels]
    # As many of another view that has no profile: the group's own lies between the two.
    rows += [(1, int(label), "LATERAL") for label in labels]
    heads = np.vstack([np.zeros((2, 3)), more_logits, logits])[:, None].repeat(2, axis=1)
    fit = fit_profiles(by_age, calibrate_part(rows), Answers(heads))
    groups = [each.profile.age_group for each in fit.profiles]
    assert groups == ["children"] + ["adults"] * len(views)
    assert [each.profile.view for each in fit.profiles[1:]] == views
    assert [(one.age_group, one.view, one.images) for one in fit.views] == (
        [("adults", "AP", ap)] if tried else []
    )
    for trial in fit.views:
        assert trial.taken == (trial.gain.high < 0) == ("AP" in views)
    if "AP" in views:
        own = fit.profiles[2].profile
        assert own.biases["PNEUMONIA"] == pytest.approx(2.0, abs=1.0)
        assert "of the calibration part, AP view (" in own.operating_points[0].rule


def test_too_few_patients_get_no_prediction_sets(recipe):
    for patients, there in ((8, False), (9, True)):
        logits, labels = drawn(2 * patients + 1, np.zeros(3))
        labels[:4] = NORMAL, NORMAL, PNEUMONIA, PNEUMONIA
        # The image of the report part and the first one here share a patient.
        data = calibrate_part([(1, int(label), "") for label in labels[: 2 * patients - 1]])
        (fitted,) = fit_profiles(recipe, data, Answers(logits[: 2 * patients - 1, None])).profiles
        assert fitted.patients == patients
        assert (fitted.profile.coverage is not None) == there
        assert (fitted.profile.min_probability is not None) == there


def test_an_age_group_without_an_image_is_refused(by_age):
    logits, labels = drawn(20, np.zeros(3))
    data = calibrate_part([(1, int(label), "") for label in labels])
    with pytest.raises(RecipeError, match="no image of the age group children"):
        fit_profiles(by_age, data, Answers(np.repeat(logits[:, None], 2, axis=1)))
