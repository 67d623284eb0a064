"""No mask is evaluated twice, and the budget is kept to the mask."""

import numpy as np
import pytest

from pneumoscope.errors import InputError

pytest.importorskip("torch")
pytest.importorskip("deap")

from pneumoscope.lab.tuning import SearchSettings
from pneumoscope.lab.tuning.journal import Journal

pytestmark = pytest.mark.lab

MASKS = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1]], bool)


def _counted(seen):
    def objective(masks):
        seen.extend(map(tuple, masks.tolist()))
        return masks.sum(axis=1) + 0.5

    return objective


def test_a_mask_is_evaluated_once_and_known_from_then_on(ledger):
    seen = []
    account = ledger(SearchSettings(), _counted(seen), units=3)
    np.testing.assert_array_equal(account.evaluate(MASKS), [1.5, 2.5, 1.5, 3.5, 2.5])
    np.testing.assert_array_equal(account.evaluate(MASKS[::-1]), [2.5, 3.5, 1.5, 2.5, 1.5])
    assert len(seen) == len(set(seen)) == account.evaluations == 4
    assert account.asked == 10
    assert [len(step.evaluations) for step in account.steps] == [4, 0]


def test_the_budget_ends_within_a_step(ledger):
    seen = []
    account = ledger(SearchSettings(evaluations=3), _counted(seen), units=3)
    assert not account.spent
    np.testing.assert_array_equal(account.evaluate(MASKS), [1.5, 2.5, 1.5, 3.5, np.nan])
    assert account.spent
    assert len(seen) == 3
    assert account.steps[0].mean == pytest.approx(np.mean([1.5, 2.5, 1.5, 3.5]))


def test_minutes_end_the_search_after_the_step(ledger, monkeypatch):
    account = ledger(SearchSettings(minutes=1), units=3)
    account.evaluate(MASKS)
    assert not account.spent
    monkeypatch.setattr(account, "_began", account._began - 61)
    account.evaluate(MASKS)
    assert account.spent


def test_seconds_go_on_from_the_journal_and_replaying_it_adds_none(ledger, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("pneumoscope.lab.tuning.ledger.time.monotonic", lambda: clock[0])

    def evaluate(account, took):
        clock[0] += took
        account.evaluate(MASKS)
        return account.seconds

    first = ledger(SearchSettings(minutes=1), units=3)
    # Many short steps are not rounded away.
    assert [evaluate(first, 0.0004) for _ in range(5)][-1] == 0.002
    assert evaluate(first, 30) == 30.002
    clock[0] += 1000
    again = ledger(
        SearchSettings(minutes=1), units=3, journal=Journal.resume(first._journal.path, {})
    )
    assert [evaluate(again, 50) for _ in range(6)] == [step.seconds for step in first.steps]
    assert not again.spent
    assert evaluate(again, 40) == 70.002
    assert again.spent


def test_the_lowest_come_first_and_of_equal_ones_the_earlier(ledger):
    account = ledger(SearchSettings(), _counted([]), units=3)
    account.evaluate(MASKS)
    np.testing.assert_array_equal(account.lowest(3), MASKS[[0, 1, 4]])
    np.testing.assert_array_equal(account.lowest(9), MASKS[[0, 1, 4, 3]])


def test_what_is_in_the_journal_is_not_evaluated_again(ledger):
    first = ledger(SearchSettings(evaluations=4), _counted([]), units=3)
    before = first.evaluate(MASKS[:3])
    seen = []
    journal = Journal.resume(first._journal.path, {})
    again = ledger(SearchSettings(evaluations=4), _counted(seen), units=3, journal=journal)
    np.testing.assert_array_equal(again.evaluate(MASKS[:3]), before)
    assert seen == []
    assert again.seconds >= first.steps[-1].seconds
    again.evaluate(MASKS)
    assert seen == [(True, True, True), (False, True, True)]
    assert len(Journal.resume(first._journal.path, {}).steps) == 2


def test_a_search_that_takes_another_course_is_told(ledger):
    first = ledger(SearchSettings(), units=3)
    first.evaluate(MASKS)
    journal = Journal.resume(first._journal.path, {})
    again = ledger(SearchSettings(), units=3, journal=journal)
    with pytest.raises(InputError, match="step 0 cannot be repeated"):
        again.evaluate(MASKS[1:])
