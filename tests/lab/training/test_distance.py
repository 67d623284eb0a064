"""Distances from the training images: against the oracle, and what they must obey."""

import numpy as np
import pytest
from scipy.stats import chi

pytest.importorskip("torch")

import torch
from sklearn.covariance import LedoitWolf

from pneumoscope.lab.training.distance import fit_distance, shrunk_covariance

pytestmark = pytest.mark.lab


def features(images, seed=0):
    """Correlated, of different scales."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(images, 6)) @ rng.normal(size=(6, 6)) * [1, 4, 0.5, 1, 3, 1] + 5


def alone(images):
    return [str(i) for i in range(images)]


@pytest.mark.parametrize("images", [8, 40, 400])
def test_the_covariance_is_the_oracle_s(images):
    sample = features(images)
    centred = sample - sample.mean(axis=0)
    oracle = LedoitWolf(assume_centered=True).fit(centred)
    found = shrunk_covariance(centred, np.full(images, 1 / images))
    np.testing.assert_allclose(found, oracle.covariance_, rtol=1e-9, atol=1e-12)


def test_new_images_of_the_same_kind_lie_as_far_as_chance_has_it():
    sample = features(4000)
    distance = fit_distance(sample[:2000], np.zeros(2000, int), 1, alone(2000))
    far = distance.of(sample[2000:])[:, 0]
    assert np.quantile(far, 0.99) == pytest.approx(chi.ppf(0.99, 6), rel=0.05)
    assert np.median(far) == pytest.approx(chi.ppf(0.5, 6), rel=0.05)


def test_scales_and_units_do_not_matter():
    sample, scale = features(60), np.array([0.5, 2, 1, 2, 0.7, 1])
    groups = np.zeros(60, int)
    one = fit_distance(sample, groups, 1, alone(60)).of(sample)
    other = fit_distance(sample * scale, groups, 1, alone(60)).of(sample * scale)
    np.testing.assert_allclose(one, other, rtol=1e-3)


def test_groups_are_measured_by_their_own_images():
    both = np.vstack([features(50, 1), features(50, 2) + 100])
    groups = np.repeat([0, 1], 50)
    found = fit_distance(both, groups, 2, alone(100)).of(both)
    for group in (0, 1):
        mine = both[groups == group]
        one = fit_distance(mine, np.zeros(50, int), 1, alone(50)).of(both)[:, 0]
        np.testing.assert_allclose(found[:, group], one, rtol=1e-5)
    assert found[groups == 0, 0].max() < found[groups == 0, 1].min()


def test_a_patient_counts_once_however_many_images_there_are():
    sample = features(30)
    owners = alone(30)
    repeated = np.vstack([sample, np.repeat(sample[:1], 20, axis=0)])
    again = fit_distance(repeated, np.zeros(50, int), 1, [*owners, *["0"] * 20])
    np.testing.assert_allclose(again.mean[0], sample.mean(axis=0), rtol=1e-5)
    one = fit_distance(sample, np.zeros(30, int), 1, owners)
    # The spread is the same, its shrinkage a little less or more.
    np.testing.assert_allclose(again.of(sample), one.of(sample), rtol=0.05)


def test_a_feature_that_never_varied_gives_finite_distances():
    sample = features(100)
    sample[:, 2] = 0.3
    distance = fit_distance(sample, np.zeros(100, int), 1, alone(100))
    changed = sample.copy()
    changed[:, 2] = 0.4
    near, far = distance.of(sample), distance.of(changed)
    assert np.isfinite(far).all()
    assert (far > near).all()
    assert (near < 10).all()


def test_the_module_and_the_array_agree():
    sample = features(20)
    distance = fit_distance(sample, np.zeros(20, int), 1, alone(20))
    with torch.no_grad():
        found = distance(torch.from_numpy(sample).float())
    assert (found >= 0).all()
    np.testing.assert_array_equal(found.double().numpy(), distance.of(sample))


def test_features_that_differ_by_rounding_errors_alone_lie_together():
    """As those of a network that has learnt nothing yet: the exported graph rounds otherwise."""
    sample = np.full((50, 6), 0.0126) + np.random.default_rng(0).normal(0, 2e-8, (50, 6))
    distance = fit_distance(sample, np.zeros(50, int), 1, alone(50))
    rounded = sample + np.random.default_rng(1).normal(0, 1e-9, sample.shape)
    assert distance.of(sample).max() < 1
    np.testing.assert_allclose(distance.of(rounded), distance.of(sample), atol=1e-3)
