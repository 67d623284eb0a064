"""How soon a worsening is noticed, at the same rate of false alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pneumoscope.findings import Direction, Visit
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.severity import LEVELS
from pneumoscope.synthetic import CourseKind, SimulatedCourse, make_course
from pneumoscope.tracking import ALPHA, LEAST_VISITS, burden, worsening_p
from pneumoscope.workflow import track_visits

PATIENTS = 150  # of each course, in each of the two sets of a round
ROUNDS = 5
ROUND_SEEDS = 1000  # from one round's seeds to the next one's
LEVEL_PATIENTS = 20
MATCH_SEED, MEASURE_SEED = 0, 100_000
TARGETS = (0.05, 0.10)
EWMA_FACTOR = 0.2
WELL = (CourseKind.STABLE, CourseKind.RECOVERING)
ILL = (CourseKind.WORSENING, CourseKind.RELAPSING)
_Statistic = Callable[[Sequence[Visit]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class _Patient:
    """A made-up patient with every method's statistic at each visit; higher is worse."""

    course: SimulatedCourse
    statistics: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a threshold gave on a set of patients.

    Attributes
    ----------
    false_alarms, well : int
        Patients alarmed, of those who never worsen.
    early : mapping of CourseKind to int
        Patients alarmed before they worsened.
    delays : mapping of CourseKind to tuple of int
        Visits from the first worse one to the alarm, for those alarmed from then on.
    """

    false_alarms: int
    well: int
    early: Mapping[CourseKind, int]
    delays: Mapping[CourseKind, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Round:
    """What one set of patients to match and one to measure gave.

    Attributes
    ----------
    matched : mapping of float to mapping of str to Outcome
        By the share of false alarms that was aimed at, and by method.
    rule : Outcome
        Of the rule as `track` applies it.
    """

    matched: Mapping[float, Mapping[str, Outcome]]
    rule: Outcome


def _round(offset: int, patients: int) -> _Round:
    matching = _patients(WELL, patients, MATCH_SEED + offset)
    measuring = _patients(tuple(CourseKind), patients, MEASURE_SEED + offset)
    matched = {
        target: {
            name: _outcome(measuring, name, _threshold(matching, name, target)) for name in METHODS
        }
        for target in TARGETS
    }
    # The rule alarms at p <= 0.05, the comparison above the threshold.
    return _Round(matched, _outcome(measuring, "trend", -float(np.log10(ALPHA)) - 1e-9))


def _run(context: Context, page: Page) -> None:
    patients = 10 if context.smoke else PATIENTS
    rounds = 2 if context.smoke else ROUNDS
    later = f", in {rounds} rounds, each {ROUND_SEEDS:,} seeds after the last"
    for name, courses, seed in (
        ("match", "well course", MATCH_SEED),
        ("measure", "course", MEASURE_SEED),
    ):
        page.source(
            f"patients to {name}", f"{patients} of each {courses}, seeds from {seed}{later}"
        )
    page.text(
        "Made-up patients with a known course are followed for 30 visits. A method sees each visit "
        f"when it comes, from the {LEAST_VISITS}th on, and raises an alarm once its statistic is "
        "above its threshold. For every method the threshold is the one that alarms the stated "
        "share of patients who never worsen, on one set of patients; everything below is "
        "measured on another set. The rule of `pneumoscope track` was fixed before. All of this is "
        f"done in {rounds} rounds with other patients; a figure is their median, with the least "
        "and the greatest in parentheses."
    )
    page.table(
        ["method", "statistic"],
        [
            ["fixed threshold", "the burden at the visit (mean share of the clinical ranges)"],
            [
                "EWMA",
                f"exponentially weighted mean of the burden (factor {EWMA_FACTOR:g}) above the "
                f"mean of the patient's first {LEAST_VISITS} visits, in their standard deviations",
            ],
            ["trend", "the least corrected p-value of the rule of `track` for the worse"],
        ],
    )
    found = [_round(ROUND_SEEDS * number, patients) for number in range(rounds)]
    for target in TARGETS:
        _write_outcomes(page, target, [one.matched[target] for one in found], patients)
    _write_rule(page, [one.rule for one in found], patients)
    page.figure(
        "delay",
        _plot([one.matched[TARGETS[0]] for one in found], patients),
        f"Share of patients noticed in all rounds, by visits after the worsening began, at "
        f"{TARGETS[0]:.0%} false alarms.",
    )
    _write_levels(page, 2 if context.smoke else LEVEL_PATIENTS)
    _write_limits(page)


def _by_threshold(visits: Sequence[Visit]) -> NDArray[np.float64]:
    return np.array([burden(visit) for visit in visits])


def _by_ewma(visits: Sequence[Visit]) -> NDArray[np.float64]:
    values = _by_threshold(visits)
    start = values[:LEAST_VISITS]
    mean, spread = float(start.mean()), max(float(start.std(ddof=1)), 0.01)
    level, levels = mean, []
    for value in values:
        level += EWMA_FACTOR * (value - level)
        levels.append(level)
    width = spread * np.sqrt(EWMA_FACTOR / (2 - EWMA_FACTOR))
    return (np.array(levels) - mean) / width


def _by_trend(visits: Sequence[Visit]) -> NDArray[np.float64]:
    p_values = [worsening_p(visits[:n]) for n in range(1, len(visits) + 1)]
    return -np.log10(np.maximum(p_values, 1e-300))


METHODS: Mapping[str, _Statistic] = {
    "fixed threshold": _by_threshold,
    "EWMA": _by_ewma,
    "trend": _by_trend,
}


def _patients(kinds: Sequence[CourseKind], count: int, seed: int) -> list[_Patient]:
    courses = [make_course(kind, seed + n) for kind in kinds for n in range(count)]
    return [_Patient(c, {name: way(c.visits) for name, way in METHODS.items()}) for c in courses]


def _threshold(patients: Sequence[_Patient], method: str, target: float) -> float:
    """Give the least threshold that alarms no more than the target's share of these patients."""
    highest = [float(p.statistics[method][LEAST_VISITS - 1 :].max()) for p in patients]
    return sorted(highest, reverse=True)[int(target * len(highest))]


