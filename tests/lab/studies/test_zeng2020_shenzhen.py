"""What a merge gives a head, what it is measured on, and that a source that tells is seen."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.lab.datasets import Fold, Split
from pneumoscope.lab.studies.zeng2020_backbone import Frozen
from pneumoscope.lab.studies.zeng2020_heads import Parts
from pneumoscope.lab.studies.zeng2020_shenzhen import (
    ALONE,
    MEASURES,
    MERGED,
    Merge,
    measure_merge,
    merged_parts,
)

pytestmark = pytest.mark.lab

CHILDREN, SHENZHEN = 300, 120


def _merge(source=0.0, sickness=0.0):
    """Unit 0 tells pneumonia, unit 1 the source, unit 2 tuberculosis."""
    rng = np.random.default_rng(0)
    pneumonia = np.arange(CHILDREN) % 3 > 0
    images = [SimpleNamespace(label=("NORMAL", "TUBERCULOSIS")[i % 2]) for i in range(SHENZHEN)]
    children = rng.normal(size=(CHILDREN, 1, 6)).astype(np.float32)
    children[:, 0, 0] += 3 * pneumonia
    others = rng.normal(size=(SHENZHEN, 1, 6)).astype(np.float32)
    others[:, 0, 1] += source
    others[:, 0, 0] += sickness * (np.arange(SHENZHEN) % 2)
    frozen = [Frozen(each, each.repeat(4, axis=1)) for each in (children, others)]
    return Merge(frozen[0], pneumonia, frozen[1], images)


def _split():
    cut = np.random.default_rng(1).permutation(CHILDREN)
    parts = {"train": cut[:180], "stop": cut[180:220], "report": cut[220:]}
    return Split("monte-carlo", "patient", 0, (Fold(parts | {"calibrate": cut[:0]}),))


def test_only_normal_images_of_shenzhen_are_merged_and_each_is_in_one_part():
    merge, fold = _merge(), _split().folds[0]
    children = Parts(*(fold.indices(part) for part in ("train", "stop", "report")))
    both = merged_parts(merge, children, 0)
    pairs = list(zip(_columns(both), _columns(children), strict=True))
    added = [np.setdiff1d(mine, theirs) for mine, theirs in pairs]
    assert sorted(np.concatenate(added)) == sorted(merge.of_shenzhen("NORMAL"))
    assert all(len(part) for part in added)
    for mine, theirs in pairs:
        assert set(theirs) <= set(mine)
    other = merged_parts(merge, children, 1)
    assert set(other.report) != set(both.report)


def _columns(parts):
    return parts.train, parts.stop, parts.report


def test_a_source_that_tells_the_class_is_learnt_and_the_sick_are_called_normal():
    found = measure_merge(_merge(source=12.0, sickness=3.0), _split(), 0)
    assert set(found[ALONE]) == set(found[MERGED]) == set(MEASURES)
    assert found["source"]["AUROC"] > 0.99
    sick = "TUBERCULOSIS, Shenzhen"
    # Alone, the head sees that they are sick; merged, it sees where they are from.
    assert found[ALONE][sick] < 0.4
    assert found[MERGED][sick] > found[ALONE][sick] + 0.3


def test_without_a_source_to_see_the_merge_changes_little():
    found = measure_merge(_merge(sickness=3.0), _split(), 0)
    assert 0.2 < found["source"]["AUROC"] < 0.8
    sick = "TUBERCULOSIS, Shenzhen"
    assert found[MERGED][sick] == pytest.approx(found[ALONE][sick], abs=0.2)
    assert found[ALONE]["AUROC, Shenzhen"] > 0.9


def test_the_accuracy_on_both_is_that_of_its_parts():
    merge, split = _merge(source=2.0), _split()
    found = measure_merge(merge, split, 0)[MERGED]
    children = len(split.folds[0].indices("report"))
    others = round(0.3 * len(merge.of_shenzhen("NORMAL")))
    right = children * found["accuracy, Guangzhou"] + others * found["NORMAL, Shenzhen"]
    assert found["accuracy, both"] == pytest.approx(right / (children + others))
