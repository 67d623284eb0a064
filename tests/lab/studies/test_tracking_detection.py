"""How alarms, delays and thresholds are counted."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies import tracking_detection as study
from pneumoscope.synthetic import CourseKind, make_course

pytestmark = pytest.mark.lab


def patient(kind, values):
    course = make_course(kind, 1)
    statistic = np.zeros(len(course.visits))
    statistic[: len(values)] = values
    return study._Patient(course, {"m": statistic})


def test_an_alarm_before_the_onset_is_early_and_after_it_a_delay():
    onset = make_course(CourseKind.WORSENING, 1).onset
    at = np.eye(30)
    ill = [patient(CourseKind.WORSENING, at[n]) for n in (onset - 1, onset, onset + 4)]
    well = [patient(CourseKind.STABLE, at[9]), patient(CourseKind.STABLE, np.zeros(30))]
    found = study._outcome([*ill, *well], "m", 0.5)
    assert found.early[CourseKind.WORSENING] == 1
    assert found.delays[CourseKind.WORSENING] == (0, 4)
    assert (found.false_alarms, found.well) == (1, 2)


def test_before_the_fifth_visit_no_method_alarms():
    assert study._alarm(patient(CourseKind.STABLE, [1, 1, 1, 1]), "m", 0.5) is None
    assert study._alarm(patient(CourseKind.STABLE, [1, 1, 1, 1, 1]), "m", 0.5) == 4


@pytest.mark.parametrize("target", [0.0, 0.05, 0.1, 0.5])
def test_a_threshold_alarms_no_more_than_its_share(target):
    rng = np.random.default_rng(0)
    well = [patient(CourseKind.STABLE, rng.random(30)) for _ in range(40)]
    threshold = study._threshold(well, "m", target)
    alarmed = sum(study._alarm(p, "m", threshold) is not None for p in well)
    assert alarmed == int(target * 40)


def test_a_cell_has_the_median_of_the_rounds_and_their_range():
    rounds = [
        study.Outcome(n, 100, dict.fromkeys(study.ILL, n), dict.fromkeys(study.ILL, (n, n + 1)))
        for n in (5, 2, 9)
    ]
    cells = study._cells(rounds, 20)
    assert cells[0] == "0.050 (0.020 to 0.090)"
    assert cells[1:4] == ["2 (2 to 2) of 20", "5 (2 to 9)", "5.5 (2.5 to 9.5)"]


def test_a_smoke_page_has_every_method_at_every_target(tmp_path):
    page = run_study(
        "tracking-detection", scale="smoke", data=tmp_path, work=tmp_path / "w", out=None
    )
    numbers = json.loads(page.with_suffix(".json").read_text())
    for target in study.TARGETS:
        assert set(numbers[f"matched_{target:g}"]) == set(study.METHODS)
        for rounds in numbers[f"matched_{target:g}"].values():
            assert len(rounds) == 2
            assert rounds[0]["delays"] != rounds[1]["delays"]
    assert page.with_name("tracking-detection-delay.svg").is_file()
