"""A journal survives what it must, and is not mistaken for another search's."""

import dataclasses
import json

import pytest

from pneumoscope.errors import InputError

pytest.importorskip("torch")
pytest.importorskip("deap")

from pneumoscope.lab.tuning.journal import Evaluation, Journal, Step

pytestmark = pytest.mark.lab

HEADER = {"seed": 1, "method": "ga"}


def _step(number):
    evaluations = (Evaluation("80", 0.1 + 0.2), Evaluation("40", 1 / 3))
    return Step(number, 5, 0.3, 0.5, 0.4, 0.1, 1.25, evaluations)


@pytest.fixture
def written(tmp_path):
    journal = Journal.start(tmp_path / "j.jsonl", HEADER)
    for number in range(3):
        journal.append(_step(number))
    return journal.path


def test_what_was_written_is_read_to_the_last_digit(written):
    assert Journal.resume(written, HEADER).steps == tuple(_step(i) for i in range(3))
    for line in written.read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_torn_last_line_is_dropped_and_the_next_step_takes_its_place(written, cut):
    whole = written.read_bytes()
    written.write_bytes(whole[:-cut])
    journal = Journal.resume(written, HEADER)
    assert journal.steps == (_step(0), _step(1))
    journal.append(_step(2))
    assert written.read_bytes() == whole


def test_another_search_is_refused_with_what_differs(written):
    before = written.read_bytes()
    with pytest.raises(InputError, match=r"another search \(seed differ\)"):
        Journal.resume(written, HEADER | {"seed": 2})
    with pytest.raises(InputError, match=r"another search \(rate differ\)"):
        Journal.resume(written, HEADER | {"rate": 0.5})
    assert written.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [*lines[:2], b"{}", *lines[3:]],
        lambda lines: [*lines[:2], b"no JSON", *lines[3:]],
        lambda lines: [lines[0], lines[2], lines[1]],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [b"[1]", *lines[1:]],
        lambda lines: [],
    ],
)
def test_a_damaged_journal_is_refused_in_one_line(written, damage):
    lines = damage(written.read_bytes().splitlines())
    written.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(InputError, match=r"is damaged; search again") as refused:
        Journal.resume(written, HEADER)
    assert "\n" not in str(refused.value)


def test_a_missing_journal_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Journal.resume(tmp_path / "none.jsonl", HEADER)


def test_no_number_that_json_lacks_is_written(written):
    odd = dataclasses.replace(_step(3), mean=float("nan"))
    with pytest.raises(ValueError, match="JSON"):
        Journal.start(written, HEADER).append(odd)
