"""Trials are measured as scikit-learn would, kept once, and never mistaken for others."""

import json

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

pytest.importorskip("torch")

from pneumoscope.errors import InputError
from pneumoscope.lab.datasets import DataIdentity, Fold, Split
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context
from pneumoscope.lab.studies.zeng2020_backbone import Frozen
from pneumoscope.lab.studies.zeng2020_heads import WAYS, Budget
from pneumoscope.lab.studies.zeng2020_page import PLAIN, differences, open_points, verdict
from pneumoscope.lab.studies.zeng2020_trials import FIGURES, Heads, measured
from pneumoscope.metrics import Estimate

pytestmark = pytest.mark.lab

IMAGES = 60


def test_figures_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth, scores = rng.random(80) < 0.4, rng.random(80)
    called = scores >= 0.5
    expected = {
        "accuracy": accuracy_score(truth, called),
        "F1": f1_score(truth, called),
        "AUROC": roc_auc_score(truth, scores),
        "AUROC as published": roc_auc_score(truth, called),
    }
    assert {k: float(v) for k, v in measured(truth, scores).items()} == pytest.approx(expected)


def _heads(folder, seconds=0.02, signal=3, matrices=None):
    rng = np.random.default_rng(1)
    labels = np.arange(IMAGES) % 2
    features = rng.normal(size=(IMAGES, 1, 8)).astype(np.float32)
    features[:, 0, 0] += signal * labels
    names = [str(i) for i in range(IMAGES)]
    data = DataIdentity(
        tuple(f"set/{n}" for n in names),
        tuple(f"set {'ILL' if label else 'WELL'}" for label in labels),
        tuple(f"set/p{n}" for n in names),
        tuple(names),
    )
    described = np.repeat(np.abs(features), 4, axis=1)
    if matrices is not None:
        described[:, 3] *= matrices
    context = Context("full", folder, folder)
    frozen = Frozen(features, described)
    return Heads(context, frozen, data, positive="ILL", budget=Budget(seconds=seconds))


def test_the_share_of_one_direction_is_that_of_the_first_component(tmp_path):
    heads = _heads(tmp_path)
    features = heads._features[:, 0].numpy()
    expected = PCA(1, svd_solver="full").fit(features).explained_variance_ratio_[0]
    assert heads.along_one_direction == pytest.approx(expected, rel=1e-4)


def _splits(count=2):
    cuts = [np.random.default_rng(i).permutation(IMAGES) for i in range(count)]
    empty = np.empty(0, dtype=np.int64)
    return [
        Split(
            "monte-carlo",
            "patient",
            i,
            (Fold({"train": c[:36], "stop": c[36:44], "calibrate": empty, "report": c[44:]}),),
        )
        for i, c in enumerate(cuts)
    ]


@pytest.fixture
def tried(tmp_path):
    page = Page("x", "X", command="")
    return tmp_path, _heads(tmp_path).repeats(page, "one", _splits())


def test_trials_are_kept_and_not_run_again(tried):
    folder, first = tried
    second = _heads(folder).repeats(Page("x", "X", command=""), "one", _splits())
    for a, b in zip(first, second, strict=True):
        assert a.truth.tolist() == b.truth.tolist()
        for way in a.trials:
            # Clocks never agree twice.
            assert a.trials[way].train_seconds == b.trials[way].train_seconds
            assert a.figures(way) == pytest.approx(b.figures(way))


def test_the_commit_that_made_kept_trials_is_told(tried):
    folder, _ = tried
    path = folder / "one-1.json"
    body = json.loads(path.read_text())
    path.write_text(json.dumps(body | {"made_with": {"commit": "an earlier one"}}))
    heads = _heads(folder)
    heads.repeats(Page("x", "X", command=""), "one", _splits(1))
    assert heads.context.commits == {"an earlier one"}


@pytest.mark.parametrize(
    "change", ["seconds", "split", "features", "matrices", "damage", "a way is missing"]
)
def test_other_or_damaged_trials_are_refused_by_name(tried, change):
    folder, _ = tried
    path, splits = folder / "one-1.json", _splits()
    if change == "split":
        splits = splits[::-1]
    elif change == "damage":
        path.write_bytes(path.read_bytes()[:100])
    elif change == "a way is missing":
        body = json.loads(path.read_text())
        del body["trials"]["bayes"]
        path.write_text(json.dumps(body))
    seconds, signal = (0.03 if change == "seconds" else 0.02), (2 if change == "features" else 3)
    matrices = 2 if change == "matrices" else None
    heads = _heads(folder, seconds=seconds, signal=signal, matrices=matrices)
    with pytest.raises(InputError, match=r"one-1\.json: .*remove it"):
        heads.repeats(Page("x", "X", command=""), "one", splits)


def test_a_gain_is_that_of_the_same_split(tried):
    _, repeats = tried
    gains = differences(repeats, 0.5, [way for way in WAYS if way != "0.5"])
    for way, gain in gains.items():
        for name in FIGURES:
            each = [r.figures(way)[name] - r.figures("0.5")[name] for r in repeats]
            assert gain[name].value == pytest.approx(np.mean(each))
    less = differences(repeats, 0.5, ["ga"], "random")["ga"]["AUROC"]
    each = [r.figures("ga")["AUROC"] - r.figures("random")["AUROC"] for r in repeats]
    assert less.value == pytest.approx(np.mean(each))


NOTHING, BETTER, WORSE = (Estimate(v, v - 0.01, v + 0.01) for v in (0.0, 0.02, -0.02))


def _verdict(beside=(), **of_way):
    gains = {way: {"AUROC": of_way.get(way, NOTHING)} for way in WAYS if way != "0.5"}
    return verdict(gains, {way: dict(beside).get(way, NOTHING) for way in PLAIN})


def test_the_verdict_names_only_what_is_told_apart():
    text = _verdict()
    assert "no way is told from p = 0.5" in text
    # That nothing is shown does not show that there is nothing.
    assert "not shown; it is at most +0.0100" in text
    text = _verdict(ga=BETTER, none=BETTER, bayes=WORSE)
    assert "better than p = 0.5: no dropout, genetic search, p*; worse than p = 0.5: Bayes" in text
    assert "not shown" not in text


def test_the_verdict_sets_the_genetic_search_beside_the_plain_ways():
    text = _verdict({"random": BETTER, "tried": WORSE}, ga=BETTER)
    assert "is better than random search, p*; worse than rates tried" in text
    assert "not told from no dropout, p = 0.2, Bayesian search" in text


def test_what_is_left_open_is_told_for_each_weighting_and_for_the_reading():
    gains = {way: {"AUROC": NOTHING} for way in WAYS if way != "0.5"}
    gains |= {"nuclear": {"AUROC": BETTER}, "difference": {"AUROC": WORSE}}
    text = open_points(gains, BETTER)
    assert "better than plain dropout of the same mean rate: weighted by nuclear norm;" in text
    assert "worse than plain dropout of the same mean rate: weighted by class difference;" in text
    assert "weighted by activation, weighted by deviation. The p" in text
    assert "+0.0200 (+0.0100 to +0.0300)" in text
