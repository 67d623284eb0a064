"""Figures of the report part, one population at a time, against counting by hand."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.findings import OperatingPoint, Profile, Purpose
from pneumoscope.lab.datasets import PARTS, Collection, DataIdentity, Fold, Split
from pneumoscope.lab.training import Recipe
from pneumoscope.lab.training.age_figures import measure_by_picture, measure_profiles
from pneumoscope.lab.training.answers import Answers
from pneumoscope.lab.training.distance import Distance
from pneumoscope.lab.training.measure import measure_part
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.reading import Reading

pytestmark = pytest.mark.lab

# Source, label, view, answered class; the last image is not in the part that is measured.
ROWS = [
    (1, 2, "AP", 2),
    (0, 0, "", 0),
    (0, 2, "", 1),
    (1, 0, "PA", 0),
    (0, 2, "", 2),
    (1, 1, "PA", 2),
    (1, 2, "AP", 1),
    (0, 0, "", 1),
    (0, 0, "", 0),
    (0, 0, "", 2),
]
MEASURED = np.arange(9)
CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
GROUPS = [{"name": "children", "from_age": 0, "to_age": 13}, {"name": "adults", "from_age": 13}]


def profile(group, out, into, view="", classes=CLASSES, least=None):
    """A profile that leaves the probabilities as they are."""
    points = [(Purpose.RULE_OUT, out), (Purpose.RULE_IN, into)]
    return Profile(
        age_group=group,
        classes=classes,
        temperature=1.0,
        biases=dict.fromkeys(classes, 0.0),
        view=view,
        operating_points=tuple(OperatingPoint(p, "PNEUMONIA", t, "so") for p, t in points),
        coverage=None if least is None else 0.9,
        min_probability=least,
    )


def reading(*profiles, **more):
    return Reading(CLASSES, tuple(dict.fromkeys(p.age_group for p in profiles)), profiles, **more)


def answers(probabilities, heads=1, **more):
    """What a network says whose softmax is this, the same with every head."""
    return Answers(np.repeat(np.log(probabilities)[:, None], heads, axis=1), **more)


@pytest.fixture(scope="module")
def by_age(contents):
    children, adults = contents["sources"]
    sources = [children | {"age_group": "children"}, adults | {"age_group": "adults"}]
    return Recipe.model_validate(contents | {"age_groups": GROUPS, "sources": sources})


@pytest.fixture(scope="module")
def data():
    sources, labels, views, _ = zip(*ROWS, strict=True)
    names = tuple(f"{i}" for i in range(len(ROWS)))
    collection = Collection(
        pixels=np.zeros((len(ROWS), 32, 32), np.uint8),
        labels=np.array(labels),
        sources=np.array(sources),
        files=names,
        patients=tuple(f"p{i // 2}" for i in range(len(ROWS))),
        fingerprints=names,
        hashes=names,
        extra=tuple({"view": view} if view else {} for view in views),
    )
    fold = Fold({part: np.arange(len(ROWS) if part == "report" else 0) for part in PARTS})
    identity = DataIdentity(names, names, collection.patients, names)
    return PreparedData(collection, identity, Split("four-way", "patient", 1, (fold,)), {})


def answered():
    """0.6 for the answered class, 0.2 for the others."""
    probabilities = np.full((len(ROWS), 3), 0.2)
    probabilities[np.arange(len(ROWS)), [row[3] for row in ROWS]] = 0.6
    return probabilities


@pytest.fixture(scope="module")
def figures(contents, data):
    recipe = Recipe.model_validate(contents)
    probabilities = answered()[MEASURED]
    read = reading(profile("everyone", 0.5, 0.5))
    return measure_part(recipe, data, MEASURED, answers(probabilities), read)


def test_populations_are_the_sources_and_their_views(figures):
    assert [part.population for part in figures] == [
        "made-up children (children)",
        "made-up adults (adults)",
        "made-up adults (adults), AP view",
        "made-up adults (adults), PA view",
    ]
    assert [part.summary.n for part in figures] == [5, 4, 2, 2]
    assert [part.summary.patients for part in figures] == [5, 4, 2, 2]


def test_a_source_without_an_image_in_the_part_is_no_population(contents, data):
    adults = np.flatnonzero(data.collection.sources == 1)
    recipe = Recipe.model_validate(contents)
    even = answers(np.full((len(adults), 3), 1 / 3))
    found = measure_part(recipe, data, adults, even, reading(profile("everyone", 0.5, 0.5)))
    assert found[0].population == "made-up adults (adults)"
    assert not any("children" in part.population for part in found)


def test_figures_are_those_of_the_population_alone(figures):
    assert [part.summary.metrics["accuracy"].value for part in figures] == [
        3 / 5,
        2 / 4,
        1 / 2,
        1 / 2,
    ]
    assert [part.summary.metrics["sensitivity"].value for part in figures[:2]] == [1 / 2, 1 / 2]
    assert figures[0].summary.confusion == {
        "NORMAL": {"NORMAL": 2, "ABNORMAL": 1, "PNEUMONIA": 0},
        "PNEUMONIA": {"NORMAL": 0, "ABNORMAL": 1, "PNEUMONIA": 1},
    }


def test_answers_that_a_set_has_no_label_for_are_counted(figures):
    assert [part.answered_absent for part in figures] == [2 / 5, 0, 0, 0]


def test_auroc_is_of_the_classes_that_occur(figures):
    assert [set(part.auroc) for part in figures] == [
        {"NORMAL", "PNEUMONIA"},
        {"NORMAL", "ABNORMAL", "PNEUMONIA"},
        {"PNEUMONIA"},
        {"NORMAL", "ABNORMAL"},
    ]
    # PNEUMONIA among the children: 0.2 and 0.6 against three of 0.2, ties counted half.
    assert figures[0].auroc["PNEUMONIA"].value == pytest.approx((3 * 0.5 + 3) / 6)
    assert figures[2].auroc["PNEUMONIA"].value is None


def thirds():
    """The probability of PNEUMONIA, never the largest one; 0.3 itself is positive at 0.3."""
    third = np.array([0.3, 0.1, 0.3, 0.31, 0.29, 0.1, 0.2, 0.4, 0.1])
    return np.stack([1 - third - 0.1, np.full(9, 0.1), third], axis=1)


def rates(part, purpose, index=0):
    point = part.points[index]
    return point.sensitivity[purpose].value, point.specificity[purpose].value


def test_figures_at_the_points_are_counted_by_them_and_not_by_the_answer(contents, data):
    recipe = Recipe.model_validate(contents)
    # Just below, as a logarithm and back is not the same to the last digit.
    read = reading(profile("everyone", 0.15, 0.3 - 1e-9))
    found = measure_part(recipe, data, MEASURED, answers(thirds()), read)
    assert [rates(part, Purpose.RULE_IN) for part in found] == [
        (1 / 2, 2 / 3),
        (1 / 2, 1 / 2),
        (1 / 2, None),
        (None, 1 / 2),
    ]
    assert [rates(part, Purpose.RULE_OUT) for part in found][:2] == [(1, 2 / 3), (1, 1 / 2)]
    assert [part.points[0].indeterminate.value for part in found] == [1 / 5, 1 / 4, 1 / 2, 0]
    assert all(len(part.points) == 1 for part in found)


def test_a_view_is_read_by_its_own_profile_and_beside_it_as_of_any_view(contents, data):
    recipe = Recipe.model_validate(contents)
    read = reading(profile("everyone", 0.15, 0.3 - 1e-9), profile("everyone", 0.05, 0.1, "AP"))
    found = measure_part(recipe, data, MEASURED, answers(thirds()), read)
    assert [part.read_as for part in found] == [
        "everyone",
        "everyone",
        "everyone, AP view",
        "everyone",
    ]
    ap = found[2]
    assert [point.read_as for point in ap.points] == ["everyone, AP view", "everyone"]
    assert rates(ap, Purpose.RULE_IN, 0) == (1, None)
    assert rates(ap, Purpose.RULE_IN, 1) == (1 / 2, None)


def test_an_age_group_of_several_sources_is_measured_as_a_whole(contents, data):
    groups = [
        GROUPS[0] | {"name": "all", "to_age": 99},
        GROUPS[1] | {"name": "old", "from_age": 99},
    ]
    sources = [source | {"age_group": "all"} for source in contents["sources"]]
    recipe = Recipe.model_validate(contents | {"age_groups": groups, "sources": sources})
    read = reading(profile("all", 0.5, 0.5), profile("old", 0.5, 0.5))
    heads = answers(answered()[MEASURED], heads=2)
    names = [part.population for part in measure_part(recipe, data, MEASURED, heads, read)]
    assert names[4:] == [
        "all (children and adults)",
        "all (children and adults), AP view",
        "all (children and adults), PA view",
    ]
    alone = measure_part(recipe, data, MEASURED, heads, read, pooled=False)
    assert [part.population for part in alone] == names[:4]


def test_each_age_group_is_read_by_its_own_head_and_its_own_classes(by_age, data):
    heads = answers(answered()[MEASURED], heads=2)
    heads.logits[:, 0] = np.log([0.1, 0.8, 0.1])  # of children, who were taught no ABNORMAL
    read = reading(
        profile("children", 0.5, 0.5, classes=("NORMAL", "PNEUMONIA"), least=0.4),
        profile("adults", 0.5, 0.5, least=0.3),
    )
    children, adults, *_ = measure_part(by_age, data, MEASURED, heads, read)
    assert children.answered_absent == 0
    assert children.summary.metrics["accuracy"].value == 3 / 5
    assert children.sets.coverage.value == 1
    assert children.sets.several.value == 1
    assert adults.summary.metrics["accuracy"].value == 2 / 4
    assert adults.sets.several.value == 0
    assert adults.sets.by_label["PNEUMONIA"].value == 1 / 2
    assert adults.selective.risk.value[-1] == 2 / 4


def test_images_beyond_the_limit_of_their_own_group_are_counted(by_age, data):
    # Distances 0 to 8 from children, 8 to 0 from adults.
    embedding = np.arange(9.0)[:, None]
    distance = Distance(np.array([[0.0], [8.0]]), np.ones((2, 1, 1)))
    heads = answers(answered()[MEASURED], heads=2, embedding=embedding)
    read = reading(
        profile("children", 0.5, 0.5),
        profile("adults", 0.5, 0.5),
        distance=distance,
        limits={"children": 4.0, "adults": 5.0},
    )
    children, adults, *_ = measure_part(by_age, data, MEASURED, heads, read)
    # Children are the images 1, 2, 4, 7, 8, adults 0, 3, 5, 6.
    assert (children.unlike.value, adults.unlike.value) == (2 / 5, 1 / 4)


def test_without_a_distance_nothing_is_unlike(figures):
    assert all(part.unlike is None for part in figures)


def test_profiles_are_measured_on_their_own_images(by_age, data):
    heads = answers(thirds(), heads=2)
    read = reading(
        profile("children", 0.15, 0.3 - 1e-9),
        profile("adults", 0.15, 0.3 - 1e-9),
        profile("adults", 0.05, 0.1, "PA"),
        profile("adults", 0.05, 0.1, "LATERAL"),
    )
    children, adults, pa, none = measure_profiles(by_age, data, MEASURED, heads, read)
    assert [one.images for one in (children, adults, pa, none)] == [5, 4, 2, 0]
    out, into = children.profile.operating_points
    assert out.sensitivity[0] == 1
    assert (into.sensitivity[0], into.specificity[0]) == (1 / 2, 2 / 3)
    assert into.specificity[1] <= 2 / 3 <= into.specificity[2]
    # PA views without PNEUMONIA have no sensitivity.
    assert pa.profile.operating_points[0].sensitivity is None
    assert pa.profile.operating_points[0].specificity[0] == 0
    assert none.profile == read.profiles[3]
    assert set(children.slope) == set(children.intercept) == set(CLASSES)


def test_the_picture_tells_the_age_group(by_age, data):
    # Right for four of five children and for three of four adults; patients by pairs of rows.
    told = np.array([1, 0, 0, 1, 1, 0, 1, 0, 0])
    heads = answers(answered()[MEASURED], heads=2, age_group_logits=np.eye(2)[told] * 3.0)
    heads.logits[:, 1] = np.log([0.2, 0.2, 0.6])
    read = reading(profile("children", 0.5, 0.5), profile("adults", 0.5, 0.5))
    children, adults = measure_by_picture(by_age, data, MEASURED, heads, read)
    assert (children.images, adults.images) == (5, 4)
    assert (children.right.value, adults.right.value) == (4 / 5, 3 / 4)
    # The mistaken child is answered PNEUMONIA by both heads, the mistaken adult by both, too.
    assert (children.same_answer.value, adults.same_answer.value) == (1, 1)
    other = answers(answered()[MEASURED], heads=2, age_group_logits=np.eye(2)[told] * 3.0)
    other.logits[:, 1] = np.log([0.2, 0.6, 0.2])
    children, adults = measure_by_picture(by_age, data, MEASURED, other, read)
    assert (children.same_answer.value, adults.same_answer.value) == (4 / 5, 3 / 4)


def test_one_age_group_is_not_told_by_the_picture(contents, data):
    recipe = Recipe.model_validate(contents)
    heads = answers(answered()[MEASURED])
    assert (
        measure_by_picture(recipe, data, MEASURED, heads, reading(profile("everyone", 0, 1))) == ()
    )
