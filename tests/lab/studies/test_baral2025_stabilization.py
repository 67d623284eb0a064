"""The arithmetic of the published stabilisation."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.baral2025_stabilization import (
    BLOCKS,
    _blocks,
    _constant_step,
    factors,
    guarded,
)

pytestmark = pytest.mark.lab


def test_the_blocks_follow_each_other_on_one_history():
    covered = [range(210)[block] for block in _blocks()]
    assert [len(part) for part in covered] == list(BLOCKS)
    assert [n for part in covered for n in part] == list(range(210))


def test_a_constant_step_shrinks_in_per_cent_alone():
    bounds = np.array([[-0.1 * n, 1 + 0.1 * n] for n in range(12)])
    percent = 100 * np.abs(np.diff(bounds, axis=0))[1:] / np.abs(bounds[1:-1])
    lower, upper = _constant_step(slice(1, 11))
    assert (lower, upper) == pytest.approx(tuple(percent.mean(axis=0)))
    later = _constant_step(slice(110, 210))
    assert later[0] < lower
    assert later[1] < upper


def test_the_guard_of_the_program():
    moved, before = np.array([0.2, 0.2, 0.5, 0.0]), np.array([0.0, 0.0099, 0.01, 5.0])
    assert guarded(moved, before).tolist() == pytest.approx([20, 20, 2500, 0])


@given(st.floats(0, 30), st.floats(0, 42))
def test_a_guarded_change_has_a_limit_and_is_never_above_the_bare_one(moved, before):
    (found,) = guarded(np.array([moved]), np.array([before]))
    assert found <= 100 * moved / 0.02 * (1 + 1e-9)
    if before > 1:
        assert found == pytest.approx(100 * moved / before, rel=0.0101)


def test_both_stabilisation_factors_by_hand():
    # Halved: 1 - 0.5 and e^-0.5. Doubled: the floors of both.
    assert factors(8, 4) == pytest.approx({"program": 0.5, "manuscript": 0.60653066})
    assert factors(4, 8) == {"program": 0.4, "manuscript": 0.5}
    assert factors(4, 0) == {"program": 1, "manuscript": 1}


def test_a_smoke_page_shows_every_symptom_and_course(tmp_path):
    page = run_study(
        "baral2025-stabilization", scale="smoke", data=tmp_path, work=tmp_path / "w", out=None
    )
    numbers = json.loads(page.with_suffix(".json").read_text())
    for arm in ("published", "default"):
        assert len(numbers[f"table_11_{arm}"]) == 11
    assert len(numbers["by_course"]) == 8
    # All visits weigh in the published bounds: they move less and less, whatever the course.
    for course, means in numbers["by_course"].items():
        if course.startswith("published"):
            assert means[-1] < means[0]
