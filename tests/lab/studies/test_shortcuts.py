"""The probes, the rule of the verdict, and the study from end to end."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from pneumoscope.errors import DataError
from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.shortcuts import grade, probe
from pneumoscope.lab.studies.shortcuts_images import (
    LUNG_FEATURES,
    LUNG_VIEWS,
    PLAIN_FEATURES,
    PLAIN_VIEWS,
)
from pneumoscope.metrics import Estimate, auroc

pytestmark = pytest.mark.lab


def test_a_probe_finds_what_tells_the_label():
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.4
    telling = np.stack([rng.normal(size=200), positive + rng.normal(0, 0.1, 200)], axis=1)
    groups = np.arange(200)
    assert auroc(probe(telling, positive, groups), positive) > 0.99
    shuffled = rng.permuted(positive)
    assert abs(auroc(probe(telling, shuffled, groups), shuffled) - 0.5) < 0.12


def test_a_probe_has_not_seen_the_patient():
    # Features that name the patient tell the label of every image, but only to who knows him.
    patients = np.repeat(np.arange(40), 5)
    positive = np.repeat(np.random.default_rng(1).permutation([True, False] * 20), 5)
    features = (patients[:, None] == np.arange(40)).astype(float)
    by_patient = auroc(probe(features, positive, patients), positive)
    by_image = auroc(probe(features, positive, np.arange(200)), positive)
    assert by_image > 0.9
    assert by_patient < 0.6


def test_a_probe_needs_as_many_patients_of_a_class_as_folds():
    positive = np.arange(20) < 3
    with pytest.raises(DataError, match="cannot be divided into 5"):
        probe(np.zeros((20, 1)), positive, np.arange(20))


def _auroc(value: float, reach: float = 0.02) -> Estimate:
    return Estimate(value, value - reach, value + reach)


@pytest.mark.parametrize(
    ("part", "whole", "word"),
    [
        (_auroc(0.80), _auroc(0.90), "**it cheats**: 75.0%"),
        (_auroc(0.75), _auroc(1.00), "**it cheats**: 50.0%"),
        (_auroc(0.60), _auroc(0.90), "in part: 25.0%"),
        (_auroc(0.60, 0.1), _auroc(0.90), "no: chance lies"),
        (_auroc(0.30), _auroc(0.90), "no: it answers the wrong way round"),
        (_auroc(0.60), _auroc(0.45), "cannot be said (the whole"),
        (Estimate(0.6), _auroc(0.9), "cannot be said (too few"),
        (Estimate(None), _auroc(0.9), "cannot be said (too few"),
    ],
)
def test_the_verdict_follows_its_rule(part, whole, word):
    assert grade(part, whole).startswith(word)


@pytest.fixture(scope="module")
def page(data_folder, tiny_bundle, tmp_path_factory):
    """The smoke run with the tiny bundle as the packaged one."""
    folder = tmp_path_factory.mktemp("shortcuts")
    shutil.copytree(tiny_bundle.folder, folder / "home" / "bundles" / "chest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMOSCOPE_HOME", str(folder / "home"))
        return run_study("shortcuts", scale="smoke", data=data_folder, work=folder, out=None)


def test_the_smoke_run_writes_its_page(page, tiny_bundle):
    numbers = json.loads(page.with_suffix(".json").read_text())
    assert tiny_bundle.sha256[:16] in numbers["sources"]["bundle"]
    probes = numbers["probes"]
    assert len(probes) == 10
    assert set(probes["source, all images"]) == set(PLAIN_FEATURES)
    assert set(probes["rsna masked: NORMAL"]) == {*PLAIN_FEATURES, *LUNG_FEATURES}
    classifier = numbers["classifier"]
    assert set(PLAIN_VIEWS) <= set(classifier["guangzhou: PNEUMONIA"])
    assert set(LUNG_VIEWS) <= set(classifier["rsna masked: ABNORMAL"])
    for task in classifier.values():
        assert task[f"{PLAIN_VIEWS[0]} - first"]["value"] == 0
    assert "593 of its ABNORMAL" not in page.read_text()


def test_the_view_alone_is_measured_against_a_plain_count(page, data_folder):
    rows = [line.split(",") for line in (data_folder / "rsna/labels.csv").read_text().split()[1:]]
    ill, others = (
        [r[3] == "AP" for r in rows if (r[1] == "PNEUMONIA") == is_ill] for is_ill in (1, 0)
    )
    pairs = [0.5 + 0.5 * (int(a) - int(b)) for a in ill for b in others]
    measured = json.loads(page.with_suffix(".json").read_text())["view"]["rsna"]
    assert measured[f"view alone, all {len(rows)} images"]["value"] == pytest.approx(np.mean(pairs))
