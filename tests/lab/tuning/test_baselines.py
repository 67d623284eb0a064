"""The other methods give the same kind of answer for the same budget."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("deap")

from pneumoscope.lab.tuning import METHODS, SearchSettings
from pneumoscope.lab.tuning.masks import unpack
from pneumoscope.lab.tuning.tune import search

pytestmark = pytest.mark.lab

UNITS = 400


def _valley(masks):
    """Lowest where 30% are dropped, as a mean over masks and as a single one."""
    return 1 + (masks.mean(axis=1) - 0.7) ** 2


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_valley(ledger, method):
    settings = SearchSettings(method=method, population=20, generations=19)
    account = ledger(settings, _valley, units=UNITS)
    found = search(account, settings)
    assert found.rate == pytest.approx(0.3, abs=0.05)
    assert found.mask.shape == (UNITS,)
    assert found.population.shape == (20, UNITS)
    assert found.objective == pytest.approx(1, abs=0.005)
    assert account.asked <= 400


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("budget", [1, 25, 60])
def test_the_budget_is_the_same_for_all(ledger, method, budget):
    settings = SearchSettings(method=method, population=20, evaluations=budget)
    account = ledger(settings, _valley, units=UNITS)
    found = search(account, settings)
    tried = [one.mask for step in account.steps for one in step.evaluations]
    assert len(tried) == len(set(tried)) <= budget
    assert 0 <= found.rate < 1
    # The grid is planned so that every rate has all of its masks.
    assert len(tried) == budget or method == "grid"


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_search(ledger, method):
    courses = []
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        settings = SearchSettings(method=method, population=6, generations=7, seed=seed)
        account = ledger(settings, _valley, units=30, name=name)
        search(account, settings)
        courses.append([step.evaluations for step in account.steps])
    assert courses[0] == courses[1] != courses[2]


def test_a_rate_counts_by_the_mean_of_its_masks_and_not_by_a_lucky_one(ledger):
    rng = np.random.default_rng(0)

    def lucky(masks):
        share = 1 - masks.mean(axis=1)
        return 10 + share + rng.normal(0, 5 * share**2)

    settings = SearchSettings(method="grid", population=50, generations=10)
    account = ledger(settings, lucky, units=UNITS)
    found = search(account, settings)
    assert found.rate < 0.3
    assert account.steps[-1].best < found.objective - 1


# The first rates: 0.47, 0 (which has one mask), 0.95, 0.24, and then 0.71 for what is left.
@pytest.mark.parametrize(("masks_of_the_best", "rate"), [(1, 0), (39, 0), (40, 0.71)])
def test_a_rate_that_the_budget_cut_off_does_not_compete(ledger, masks_of_the_best, rate):
    def best_at_the_fifth(masks):
        share = 1 - masks.mean(axis=1)
        return np.where(abs(share - 0.71) < 0.1, 1, 2 + share)

    budget = 3 * 40 + 1 + masks_of_the_best
    settings = SearchSettings(method="bayes", population=40, evaluations=budget)
    account = ledger(settings, best_at_the_fifth, units=UNITS)
    found = search(account, settings)
    assert [len(step.evaluations) for step in account.steps] == [40, 1, 40, 40, masks_of_the_best]
    assert found.rate == pytest.approx(rate)


def test_a_rate_that_was_cut_off_is_the_answer_where_there_is_no_other(ledger):
    settings = SearchSettings(method="bayes", population=40, evaluations=3)
    found = search(ledger(settings, _valley, units=UNITS), settings)
    assert found.rate == pytest.approx(0.47)
    assert found.population.shape == (3, UNITS)


def test_rate_0_is_known_exactly_from_one_mask(ledger):
    settings = SearchSettings(method="bayes", population=40, generations=1)
    account = ledger(settings, lambda m: 2 - m.mean(axis=1), units=UNITS)
    found = search(account, settings)
    assert (found.rate, found.objective) == (0, 1)
    assert [len(step.evaluations) for step in account.steps] == [40, 1]


RATES = 96  # that bayes chooses from


def test_bayes_without_a_budget_ends_when_every_rate_was_tried(ledger):
    settings = SearchSettings(method="bayes", population=2, generations=2 * RATES)
    account = ledger(settings, _valley, units=UNITS)
    search(account, settings)
    assert len(account.steps) == RATES


def test_bayes_with_a_budget_goes_on_with_the_best_rates_and_spends_it(ledger):
    rng = np.random.default_rng(0)

    def noisy(masks):
        return _valley(masks) + rng.normal(0, 0.02, len(masks))

    settings = SearchSettings(method="bayes", population=2, evaluations=220, generations=1000)
    account = ledger(settings, noisy, units=UNITS)
    found = search(account, settings)
    assert account.evaluations == 220
    assert len(account.steps) > RATES
    assert found.rate == pytest.approx(0.3, abs=0.15)
    # The objective is the mean of all masks that were drawn at the rate, of several steps.
    objectives = [
        [one.objective for one in step.evaluations] for step in account.steps if step.evaluations
    ]
    assert not any(found.objective == pytest.approx(np.mean(each)) for each in objectives)


def test_bayes_with_minutes_spends_them(ledger):
    settings = SearchSettings(method="bayes", population=2, minutes=1e9, generations=RATES + 5)
    account = ledger(settings, _valley, units=UNITS)
    search(account, settings)
    assert len(account.steps) == RATES + 6
    # Not on the rate that has one mask only, and no new one to draw.
    assert sum(not step.evaluations for step in account.steps) <= 1


def test_bayes_ends_where_no_rate_has_a_new_mask(ledger):
    settings = SearchSettings(method="bayes", population=40, evaluations=1000, generations=10_000)
    account = ledger(settings, _valley, units=3)
    search(account, settings)
    assert account.evaluations == 7


def test_a_flat_objective_is_no_reason_to_fail(ledger):
    settings = SearchSettings(method="bayes", population=4, generations=10)
    found = search(ledger(settings, lambda m: np.ones(len(m)), units=UNITS), settings)
    assert found.objective == 1


def test_no_rate_is_tried_twice(ledger):
    settings = SearchSettings(method="bayes", population=2, generations=25)
    account = ledger(settings, _valley, units=4000)
    search(account, settings)
    # So many units show the rate that a mask was drawn at.
    rates = [1 - unpack(step.evaluations[0].mask, 4000).mean() for step in account.steps]
    assert len(rates) == 26
    assert np.diff(np.sort(rates)).min() > 0