def _alarm(patient: _Patient, method: str, threshold: float) -> int | None:
    """Give the first visit with an alarm."""
    above = patient.statistics[method] > threshold
    above[: LEAST_VISITS - 1] = False
    return int(above.argmax()) if above.any() else None


def _outcome(patients: Sequence[_Patient], method: str, threshold: float) -> Outcome:
    false_alarms = well = 0
    early: dict[CourseKind, int] = dict.fromkeys(ILL, 0)
    delays: dict[CourseKind, list[int]] = {kind: [] for kind in ILL}
    for patient in patients:
        kind, onset = patient.course.kind, patient.course.onset
        alarm = _alarm(patient, method, threshold)
        if onset is None:
            well += 1
            false_alarms += alarm is not None
        elif alarm is not None and alarm < onset:
            early[kind] += 1
        elif alarm is not None:
            delays[kind].append(alarm - onset)
    return Outcome(false_alarms, well, early, {k: tuple(v) for k, v in delays.items()})


def _write_outcomes(
    page: Page, target: float, rounds: Sequence[Mapping[str, Outcome]], patients: int
) -> None:
    page.heading(f"Matched at {target:.0%} false alarms")
    of_method = {name: [outcomes[name] for outcomes in rounds] for name in METHODS}
    page.table(_HEADER, [[name, *_cells(found, patients)] for name, found in of_method.items()])
    page.values(
        f"matched_{target:g}",
        {name: [_values(outcome) for outcome in found] for name, found in of_method.items()},
    )


_HEADER = [
    "method",
    "false alarms",
    "worsening: noticed",
    "early",
    "median delay, visits",
    "relapsing: noticed",
    "early",
    "median delay, visits",
]


def _cells(rounds: Sequence[Outcome], patients: int) -> list[str]:
    cells = [_spread([one.false_alarms / one.well for one in rounds], ".3f")]
    for kind in ILL:
        noticed = [len(one.delays[kind]) for one in rounds]
        medians = [float(np.median(one.delays[kind])) for one in rounds if one.delays[kind]]
        cells += [f"{_spread(noticed)} of {patients}", _spread([one.early[kind] for one in rounds])]
        cells.append(_spread(medians) if medians else "-")
    return cells


