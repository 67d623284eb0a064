"""The ways to mend probabilities: which one wins where the truth is known, and fair folds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.isotonic import IsotonicRegression

from pneumoscope.metrics import BETA, BIASED, ISOTONIC, TEMPERATURE, compare_calibrators
from pneumoscope.metrics.calibrators import _beta, _folds, _isotonic


def draws(images, temperature=1.0, biases=(0.0, 0.0, 0.0), seed=5):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (images, len(biases)))
    shares = softmax(logits / temperature + np.array(biases), axis=1).cumsum(axis=1)
    labels = np.minimum((rng.random((images, 1)) > shares).sum(axis=1), len(biases) - 1)
    return logits, labels, [f"p{i // 2}" for i in range(images)]


def test_biases_win_where_the_shares_are_shifted():
    found = compare_calibrators(*draws(1500, 1.5, (0.0, -2.0, 1.0)))
    assert found[BIASED].over_temperature.high < 0
    assert found[BIASED].loss.value == min(each.loss.value for each in found.values())


def test_nothing_wins_where_the_temperature_is_right():
    found = compare_calibrators(*draws(1500, 1.5))
    assert found[TEMPERATURE].over_temperature.value == 0
    for name in (BIASED, ISOTONIC, BETA):
        assert found[name].over_temperature.high > 0


def test_a_temperature_that_fits_is_the_loss_of_the_truth():
    logits, labels, patients = draws(4000, 1.5)
    true = softmax(logits / 1.5, axis=1)[np.arange(4000), labels]
    found = compare_calibrators(logits, labels, patients)
    assert found[TEMPERATURE].loss.value == pytest.approx(-np.log(true).mean(), rel=2e-3)


def test_steps_win_where_the_truth_has_steps():
    rng = np.random.default_rng(1)
    x = rng.uniform(-4, 4, 4000)
    labels = (rng.random(4000) < np.where(np.abs(x) < 2, 0.5, np.where(x > 0, 0.98, 0.02))).astype(
        int
    )
    logits = np.stack([np.zeros(4000), x], axis=1)
    found = compare_calibrators(logits, labels, [str(i) for i in range(4000)])
    assert found[ISOTONIC].over_temperature.high < 0


def test_images_that_look_like_their_patient_are_judged_by_other_patients():
    """Each patient has logits of its own with a label of its own: nothing can be learnt from it."""
    rng = np.random.default_rng(3)
    owner = np.repeat(np.arange(60), 20)
    logits = rng.normal(0, 3, (60, 2))[owner]
    labels = rng.integers(0, 2, 60)[owner]
    patients = [str(i) for i in owner]
    grouped = compare_calibrators(logits, labels, patients)
    by_image = compare_calibrators(logits, labels, [str(i) for i in range(owner.size)])
    assert grouped[ISOTONIC].loss.value > np.log(2)
    assert by_image[ISOTONIC].loss.value < grouped[ISOTONIC].loss.value


def test_patients_stand_in_one_fold_and_every_class_in_all():
    labels = np.repeat([0, 1, 2], [40, 100, 10])
    patients = [f"p{i // 2}" for i in range(150)]
    fold = _folds(labels, patients, 5, seed=1)
    for patient in set(patients):
        assert len({fold[i] for i, p in enumerate(patients) if p == patient}) == 1
    for label in range(3):
        counts = np.bincount(fold[labels == label], minlength=5) / 2
        assert np.ptp(counts) <= 1


def test_an_impossible_class_gets_nothing_and_changes_nothing():
    logits, labels, patients = draws(300, 1.5, (0.0, 0.5))
    with_third = np.c_[logits, np.full(300, 9.0)]
    allowed = np.broadcast_to([True, True, False], with_third.shape).copy()
    # It is possible for a few, so that there is something to fit for it.
    allowed[::3, 2], with_third[::3, 2] = True, -20.0
    found = compare_calibrators(with_third, labels, patients, allowed=allowed)
    alone = compare_calibrators(logits, labels, patients)
    assert found[TEMPERATURE].loss.value == pytest.approx(alone[TEMPERATURE].loss.value, rel=1e-3)


def test_weights_count_in_the_loss():
    logits, labels, patients = draws(300, 1.5)
    weights = np.where(labels == 0, 5.0, 0.1)
    found = compare_calibrators(logits, labels, patients, weights=weights)
    assert found[BIASED].over_temperature.high < 0


def test_steps_are_those_of_the_oracle():
    rng = np.random.default_rng(2)
    stated = rng.integers(0, 30, 200) / 30
    outcome = rng.random(200) < stated
    weights = rng.uniform(0.1, 2, 200)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(stated, outcome, weights)
    given = np.linspace(0, 1, 101)
    expected = np.clip(oracle.predict(given), 1 / 202, 201 / 202)
    np.testing.assert_allclose(_isotonic(stated, outcome, weights)(given), expected, atol=1e-9)


def test_beta_recovers_a_known_map():
    rng = np.random.default_rng(4)
    stated = rng.uniform(0.02, 0.98, 40_000)

    def truth(p):
        return expit(0.5 * np.log(p) - 2.0 * np.log1p(-p) + 0.3)

    outcome = rng.random(40_000) < truth(stated)
    mended = _beta(stated, outcome, np.ones(40_000))
    given = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(mended(given), truth(given), atol=0.02)


def test_one_patient_is_refused():
    logits, labels, _ = draws(10)
    with pytest.raises(ValueError, match="1 patients cannot be dealt"):
        compare_calibrators(logits, labels, ["a"] * 10)
