"""Each metric against scikit-learn, with ties and weights, and properties that must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from pneumoscope.metrics import (
    accuracy,
    auroc,
    auroc_macro,
    balanced_accuracy,
    brier,
    f1,
    sensitivity,
    specificity,
)

IMAGES, SETS = 120, 7


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def three_classes(rng):
    """True classes, probabilities with many ties, and sets of whole weights, some of them 0."""
    true = np.arange(IMAGES) % 3
    raw = rng.integers(1, 6, size=(IMAGES, 3)) + 2.0 * (true[:, None] == np.arange(3))
    weights = rng.poisson(1.0, size=(SETS, IMAGES)).astype(float)
    return true, raw / raw.sum(axis=1, keepdims=True), weights


def per_set(function, weights):
    return [function(row) for row in weights]


def test_accuracy_and_balanced_accuracy_match_the_oracle(three_classes):
    true, probabilities, weights = three_classes
    predicted = probabilities.argmax(axis=1)
    for ours, theirs in [
        (accuracy, sk.accuracy_score),
        (balanced_accuracy, sk.balanced_accuracy_score),
    ]:
        expected = per_set(lambda w, f=theirs: f(true, predicted, sample_weight=w), weights)
        np.testing.assert_allclose(ours(true, predicted, weights), expected)
        assert float(ours(true, predicted)) == pytest.approx(theirs(true, predicted))


def test_auroc_matches_the_oracle_with_ties_and_weights(three_classes):
    true, probabilities, weights = three_classes
    scores, positive = probabilities[:, 1], true == 1
    assert len(np.unique(scores)) < IMAGES / 2
    expected = per_set(lambda w: sk.roc_auc_score(positive, scores, sample_weight=w), weights)
    np.testing.assert_allclose(auroc(scores, positive, weights), expected)
    assert float(auroc(scores, positive)) == pytest.approx(sk.roc_auc_score(positive, scores))


def test_macro_auroc_matches_the_oracle(three_classes):
    true, probabilities, weights = three_classes

    def oracle(w):
        return np.mean(
            [sk.roc_auc_score(true == c, probabilities[:, c], sample_weight=w) for c in range(3)]
        )

    np.testing.assert_allclose(
        auroc_macro(probabilities, true, weights), per_set(oracle, weights), rtol=1e-12
    )
    expected = sk.roc_auc_score(true, probabilities, multi_class="ovr", average="macro")
    assert float(auroc_macro(probabilities, true)) == pytest.approx(expected)


def test_macro_auroc_is_over_the_classes_of_the_data(three_classes):
    true, probabilities, _ = three_classes
    two = true != 2
    expected = np.mean([sk.roc_auc_score(true[two] == c, probabilities[two][:, c]) for c in (0, 1)])
    assert float(auroc_macro(probabilities[two], true[two])) == pytest.approx(expected)


def test_brier_matches_the_oracle(three_classes):
    true, probabilities, weights = three_classes
    expected = per_set(
        lambda w: sk.brier_score_loss(true, probabilities, sample_weight=w, scale_by_half=False),
        weights,
    )
    np.testing.assert_allclose(brier(probabilities, true, weights), expected)


def test_positive_class_metrics_match_the_oracle(three_classes):
    true, probabilities, weights = three_classes
    positive, called = true == 1, probabilities.argmax(axis=1) == 1
    for ours, theirs in [
        (sensitivity, lambda w: sk.recall_score(positive, called, sample_weight=w)),
        (specificity, lambda w: sk.recall_score(~positive, ~called, sample_weight=w)),
        (f1, lambda w: sk.f1_score(positive, called, sample_weight=w)),
    ]:
        np.testing.assert_allclose(ours(positive, called, weights), per_set(theirs, weights))


def test_what_is_undefined_is_nan_in_its_own_set_only():
    true, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    positive, called = true == 1, predicted == 1
    for values in (
        balanced_accuracy(true, predicted, weights),
        auroc(probabilities[:, 1], positive, weights),
        auroc_macro(probabilities, true, weights),
        sensitivity(positive, called, weights),
        f1(positive, called, weights),
        specificity(~positive, called, weights),
    ):
        assert np.isnan(values).tolist() == [True, False]


def test_no_images_give_nan_not_an_error():
    none, flags, scores = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=bool), np.zeros((0, 2))
    weights = np.zeros((4, 0))
    for values in (
        accuracy(none, none, weights),
        balanced_accuracy(none, none, weights),
        auroc(scores[:, 0], flags, weights),
        auroc_macro(scores, none, weights),
        brier(scores, none, weights),
        sensitivity(flags, flags, weights),
        f1(flags, flags, weights),
    ):
        assert values.shape == (4,)
        assert np.isnan(values).all()


def test_one_class_has_no_macro_auroc():
    assert np.isnan(auroc_macro(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0])))


def test_wrong_shapes_and_scores_are_refused():
    true = np.array([0, 1])
    with pytest.raises(ValueError, match="weights of shape"):
        accuracy(true, true, np.ones(3))
    with pytest.raises(ValueError, match="finite"):
        auroc(np.array([0.1, np.nan]), true == 1)


scored = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.float64, n, elements=st.integers(-8, 8).map(float)),
        hnp.arrays(np.bool_, n),
        hnp.arrays(np.float64, n, elements=st.integers(0, 4).map(float)),
    )
)


@given(scored)
def test_auroc_ignores_monotone_transforms_and_mirrors(data):
    scores, positive, weights = data
    value = float(auroc(scores, positive, weights))
    np.testing.assert_allclose(auroc(np.exp(scores / 3) + 5, positive, weights), value)
    np.testing.assert_allclose(auroc(-scores, positive, weights), 1 - value, atol=1e-12)
    np.testing.assert_allclose(auroc(scores, ~positive, weights), 1 - value, atol=1e-12)


@given(scored)
def test_auroc_is_the_share_of_pairs_in_order(data):
    scores, positive, weights = data
    wins = pairs = 0.0
    for i in np.flatnonzero(positive):
        for j in np.flatnonzero(~positive):
            pair = weights[i] * weights[j]
            pairs += pair
            wins += pair * ((scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]))
    np.testing.assert_allclose(
        auroc(scores, positive, weights), wins / pairs if pairs else np.nan, atol=1e-12
    )


@given(scored)
def test_a_weight_is_a_repeated_image(data):
    scores, positive, weights = data
    copies = np.repeat(np.arange(scores.size), weights.astype(int))
    called = scores > 0
    np.testing.assert_allclose(
        auroc(scores, positive, weights), auroc(scores[copies], positive[copies]), atol=1e-12
    )
    for metric in (sensitivity, specificity, f1):
        np.testing.assert_allclose(
            metric(positive, called, weights), metric(positive[copies], called[copies]), atol=1e-12
        )
