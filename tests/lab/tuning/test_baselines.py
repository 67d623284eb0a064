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