def _spread(values: Sequence[float], form: str = "g") -> str:
    """Median of the rounds with their range."""
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _values(outcome: Outcome) -> dict[str, object]:
    return {
        "false_alarms": outcome.false_alarms,
        "well": outcome.well,
        "early": {kind.value: count for kind, count in outcome.early.items()},
        "delays": {kind.value: list(delays) for kind, delays in outcome.delays.items()},
    }


def _write_rule(page: Page, rounds: Sequence[Outcome], patients: int) -> None:
    page.heading("The rule as `track` applies it")
    page.text(
        f"At p <= {ALPHA:g}, not matched: the verdict is asked for at every one of 26 visits, so "
        "that far more than one patient in twenty is called worsening at some visit without being "
        "so. A single verdict of worsening is a reason to look at the patient, not a finding."
    )
    page.table(_HEADER, [["trend, as it is", *_cells(rounds, patients)]])
    page.values("rule", [_values(outcome) for outcome in rounds])


def _plot(rounds: Sequence[Mapping[str, Outcome]], patients: int) -> Figure:
    figure = Figure(figsize=(9, 3.8))
    axes = figure.subplots(1, 2, sharey=True)
    colours = {"fixed threshold": "#777777", "EWMA": "#b3541e", "trend": "#1f5a91"}
    visits = np.arange(23)
    for axis, kind in zip(axes, ILL, strict=True):
        for name in METHODS:
            delays = [delay for one in rounds for delay in one[name].delays[kind]]
            noticed = [sum(d <= v for d in delays) / (patients * len(rounds)) for v in visits]
            axis.step(visits, noticed, where="post", color=colours[name], label=name)
        axis.set_title(kind.value)
        axis.set_xlabel("visits after the onset")
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("share of patients noticed")
    axes[0].legend()
    return figure


def _write_levels(page: Page, patients: int) -> None:
    page.heading("What the personal ranges do to the level")
    rows, values = [], {}
    for kind in CourseKind:
        higher = lower = visits = called = 0
        for n in range(patients):
            course = track_visits(
                make_course(kind, MEASURE_SEED + n, missing=0).visits, rule_base="baral2025"
            )
            for tracked in course.visits:
                if tracked.population is None or tracked.personal is None:
                    continue
                rise = LEVELS.index(tracked.personal.level) - LEVELS.index(tracked.population.level)
                visits += 1
                higher += rise > 0
                lower += rise < 0
                called += tracked.change.direction is Direction.WORSENING
        rows.append(
            [kind.value, str(visits), *(f"{n / visits:.1%}" for n in (higher, lower, called))]
        )
        values[kind.value] = {"visits": visits, "higher": higher, "lower": lower, "called": called}
    page.text(
        "By the rule base `baral2025`. The worse level is given, so a lower one by the personal "
        "ranges never counts. The last column has the verdict of `track`, which also calls it "
        "worsening when the level leaps; the published base leaps often."
    )
    header = ["course", "visits", "personal level higher", "personal level lower"]
    page.table([*header, "called worsening"], rows)
    page.values("levels", values)


def _write_limits(page: Page) -> None:
    page.heading("What this does not say")
    page.text(
        "These patients are made up: one hidden illness, noise that is new at every visit, a "
        "straight worsening that begins between the 8th and the 15th visit. Real noise is "
        "correlated in time, which raises the false alarms of every method. EWMA takes the first "
        "visits as the patient's usual state; a relapsing patient is ill at the first visits, so "
        "the worsening column is the fair one for it. An alarm before the onset counts as early, "
        "not as noticed, and the delay is that of those who were noticed."
    )


STUDY = Study(
    name="tracking-detection",
    title="How soon a worsening is noticed",
    reaches="the change detection of `track` against a fixed threshold and an EWMA chart",
    cost="two minutes on one core",
    run=_run,
)
