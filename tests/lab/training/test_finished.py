"""The calibration of a finished run: a large source does not decide for a small one."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import RecipeError
from pneumoscope.lab.datasets import PARTS, Collection, DataIdentity, Fold, Split
from pneumoscope.lab.training import Recipe
from pneumoscope.lab.training.finished import _fit_temperature, _operating_point
from pneumoscope.lab.training.prepare import PreparedData

pytestmark = pytest.mark.lab

NORMAL, PNEUMONIA = 0, 2


def _data(rows):
    """Images of the calibrate part, given as (source, label), after one of the report part."""
    sources, labels = np.array([(0, PNEUMONIA), *rows]).T
    names = tuple(str(i) for i in range(len(labels)))
    pixels = np.zeros((len(labels), 32, 32), np.uint8)
    collection = Collection(
        pixels, labels, sources, names, names, names, names, ({},) * len(labels)
    )
    at = {"report": np.array([0]), "calibrate": np.arange(1, len(labels))}
    fold = Fold({part: at.get(part, np.empty(0, int)) for part in PARTS})
    identity = DataIdentity(names, names, names, names)
    return PreparedData(collection, identity, Split("four-way", "patient", 1, (fold,)), {})


@pytest.fixture(scope="module")
def recipe(contents):
    return Recipe.model_validate(contents)


def _probabilities(pneumonia):
    third = np.array(pneumonia)
    return np.stack([1 - third, np.zeros_like(third), third], axis=1)


@pytest.mark.parametrize("large", [0, 1])
def test_the_operating_point_serves_the_small_source_too(recipe, large):
    # 100 positives above 0.8 in one source, 10 from 0.30 to 0.39 in the other.
    high, low = np.linspace(0.8, 0.99, 100), 0.3 + np.arange(10) / 100
    data = _data([(large, PNEUMONIA)] * 100 + [(1 - large, PNEUMONIA)] * 10 + [(0, NORMAL)] * 5)
    point = _operating_point(recipe, data, _probabilities([*high, *low, *[0.1] * 5]))
    # Pooled, 99 of 110 positives would do, and none of the small source's but the top one.
    assert point.threshold == pytest.approx(0.31)
    assert point.label == "PNEUMONIA"
    assert f"{(100, 10)[large]} of children" in point.rule
    assert f"{(10, 100)[large]} of adults" in point.rule


def test_a_source_without_the_positive_class_has_no_say_in_its_threshold(recipe):
    data = _data([(0, NORMAL)] * 5 + [(1, PNEUMONIA)] * 10)
    point = _operating_point(recipe, data, _probabilities([0.01] * 5 + [0.6] * 10))
    assert point.threshold == pytest.approx(0.6)
    assert "children" not in point.rule


def test_a_calibrate_part_without_the_positive_class_is_refused(recipe):
    with pytest.raises(RecipeError, match=r"calibrates has no image of PNEUMONIA"):
        _operating_point(recipe, _data([(0, NORMAL)] * 5), _probabilities([0.1] * 5))


def _logits(right):
    """A lead of 2 for PNEUMONIA, which is right for the images marked."""
    labels = [PNEUMONIA if one else NORMAL for one in right]
    return np.tile([0.0, -50.0, 2.0], (len(right), 1)), labels


def test_the_temperature_weighs_the_sources_the_same(recipe):
    # A lead is right for 90 of 100 children and for 7 of 10 adults: 80% if both count the same.
    logits, labels = _logits([True] * 90 + [False] * 10 + [True] * 7 + [False] * 3)
    data = _data(list(zip([0] * 100 + [1] * 10, labels, strict=True)))
    temperature = _fit_temperature(recipe, data, logits)
    assert 1 / (1 + np.exp(-2 / temperature)) == pytest.approx(0.8, abs=1e-4)
