"""Figures of the report part, one population at a time, against counting by hand."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.lab.datasets import PARTS, Collection, DataIdentity, Fold, Split
from pneumoscope.lab.training import Recipe
from pneumoscope.lab.training.measure import measure_part
from pneumoscope.lab.training.prepare import PreparedData

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


@pytest.fixture(scope="module")
def figures(contents, data):
    recipe, answers = Recipe.model_validate(contents), [row[3] for row in ROWS]
    probabilities = np.full((len(ROWS), 3), 0.2)
    probabilities[np.arange(len(ROWS)), answers] = 0.6
    return measure_part(recipe, data, MEASURED, probabilities[MEASURED], 0.5)


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
    found = measure_part(recipe, data, adults, np.full((len(adults), 3), 1 / 3), 0.5)
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


def test_figures_at_the_threshold_are_counted_by_it_and_not_by_the_answer(contents, data):
    # The probability of PNEUMONIA, never the largest one; 0.3 itself is positive.
    third = np.array([0.3, 0.1, 0.3, 0.31, 0.29, 0.1, 0.2, 0.4, 0.1])
    probabilities = np.stack([1 - third - 0.1, np.full(9, 0.1), third], axis=1)
    recipe = Recipe.model_validate(contents)
    children, adults, ap, pa = (
        (part.at_threshold["sensitivity"].value, part.at_threshold["specificity"].value)
        for part in measure_part(recipe, data, MEASURED, probabilities, 0.3)
    )
    assert children == (1 / 2, 2 / 3)
    assert adults == (1 / 2, 1 / 2)
    assert ap == (1 / 2, None)
    assert pa == (None, 1 / 2)
