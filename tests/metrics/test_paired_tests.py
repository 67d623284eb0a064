"""Tests of two models: against slow plain versions, scipy, published forms, and simulated truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pneumoscope.metrics import (
    auroc,
    delong,
    mcnemar,
    patient_weights,
    resampled_t_test,
    resampled_t_tests,
)


def each_its_own(images):
    return [str(i) for i in range(images)]


def simulate(rng, patients, images, *, lift_b=0.0, share=1.0):
    """Two models with common noise; a patient's images share some of it, and mostly the truth."""
    owner = np.repeat(np.arange(patients), images)
    positive = (rng.random(patients) < 0.4)[owner] ^ (rng.random(owner.size) < 0.1)
    common = rng.normal(size=patients)[owner] * share + rng.normal(size=owner.size) * 0.5
    own = rng.normal(size=(2, patients))[:, owner] * share
    scores = 0.8 * positive + common + own + 0.3 * rng.normal(size=(2, owner.size))
    scores[1] += lift_b * positive
    return scores[0], scores[1], positive, owner.astype(str).tolist()


def slow_z(a, b, positive, patients):
    """Obuchowski 1997 from all pairs, term by term."""
    m, n = positive.sum(), (~positive).sum()
    components = []
    for scores in (a, b):
        kernel = {
            (i, j): 0.5 if scores[i] == scores[j] else float(scores[i] > scores[j])
            for i, j in product(np.flatnonzero(positive), np.flatnonzero(~positive))
        }
        v = np.zeros(len(scores))
        for (i, j), value in kernel.items():
            v[i] += value / n
            v[j] += value / m
        components.append(v)
    areas = [v[positive].mean() for v in components]
    groups = [[i for i, p in enumerate(patients) if p == who] for who in sorted(set(patients))]

    def covariance(v, area_v, w, area_w):
        sides = [positive, ~positive]
        own = [
            [[sum(x[i] - area for i in g if side[i]) for g in groups] for side in sides]
            for x, area in ((v, area_v), (w, area_w))
        ]
        occur = [sum(any(side[i] for i in g) for g in groups) for side in sides]
        s10 = occur[0] / ((occur[0] - 1) * m) * np.dot(own[0][0], own[1][0])
        s01 = occur[1] / ((occur[1] - 1) * n) * np.dot(own[0][1], own[1][1])
        k = len(groups) / (len(groups) - 1)
        cross = k * (np.dot(own[0][0], own[1][1]) + np.dot(own[0][1], own[1][0]))
        return s10 / m + s01 / n + cross / (m * n)

    (v, w), (x, y) = components, areas
    variance = covariance(v, x, v, x) + covariance(w, y, w, y) - 2 * covariance(v, x, w, y)
    return (x - y) / np.sqrt(variance)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_delong_is_the_double_loop_with_ties(images, seed):
    a, b, positive, patients = simulate(np.random.default_rng(seed), 36 // images, images)
    a, b = a.round(1), b.round(0)
    found = delong(a, b, positive, patients)
    assert found.clustered == (images > 1)
    assert found.statistic == pytest.approx(slow_z(a, b, positive, patients), rel=1e-9)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.statistic)))


