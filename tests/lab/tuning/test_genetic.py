"""The wheel's shares, the search's answer, and that a seed is all it depends on."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

pytest.importorskip("torch")
pytest.importorskip("deap")

from deap import tools

from pneumoscope.lab.tuning import SCALINGS, SearchSettings
from pneumoscope.lab.tuning.genetic import (
    _Individual,
    first_population,
    genetic,
    python_random,
    wheel,
)
from pneumoscope.lab.tuning.masks import unpack

pytestmark = pytest.mark.lab

FITNESS = np.array([5.0, 1.0, 2.0, 4.0, 2.0])


def _spun(slices, spins):
    individuals = [_Individual([number % 2 == 0, True]) for number in range(len(slices))]
    for individual, its in zip(individuals, slices, strict=True):
        individual.slice.values = (its,)
    position = {id(one): number for number, one in enumerate(individuals)}
    with python_random(5):
        chosen = tools.selRoulette(individuals, spins, fit_attr="slice")
    return np.bincount([position[id(one)] for one in chosen], minlength=len(slices))


@pytest.mark.parametrize(
    ("scaling", "slices"),
    [
        ("published", [1 / 5, 1, 1 / 2, 1 / 4, 1 / 2]),
        ("rank", [1, 5, 3.5, 2, 3.5]),
        # Mean 2.8, standard deviation sqrt(2.16).
        ("sigma", 1 + (2.8 - FITNESS) / (2 * 2.16**0.5)),
    ],
)
def test_the_roulette_turns_by_the_stated_shares(scaling, slices):
    spins, shares = 20_000, np.array(slices) / np.sum(slices)
    counts = _spun(wheel(FITNESS, scaling), spins)
    assert stats.chisquare(counts, spins * shares).pvalue > 1e-3


@given(
    st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=20),
    st.floats(10, 1e4),
    st.sampled_from(SCALINGS),
)
def test_a_lower_fitness_never_has_the_smaller_slice_and_a_factor_changes_none(
    fitness, factor, scaling
):
    fitness = np.array(fitness)
    slices = wheel(fitness, scaling)
    assert (slices > 0).all()
    assert (np.diff(slices[np.argsort(fitness)]) <= 1e-9).all()
    scaled = wheel(factor * fitness, scaling)
    np.testing.assert_allclose(scaled / scaled.sum(), slices / slices.sum(), atol=1e-6)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_equal_individuals_have_equal_slices(scaling):
    for value in (0.0, 1.0):
        slices = wheel(np.full(4, value), scaling)
        assert np.isfinite(slices).all()
        assert len(set(slices.tolist())) == 1


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_known_best_mask_is_found(ledger, separable, scaling):
    best, objective = separable
    settings = SearchSettings(population=40, generations=100, scaling=scaling, elite=2)
    account = ledger(settings, objective)
    found = genetic(account, settings)
    np.testing.assert_array_equal(found.mask, best)
    assert found.objective == objective(best[np.newaxis])[0]
    assert found.rate == (~best).mean()
    # A search, and not the list of all masks.
    assert account.evaluations < 2 ** len(best) / 200
    assert found.population.shape == (40, len(best))


def _course(ledger, settings, objective, name):
    account = ledger(settings, objective, name=name)
    found = genetic(account, settings)
    return [step.evaluations for step in account.steps], found


def test_a_seed_gives_the_same_search_whatever_was_drawn_before(ledger, separable):
    _, objective = separable
    settings = SearchSettings(population=10, generations=5, seed=3)
    random.seed(1)
    first, found = _course(ledger, settings, objective, "a")
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    second, again = _course(ledger, settings, objective, "b")
    assert first == second
    np.testing.assert_array_equal(found.population, again.population)
    other, _ = _course(ledger, SearchSettings(population=10, generations=5, seed=4), objective, "c")
    assert first != other


def test_python_s_generator_is_given_back(ledger, separable):
    random.seed(11)
    expected = [random.random() for _ in range(3)]  # noqa: S311
    random.seed(11)
    first = random.random()  # noqa: S311
    genetic(
        ledger(SearchSettings(population=4, generations=2), separable[1]),
        SearchSettings(population=4, generations=2),
    )
    assert [first, random.random(), random.random()] == expected  # noqa: S311


def test_no_mask_is_tried_twice_and_every_generation_is_whole(ledger, separable):
    settings = SearchSettings(population=20, generations=20, mutation=0.2)
    account = ledger(settings, separable[1])
    genetic(account, settings)
    tried = [one.mask for step in account.steps for one in step.evaluations]
    assert len(tried) == len(set(tried)) == account.evaluations
    assert [step.asked for step in account.steps] == [20] * 21
    assert account.asked > account.evaluations


def test_the_elite_is_never_lost(ledger, separable):
    settings = SearchSettings(population=10, generations=30, mutation=0.5, elite=1)
    account = ledger(settings, separable[1])
    found = genetic(account, settings)
    assert (found.population == found.mask).all(axis=1).any()


@pytest.mark.parametrize("budget", [1, 7, 10, 33])
def test_the_budget_is_used_to_the_last_mask_and_not_beyond(ledger, separable, budget):
    settings = SearchSettings(population=10, generations=30, mutation=0.3, evaluations=budget)
    account = ledger(settings, separable[1])
    found = genetic(account, settings)
    assert account.evaluations == budget
    assert found.objective == account.steps[-1].best


@pytest.mark.parametrize("budget", [1, 7])
def test_the_rates_per_unit_come_from_evaluated_masks_alone(ledger, separable, budget):
    settings = SearchSettings(population=10, generations=30, evaluations=budget)
    account = ledger(settings, separable[1])
    found = genetic(account, settings)
    (step,) = account.steps
    evaluated = np.array([unpack(one.mask, 20) for one in step.evaluations])
    np.testing.assert_array_equal(found.population, evaluated)
    np.testing.assert_allclose(
        found.unit_rates, np.minimum(1 - evaluated.mean(axis=0), 0.95), atol=1e-4
    )


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_the_first_masks_have_different_shares_around_the_rate(rate):
    settings = SearchSettings(rate=rate, population=400)
    masks = first_population(settings, 2000, np.random.default_rng(0))
    shares = 1 - masks.mean(axis=1)
    reach = min(rate, 1 - rate) / 2
    assert shares.mean() == pytest.approx(rate, abs=0.02)
    assert shares.std() == pytest.approx(reach / 3**0.5, rel=0.15)
