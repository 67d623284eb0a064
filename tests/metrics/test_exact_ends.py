"""Rates of exactly 0 or 1: their intervals have a width, and hold the true rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pneumoscope.metrics import (
    Estimate,
    bootstrap,
    class_rates,
    evaluate_predictions,
    measure_subgroups,
    sensitivity,
    with_exact_end,
)
from pneumoscope.metrics.exact_ends import exact_end, with_exact_f1_end, with_exact_mean_end

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
RATES = ("precision", "recall", "f1", "specificity")


def test_the_interval_of_a_share_without_a_miss_holds_the_true_share():
    """Of 30 patients most samples of a share of 0.99 have no miss: alone, width 0 and wrong."""
    generator, truth = np.random.default_rng(0), 0.99
    patients = [str(number) for number in range(30)]
    everyone = np.ones(30, dtype=bool)
    held = {"exact": 0, "alone": 0}
    for _ in range(200):
        hit = generator.random(30) < truth
        found = bootstrap({"s": lambda w, h=hit: sensitivity(everyone, h, w)}, patients, 200)["s"]
        held["exact"] += with_exact_end(found, 30).low <= truth <= with_exact_end(found, 30).high
        held["alone"] += found.low <= truth <= found.high
    assert held["exact"] >= 190
    assert held["alone"] < 100


@given(st.integers(1, 500))
def test_the_exact_ends_of_none_and_of_all_mirror_each_other(patients):
    none = with_exact_end(Estimate(0.0, 0.0, 0.0), patients)
    everyone = with_exact_end(Estimate(1.0, 1.0, 1.0), patients)
    assert none.low == 0
    assert everyone.high == 1
    assert none.high == pytest.approx(1 - everyone.low)
    # As many patients without a single miss happen in 2.5% of samples of such a share.
    assert everyone.low**patients == pytest.approx(0.025)


@pytest.mark.parametrize("share", [Estimate(0.5, 0.4, 0.6), Estimate(1.0), Estimate(None)])
def test_other_shares_and_those_without_an_interval_stay(share):
    assert with_exact_end(share, 10) == share


@pytest.mark.parametrize("patients", [1, 2, 7, 300])
def test_the_ends_are_those_of_scipys_exact_interval(patients):
    none = binomtest(0, patients).proportion_ci(0.95, "exact")
    everyone = binomtest(patients, patients).proportion_ci(0.95, "exact")
    assert exact_end(0, patients) == pytest.approx(none.high)
    assert exact_end(1, patients) == pytest.approx(everyone.low)


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_mean_is_as_sure_as_its_shares_together(a, b):
    """A mean of two shares is nowhere surer than all patients in one share would be."""
    mean = with_exact_mean_end(Estimate(1.0, 1.0, 1.0), [a, b])
    assert 0 < mean.low < with_exact_end(Estimate(1.0, 1.0, 1.0), a + b).low
    alone = with_exact_mean_end(Estimate(1.0, 1.0, 1.0), [a])
    assert alone == with_exact_end(Estimate(1.0, 1.0, 1.0), a)


@given(st.integers(1, 200))
def test_an_f1_score_ends_where_so_many_wrong_images_would_put_it(patients):
    share = float(exact_end(1, patients))
    hits, wrong = share, 1 - share
    score = with_exact_f1_end(Estimate(1.0, 1.0, 1.0), patients)
    assert score.low == pytest.approx(2 * hits / (2 * hits + wrong))
    assert with_exact_f1_end(Estimate(0.0, 0.0, 0.0), patients).high > 0


def _answers(labels, called):
    """One-sided probabilities that call the classes given."""
    return np.where(np.array(called)[:, None] == np.array(CLASSES), 0.8, 0.1)


def _summary(labels, called, patients, **more):
    return evaluate_predictions(
        _answers(labels, called),
        labels,
        CLASSES,
        patients=patients,
        positive="PNEUMONIA",
        resamples=60,
        **more,
    )


def _all_rates(labels, called, patients):
    """Every rate of the summary, of the classes and of a group, by where it stands."""
    true = np.array([CLASSES.index(label) for label in labels])
    answers = _answers(labels, called)
    summary = _summary(labels, called, patients)
    names = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1")
    found = {name: summary.metrics[name] for name in names}
    for rates in class_rates(true, answers.argmax(axis=1), CLASSES, patients, 60):
        found |= {f"{rates.name} {rate}": getattr(rates, rate) for rate in RATES}
    (group,) = measure_subgroups(
        ["x"] * len(labels), answers, true, labels, patients, positive=2, resamples=60
    )
    return found | {"group": group.accuracy, "group balanced": group.balanced_accuracy}


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=2, max_size=9),
    st.booleans(),
)
def test_no_rate_of_0_or_1_has_an_interval_of_width_0(pairs, right):
    labels, called = zip(*pairs, strict=True)
    called = labels if right else called
    found = _all_rates(list(labels), list(called), [str(i) for i in range(len(labels))])
    for name, rate in found.items():
        if rate.value in {0, 1} and rate.low is not None:
            assert 0 <= rate.low <= rate.value <= rate.high <= 1, name
            # Of 9 images at the most. A micro specificity of three classes moves half as far.
            assert rate.high - rate.low > 0.16, name


def test_what_is_the_same_rate_has_the_same_interval_wherever_it_stands():
    """All right: the accuracy is every micro rate, the recall of a class its sensitivity."""
    labels = list(CLASSES) * 4 + ["PNEUMONIA"] * 3
    found = _all_rates(labels, labels, [str(i // 2) for i in range(len(labels))])
    for a, b in (
        ("accuracy", "micro precision"),
        ("accuracy", "micro recall"),
        ("accuracy", "micro f1"),
        ("accuracy", "group"),
        ("balanced_accuracy", "macro recall"),
        ("balanced_accuracy", "group balanced"),
        ("sensitivity", "PNEUMONIA recall"),
        ("specificity", "PNEUMONIA specificity"),
        ("f1", "PNEUMONIA f1"),
    ):
        assert found[a].value == found[b].value == found[a].high == found[b].high == 1
        assert found[a].low == pytest.approx(found[b].low), (a, b)


def test_more_images_of_the_same_patients_make_no_rate_surer():
    labels = ["NORMAL", "PNEUMONIA"] * 4
    patients = [str(i) for i in range(8)]
    once = _summary(labels, labels, patients).metrics["accuracy"]
    thrice = _summary(labels * 3, labels * 3, patients * 3).metrics["accuracy"]
    assert thrice.low == once.low < 1


def test_only_labels_that_are_classes_make_the_accuracy_surer():
    known = _summary(["NORMAL", "PNEUMONIA"] * 4, ["NORMAL", "PNEUMONIA"] * 4, list("abcdefgh"))
    labels = [*["NORMAL", "PNEUMONIA"] * 4, *["MASS"] * 8]
    called = [*["NORMAL", "PNEUMONIA"] * 4, *["NORMAL"] * 8]
    more = _summary(labels, called, list("abcdefghijklmnop"), negatives={"MASS"})
    assert more.metrics["accuracy"].low == known.metrics["accuracy"].low
    assert more.metrics["specificity"].low > known.metrics["specificity"].low


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1", "macro f1", "weighted precision"])
def test_the_interval_of_a_mean_or_score_without_a_miss_holds_the_truth(name):
    """Of few images with a true accuracy of 0.99 most samples have no miss."""
    rng = np.random.default_rng(1)
    big = rng.integers(3, size=60_000)
    wrong = rng.random(60_000) > 0.99
    labels = np.array(CLASSES)[big]
    called = np.array(CLASSES)[np.where(wrong, (big + 1) % 3, big)]
    true, predicted = big, np.where(wrong, (big + 1) % 3, big)
    people = [str(i) for i in range(24)]
    truth = _truth(true, predicted)[name]
    held = 0
    for start in range(0, 100 * 24, 24):
        rows = slice(start, start + 24)
        rate = _all_rates(labels[rows].tolist(), called[rows].tolist(), people)[name]
        held += rate.value < 1 or rate.low <= truth
    assert held == 100


def _truth(true, predicted):
    from sklearn import metrics as sk

    _, _, f1, _ = sk.precision_recall_fscore_support(true, predicted)
    return {
        "balanced_accuracy": sk.balanced_accuracy_score(true, predicted),
        "f1": f1[2],
        "macro f1": f1.mean(),
        "weighted precision": sk.precision_score(true, predicted, average="weighted"),
    }