@pytest.mark.parametrize("images", [1, 4])
def test_delong_agrees_with_the_bootstrap_over_patients(images):
    a, b, positive, patients = simulate(np.random.default_rng(3), 400 // images, images, lift_b=0.3)
    weights = np.concatenate(list(patient_weights(patients, 600, 0)))
    drawn = auroc(a, positive, weights) - auroc(b, positive, weights)
    difference = float(auroc(a, positive) - auroc(b, positive))
    error = difference / delong(a, b, positive, patients).statistic
    assert error == pytest.approx(drawn.std(), rel=0.12)


def test_one_image_per_patient_is_the_classic_delong():
    """The covariance of the structural components, as in the paper's equations 4 to 6."""
    a, b, positive, patients = simulate(np.random.default_rng(5), 80, 1)
    wins = [
        (s[positive][:, None] > s[~positive]) + 0.5 * (s[positive][:, None] == s[~positive])
        for s in (a, b)
    ]
    v10 = np.cov([w.mean(axis=1) for w in wins]) / positive.sum()
    v01 = np.cov([w.mean(axis=0) for w in wins]) / (~positive).sum()
    contrast = np.array([1, -1])
    z = (wins[0].mean() - wins[1].mean()) / np.sqrt(contrast @ (v10 + v01) @ contrast)
    assert delong(a, b, positive, patients).statistic == pytest.approx(z)


def rejected(test, runs):
    found = [test(np.random.default_rng(seed)).p_value for seed in range(runs)]
    return np.mean([p < 0.05 for p in found])


def null_delong(rng, images, *, grouped):
    a, b, positive, patients = simulate(rng, 240 // images, images)
    return delong(a, b, positive, patients if grouped else each_its_own(len(patients)))


def null_mcnemar(rng, images, *, grouped):
    owner = np.repeat(np.arange(240 // images), images)
    chance = rng.beta(0.5, 0.5, (2, 240 // images))[:, owner]
    right = rng.random((2, owner.size)) < chance
    patients = owner.astype(str).tolist() if grouped else each_its_own(owner.size)
    return mcnemar(right[0], right[1], patients)


# Of 1,000 runs a share of 0.05 lies within 0.028..0.072 but for three in a thousand.
@pytest.mark.parametrize("null", [null_delong, null_mcnemar])
@pytest.mark.parametrize("images", [1, 4])
def test_equal_models_are_called_different_as_often_as_stated(null, images):
    share = rejected(lambda rng: null(rng, images, grouped=True), 1000)
    # The exact test is of a discrete count, and stays a little below.
    assert 0.02 <= share <= 0.075


@pytest.mark.parametrize("null", [null_delong, null_mcnemar])
def test_ignoring_patients_calls_equal_models_different_too_often(null):
    assert rejected(lambda rng: null(rng, 4, grouped=False), 300) > 0.09


def test_a_better_model_is_found():
    a, b, positive, patients = simulate(np.random.default_rng(1), 400, 1, lift_b=1.0)
    found = delong(a, b, positive, patients)
    assert found.statistic < -3
    assert found.p_value < 0.01


few = st.integers(0, 3)
cases = st.lists(st.tuples(few, few, st.booleans(), st.sampled_from("pqrs")), max_size=25)


@settings(max_examples=200)
@given(cases)
def test_exchanging_the_models_changes_only_the_sign(rows):
    a, b = (np.array([row[i] for row in rows], dtype=float) for i in (0, 1))
    positive = np.array([row[2] for row in rows], dtype=bool)
    for patients in ([row[3] for row in rows], each_its_own(len(rows))):
        for test, x, y in ((delong, a, b), (mcnemar, a > 1, b > 1)):
            rest = (positive, patients) if test is delong else (patients,)
            one, other = test(x, y, *rest), test(y, x, *rest)
            assert (one is None) == (other is None)
            if one is None:
                continue
            assert one.p_value == other.p_value
            assert one.p_value is None or 0 <= one.p_value <= 1
            if one.statistic is not None:
                assert one.statistic == -other.statistic
            if test is mcnemar:
                assert (one.only_a, one.only_b) == (other.only_b, other.only_a)


@settings(max_examples=100)
@given(cases)
def test_only_the_order_of_the_scores_counts(rows):
    a, b = (np.array([row[i] for row in rows], dtype=float) for i in (0, 1))
    positive = np.array([row[2] for row in rows], dtype=bool)
    patients = [row[3] for row in rows]
    assert delong(a, b, positive, patients) == delong(np.exp(a), b / 7 - 1, positive, patients)


def test_one_class_only_has_no_delong():
    scores = np.array([0.1, 0.2, 0.3])
    for positive in (np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)):
        n = positive.size
        assert delong(scores[:n], scores[:n], positive, each_its_own(n)) is None


def test_one_patient_of_a_class_has_no_variance():
    positive = np.array([True, False, False, False])
    found = delong(np.array([1.0, 0, 2, 3]), np.array([0.0, 1, 2, 3]), positive, each_its_own(4))
    assert (found.statistic, found.p_value) == (None, None)


@pytest.mark.parametrize("patients", [each_its_own(7), list("aabbccd")])
def test_models_that_rank_alike_do_not_differ(patients):
    positive = np.array([True, True, False, True, False, False, False])
    flat = np.zeros(7)
    scores = np.array([0.9, 0.1, 0.3, 0.1, 0.1, 0.2, 0.8])
    for a, b in ((scores, scores * 2), (flat, flat + 1)):
        found = delong(a, b, positive, patients)
        assert (found.statistic, found.p_value) == (0.0, 1.0)


def test_a_perfect_and_a_reversed_model_leave_no_variance_to_judge_by():
    positive = np.array([True] * 4 + [False] * 5)
    found = delong(positive * 1.0, positive * -1.0, positive, each_its_own(9))
    assert (found.statistic, found.p_value) == (None, None)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_mcnemar_is_the_exact_sign_test(only_a, only_b, both):
    right_a = np.array([True] * only_a + [False] * only_b + [True] * both + [False], dtype=bool)
    right_b = np.array([False] * only_a + [True] * only_b + [True] * both + [False], dtype=bool)
    found = mcnemar(right_a, right_b, each_its_own(right_a.size))
    assert (found.only_a, found.only_b, found.clustered) == (only_a, only_b, False)
    n = only_a + only_b
    assert found.p_value == pytest.approx(stats.binomtest(only_a, n).pvalue if n else 1)


def test_mcnemar_by_hand():
    """Six against one: (1 + 7) of 2^7 cases in each tail."""
    right_a = np.array([True] * 6 + [False] + [True] * 3)
    right_b = np.array([False] * 6 + [True] + [True] * 3)
    assert mcnemar(right_a, right_b, each_its_own(10)).p_value == pytest.approx(2 * 8 / 128)


def test_clustered_mcnemar_by_hand():
    """Excesses of a per patient 2, 0, -1, 1: z is 2 over the root of 4 / 3 * 6."""
    right_a = np.array([1, 1, 1, 0, 0, 1, 1], dtype=bool)
    right_b = np.array([0, 0, 0, 1, 1, 1, 0], dtype=bool)
    found = mcnemar(right_a, right_b, list("aabbccd"))
    assert found.clustered
    assert found.statistic == pytest.approx(2 / np.sqrt(8))
    assert (found.only_a, found.only_b) == (4, 2)


def test_clustered_mcnemar_is_the_plain_statistic_where_one_patient_has_an_agreed_pair():
    """McNemar's (b - c)^2 / (b + c), but for the factor (K - 1) / K of the sample's size."""
    rng = np.random.default_rng(2)
    right_a, right_b = rng.random((2, 300)) < 0.7
    right_a, right_b = np.append(right_a, True), np.append(right_b, True)
    patients = [*each_its_own(300), "0"]
    found = mcnemar(right_a, right_b, patients)
    plain = (found.only_a - found.only_b) ** 2 / (found.only_a + found.only_b)
    assert found.clustered
    assert found.statistic**2 == pytest.approx(plain * 299 / 300)


def test_degenerate_tables():
    right = np.array([True, False, True])
    assert mcnemar(right[:0], right[:0], []) is None
    assert mcnemar(right, right, each_its_own(3)).p_value == 1
    assert mcnemar(right, right, list("aab")).p_value == 1
    assert mcnemar(right, ~right, list("aaa")).p_value is None


def test_the_published_t_test_is_scipys():
    rng = np.random.default_rng(4)
    right_a, right_b = rng.random((2, 200)) < [[0.8], [0.75]]
    found = resampled_t_test(right_a, right_b, resamples=5, seed=9)
    (weights,) = patient_weights(each_its_own(200), 5, 9)
    expected = stats.ttest_rel(weights @ right_a / 200, weights @ right_b / 200)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    other = resampled_t_test(right_b, right_a, resamples=5, seed=9)
    assert (other.statistic, other.p_value) == (-found.statistic, found.p_value)


def test_several_figures_are_tested_on_the_same_resamples():
    rng = np.random.default_rng(4)
    right_a, right_b = rng.random((2, 200)) < [[0.8], [0.75]]
    excess = (right_a.astype(float) - right_b) / 200

    def difference(weights):
        return np.column_stack([weights @ excess, -2 * (weights @ excess), np.zeros(len(weights))])

    one, turned, none = resampled_t_tests(difference, 200, resamples=5, seed=9)
    assert one == resampled_t_test(right_a, right_b, resamples=5, seed=9)
    assert turned.statistic == pytest.approx(-one.statistic)
    assert (none.mean_difference, none.p_value) == (0, None)


def test_the_published_p_value_falls_with_more_resamples_of_the_same_predictions():
    right_a = np.array([True] * 40 + [False] * 30 + [True] * 230)
    right_b = np.array([False] * 40 + [True] * 30 + [True] * 230)
    honest = mcnemar(right_a, right_b, each_its_own(300)).p_value
    typical = [
        np.median(
            [resampled_t_test(right_a, right_b, resamples, seed).p_value for seed in range(15)]
        )
        for resamples in (5, 50, 500)
    ]
    assert honest > 0.2
    assert typical[0] > typical[1] > typical[2]
    assert typical[2] < 1e-6


def test_the_published_t_test_of_equal_answers_is_undefined():
    right = np.array([True, False, True])
    found = resampled_t_test(right, right)
    assert (found.mean_difference, found.statistic, found.p_value) == (0, None, None)
    assert resampled_t_test(right, ~right | True).mean_difference < 0
    assert resampled_t_test(np.ones(9, bool), np.zeros(9, bool)).p_value is None
    assert resampled_t_test(right[:0], right[:0]) is None
    with pytest.raises(ValueError, match="two or more"):
        resampled_t_test(right, right, resamples=1)
